// What is asked after a login, the first one and every later one, and what pushes change.

import { GROUP, fromHistory, fromPush, keyOf, parse, sessionType } from "./store.js";

const PAGE = 30;
const CATCH_UP_PAGE = 100;
const STATUS_IDS = 1000; // the most that one question may have
const GROUP_IDS = 1000; // a frame with twice as many would be too long
const TYPING_MS = 6000;
const TYPING = 0x20001;
const NOT_TYPING = 0x20002;
const NUDGE = 0x10001;

export class Sync {
  // `hooks.arrived(conversation, message)` is called for what others write, `hooks.nudged(userId)`.
  constructor(store, socket, hooks) {
    this.store = store;
    this.socket = socket;
    this.hooks = hooks;
    socket.addEventListener("push", (event) => this.#pushed(event.detail));
  }

  // Brings everything up to date; conversations that are loaded get what they missed.
  async everything() {
    const { store, socket } = this;
    const [departments, people] = await Promise.all([
      socket.call("IMDepartmentReq", { latest_update_time: store.stamps.departments }),
      socket.call("IMAllUserReq", { latest_update_time: store.stamps.users }),
    ]);
    for (const entry of departments.dept_list) store.departments.set(entry.dept_id, entry);
    store.stamps = { users: people.latest_update_time, departments: departments.latest_update_time };
    store.addUsers(people.user_list);
    await this.#conversations();
    await this.#statuses();
    await Promise.all([...store.conversations.values()].filter((one) => one.isLoaded).map((one) => this.#catchUp(one)));
    store.tell("conversations");
  }

  async #conversations() {
    const { store, socket } = this;
    const known = new Map();
    for (const one of store.conversations.values()) {
      known.set(one.key, one.newestId);
      one.pushed.clear(); // what is pushed from now on may not be in the answer
    }
    const [recent, unread, fixed] = await Promise.all([
      socket.call("IMRecentContactSessionReq", { latest_update_time: 0 }),
      socket.call("IMUnreadMsgCntReq"),
      socket.call("IMNormalGroupListReq"),
    ]);
    const listed = new Map(); // the newest id of each
    for (const entry of recent.contact_session_list) {
      const one = store.conversation(keyOf(entry.session_type, entry.session_id));
      const latest = {
        id: entry.latest_msg_id,
        author: entry.latest_msg_from_user_id,
        time: entry.updated_time,
        type: entry.latest_msg_type,
        data: entry.latest_msg_data,
        isPreview: true,
      };
      if (latest.id < known.get(one.key)) one.restart();
      if (!one.latest || latest.id >= one.latest.id) one.show(latest);
      listed.set(one.key, latest.id);
    }
    const counts = new Map();
    for (const entry of unread.unreadinfo_list) {
      counts.set(store.conversation(keyOf(entry.session_type, entry.session_id)), entry);
    }
    for (const one of store.conversations.values()) {
      const entry = counts.get(one);
      one.recount(entry?.unread_cnt ?? 0, entry?.latest_msg_id ?? listed.get(one.key) ?? 0);
      one.isListed = listed.has(one.key) || (one.isListed && !one.latest);
    }
    const groups = new Set(fixed.group_version_list.map((entry) => entry.group_id));
    for (const key of listed.keys()) if (parse(key)[0] === GROUP) groups.add(parse(key)[1]);
    for (const id of store.groups.keys()) groups.add(id);
    await this.groups([...groups]);
    for (const { group_id } of fixed.group_version_list) { // with the temporary ones that are silent
      const group = store.groups.get(group_id);
      if (group && !group.isFixed) store.conversation(keyOf(GROUP, group_id)).isListed = true;
    }
  }

  // Asks for the descriptions of groups, whatever is known of them.
  async groups(ids) {
    for (let start = 0; start < ids.length; start += GROUP_IDS) await this.#someGroups(ids.slice(start, start + GROUP_IDS));
  }

  async #someGroups(ids) {
    const asked = ids.map((group_id) => ({ group_id, version: 0 }));
    const answer = await this.socket.call("IMGroupInfoListReq", { group_version_list: asked });
    for (const info of answer.group_info_list) this.store.addGroup(info);
    const mine = new Set(answer.group_info_list.map((info) => info.group_id));
    for (const id of ids) {
      if (mine.has(id)) continue;
      this.store.groups.delete(id);
      const one = this.store.conversations.get(keyOf(GROUP, id));
      if (one) one.isListed = false;
    }
  }

  async #statuses() {
    const ids = [...this.store.users.keys()];
    this.store.online.clear();
    for (let start = 0; start < ids.length; start += STATUS_IDS) {
      const answer = await this.socket.call("IMUsersStatReq", { user_id_list: ids.slice(start, start + STATUS_IDS) });
      for (const stat of answer.user_stat_list) this.#setStatus(stat);
    }
    this.store.tell("status");
  }

