// The page's own modules with a server made of answers.  `steps` are what arrives in turn: the answers
// to a sync, a push, or that all is read.  Returns what is unread, announced and shown in the end.
async ({ steps, open }) => {
    const at = (name) => import(new URL(name, document.querySelector("script[type=module]").src));
    const [{ Store }, { Sync }] = await Promise.all([at("store.js"), at("sync.js")]);
    const store = new Store();
    store.me = { user_id: 1 };
    const told = [];
    let server = null;
    class Socket extends EventTarget {
        send() {}
        async call(cmd, body) {
            const page = (server.messages ?? []).filter((one) => !body?.msg_id_begin || one.msg_id <= body.msg_id_begin);
            return {
                IMDepartmentReq: { dept_list: [], latest_update_time: 1 },
                IMAllUserReq: { user_list: [], latest_update_time: 1 },
                IMRecentContactSessionReq: { contact_session_list: server.recent ?? [] },
                IMUnreadMsgCntReq: { unreadinfo_list: server.unread ?? [] },
                IMNormalGroupListReq: { group_version_list: [] },
                IMGetMsgListReq: { msg_list: page.slice(0, body?.msg_cnt) },
            }[cmd];
        }
    }
    const socket = new Socket();
    const sync = new Sync(store, socket, { arrived: (one, message) => told.push(message.id), nudged() {} });
    for (const step of steps) {
        if (step.push) {
            const body = { from_user_id: 2, to_session_id: 1, msg_id: step.push, create_time: 9, msg_type: "MSG_TYPE_SINGLE_TEXT", msg_data: `text ${step.push}` };
            socket.dispatchEvent(new CustomEvent("push", { detail: { cmd: "IMMsgData", body } }));
            await new Promise((done) => setTimeout(done));
        } else if (step.read) {
            sync.markRead(store.conversation("1:2"));
        } else {
            server = step;
            await sync.everything();
            if (open) await sync.open(store.conversation("1:2"));
        }
    }
    const one = store.conversation("1:2");
    return { unread: one.unread, told, shown: one.messages.map((message) => message.data), latest: one.latest?.data };
}