  #setStatus(stat) {
    if (stat.status === "USER_STATUS_ONLINE") this.store.online.add(stat.user_id);
    else this.store.online.delete(stat.user_id);
  }

  // --- messages -----------------------------------------------------------------------------

  async #page(one, newest, count) {
    const answer = await this.socket.call("IMGetMsgListReq", {
      session_type: sessionType(one.key),
      session_id: one.id,
      msg_id_begin: newest,
      msg_cnt: count,
    });
    return answer.msg_list.map(fromHistory);
  }

  // Loads the newest page of a conversation that is opened.
  async open(one) {
    if (one.isLoaded) return;
    const page = await this.#page(one, 0, PAGE);
    one.isLoaded = true;
    one.isWhole = page.length < PAGE || page.at(-1).id === 1;
    one.add(page);
    this.store.tell(one.key);
  }

  // Loads the page before the oldest that is shown.
  async older(one) {
    if (!one.isLoaded || one.isWhole) return;
    const oldest = one.messages[0]?.id ?? 0;
    const page = oldest > 1 ? await this.#page(one, oldest - 1, PAGE) : [];
    one.isWhole = !page.length || page.at(-1).id === 1;
    one.add(page);
    this.store.tell(one.key);
  }

  // Loads everything newer than what is shown: a push may have been missed.  Where the newest of all
  // is older than that, the server's data are those of a backup, and ids stand for other messages.
  async #catchUp(one) {
    const known = one.lastId;
    const found = [];
    for (let newest = 0; ; newest = found.at(-1).id - 1) {
      const page = await this.#page(one, newest, CATCH_UP_PAGE);
      if (!newest && (!known || (page[0]?.id ?? 0) < known) && this.#isReadable(one)) {
        one.restart();
        one.isWhole = page.length < CATCH_UP_PAGE || page.at(-1).id === 1;
        one.add(page);
        this.store.tell(one.key);
        return;
      }
      found.push(...page);
      if (!page.length || page.at(-1).id <= known + 1) break;
    }
    if (one.add(found)) this.store.tell(one.key);
  }

  // Who was taken out of a group is shown nothing of it any more.
  #isReadable(one) {
    return one.kind !== GROUP || this.store.groups.has(one.id);
  }

  // Takes a message that was stored: somebody's, or one's own.
  async take(one, message) {
    const isGap = one.isLoaded && one.lastId && message.id > one.lastId + 1;
    if (isGap) await this.#catchUp(one).catch(() => {});
    else if (one.isLoaded) one.add([message]);
    if (!one.latest || message.id >= one.latest.id) one.show(message);
    this.store.tell(one.key);
    this.store.tell("conversations");
  }

  markRead(one) {
    if (!one.unread || !one.latest) return;
    one.read();
    this.socket.send("IMMsgDataReadAck", {
      session_type: sessionType(one.key),
      session_id: one.id,
      msg_id: one.latest.id,
    });
    this.store.tell("conversations");
  }

  // --- pushes -------------------------------------------------------------------------------

  #pushed({ cmd, body }) {
    this.#on[cmd]?.(body);
  }

  #on = {
    IMMsgData: async (body) => {
      const isGroup = body.msg_type.startsWith("MSG_TYPE_GROUP");
      const isMine = body.from_user_id === this.store.me.user_id;
      const peer = isGroup ? body.to_session_id : isMine ? body.to_session_id : body.from_user_id;
      const one = this.store.conversation(keyOf(isGroup ? 2 : 1, peer));
      const message = fromPush(body);
      if (!isGroup) this.socket.send("IMMsgDataAck", { session_type: sessionType(one.key), session_id: peer, msg_id: message.id });
      if (!isMine && !one.count(message.id)) return; // pushed again
      if (isGroup && !this.store.groups.has(peer)) await this.groups([peer]).catch(() => {});
      one.typingUntil = 0;
      await this.take(one, message);
      if (!isMine) this.hooks.arrived(one, message);
    },
    IMMsgDataReadNotify: (body) => {
      this.store.conversation(keyOf(body.session_type, body.session_id)).read();
      this.store.tell("conversations");
    },
    IMRemoveSessionNotify: (body) => {
      this.store.conversation(keyOf(body.session_type, body.session_id)).isListed = false;
      this.store.tell("conversations");
    },
    IMUserStatNotify: (body) => {
      this.#setStatus(body.user_stat);
      this.store.tell("status");
    },
    IMSignInfoChangedNotify: (body) => this.#changeUser(body.changed_user_id, { sign_info: body.sign_info }),
    IMAvatarChangedNotify: (body) => this.#changeUser(body.changed_user_id, { avatar_url: body.avatar_url }),
    IMGroupChangeMemberNotify: async (body) => {
      await this.groups([body.group_id]).catch(() => {});
      const one = this.store.conversation(keyOf(GROUP, body.group_id));
      if (this.store.groups.has(body.group_id)) {
        one.isListed = true;
        one.updated ||= Math.floor(Date.now() / 1000);
      }
      this.store.tell("groups");
      this.store.tell("conversations");
    },
    IMP2PCmdMsg: (body) => {
      let signal;
      try {
        signal = JSON.parse(body.cmd_msg_data);
      } catch {
        return;
      }
      if (body.from_user_id === this.store.me.user_id) return;
      const one = this.store.conversation(keyOf(1, body.from_user_id));
      if (signal?.cmd_id === NUDGE) this.hooks.nudged(body.from_user_id);
      if (signal?.cmd_id === TYPING) {
        one.typingUntil = Date.now() + TYPING_MS;
        setTimeout(() => this.store.tell(one.key), TYPING_MS);
      }
      if (signal?.cmd_id === NOT_TYPING) one.typingUntil = 0;
      this.store.tell(one.key);
    },
  };

  #changeUser(userId, changes) {
    const user = this.store.users.get(userId);
    if (user) this.store.addUsers([{ ...user, ...changes }]);
  }

  tellTyping(one, isTyping) {
    if (one.kind === GROUP) return;
    const signal = isTyping
      ? { cmd_id: TYPING, content: "writing", service_id: 2 }
      : { cmd_id: NOT_TYPING, content: "stop writing", service_id: 2 };
    this.socket.send("IMP2PCmdMsg", { to_user_id: one.id, cmd_msg_data: JSON.stringify(signal) });
  }
}
