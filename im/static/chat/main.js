// The page: the door first, then everything together.

import { ChatView } from "./chat_view.js";
import { details, newGroup, profile } from "./dialogs.js";
import { el } from "./dom.js";
import * as http from "./http.js";
import { language, t } from "./i18n.js";
import { ListView } from "./list_view.js";
import { showLogin } from "./login_view.js";
import { Outbox } from "./outbox.js";
import { Socket } from "./socket.js";
import { Store } from "./store.js";
import { Sync } from "./sync.js";
import { pictureText, preview } from "./text.js";
import { applyTheme } from "./theme.js";

const TOAST_MS = 4000;
const root = document.getElementById("app");

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
applyTheme();
begin();

async function begin() {
  const pass = await http.renew();
  if (pass.token) enter(pass);
  else showLogin(root, enter, pass.status === 0 ? t("unreachable") : pass.text);
}

function enter(pass) {
  const store = new Store();
  const socket = new Socket();
  const banner = el("div", { class: "banner", role: "status", hidden: true });
  const toasts = el("div", { class: "toasts", role: "status" });
  let list = null;
  let chat = null;
  let outbox = null;

  const sync = new Sync(store, socket, { arrived, nudged: (userId) => toast(t("nudged", store.nameOf(userId))) });
  const context = { store, socket, sync, openChat, leave };

  socket.addEventListener("online", online);
  socket.addEventListener("offline", () => show(t("disconnected")));
  socket.addEventListener("kicked", () => show(t("kicked"), el("button", { class: "link", onclick: () => location.reload() }, t("useHere"))));
  socket.addEventListener("refused", leave);
  addEventListener("focus", () => chat?.one && chat.isAtEnd() && seen(chat.one));
  document.addEventListener("visibilitychange", () => chat?.one && chat.isAtEnd() && seen(chat.one));
  addEventListener("popstate", (event) => openChat(event.state?.key ?? "", { isBack: true }));
  addEventListener("keydown", shortcut);
  socket.start(pass);

  async function online(event) {
    show("");
    store.me = event.detail.user_info;
    store.addUsers([store.me]);
    if (!outbox) build();
    try {
      await sync.everything();
      root.dataset.synced = "true";
    } catch {
      // Lost again meanwhile: the next login asks anew.
    }
    outbox.flush(socket);
  }

  function build() {
    outbox = new Outbox(store.me.user_id, { onChange: (key) => store.tell(key), onStored: stored });
    list = new ListView(store, { open: openChat, newGroup: () => newGroup(context), profile: () => profile(context) });
    chat = new ChatView(store, outbox, {
      send, sendPicture, seen, problem: toast,
      typing: (one, is) => sync.tellTyping(one, is),
      older: (one) => sync.older(one).catch(() => {}),
      details: (one) => details(context, one),
      retry: (item) => (outbox.retry(item), outbox.flush(socket)),
      back: () => history.back(),
    });
    root.replaceChildren(banner, el("div", { class: "panes" }, list.element, chat.element), toasts);
  }

  function openChat(key, { isBack = false } = {}) {
    const one = key ? store.conversation(key) : null;
    root.classList.toggle("is-open", Boolean(one));
    if (!isBack) {
      if (history.state?.key) history.replaceState({ key }, "");
      else history.pushState({ key }, "");
    }
    chat.show(one);
    list.opened(key);
    if (one) sync.open(one).then(() => chat.one === one && chat.render({ toEnd: true })).catch(() => {});
  }

  // --- messages -----------------------------------------------------------------------------

  function send(key, text) {
    outbox.add(key, text);
    outbox.flush(socket);
    if (chat.one?.key === key) chat.render({ toEnd: true });
  }

  async function sendPicture(key, { blob, width, height }) {
    const url = await http.upload(blob, width, height);
    send(key, pictureText(new URL(url, location.href).href));
  }

  function stored(item, msgId) {
    const one = store.conversation(item.key);
    const type = one.kind === 2 ? "MSG_TYPE_GROUP_TEXT" : "MSG_TYPE_SINGLE_TEXT";
    sync.take(one, { id: msgId, author: store.me.user_id, time: item.at, type, data: item.text });
  }

  function seen(one) {
    if (document.visibilityState === "visible" && document.hasFocus()) sync.markRead(one);
  }

  function arrived(one, message) {
    const isSeen = chat?.one === one && document.visibilityState === "visible" && document.hasFocus();
    if (isSeen || store.groups.get(one.id)?.isMuted) return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const notice = new Notification(store.titleOf(one.key), { body: preview(message), tag: one.key });
    notice.onclick = () => (focus(), openChat(one.key), notice.close());
  }

  // --- around -------------------------------------------------------------------------------

  function show(text, ...more) {
    banner.replaceChildren(text, ...more);
    banner.hidden = !text;
    if (!outbox && text) root.replaceChildren(banner);
  }

  function toast(text) {
    const note = el("div", { class: "toast" }, text);
    toasts.append(note);
    setTimeout(() => note.remove(), TOAST_MS);
  }

  function shortcut(event) {
    if (!list || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      list.search.focus();
    }
    if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      const keys = store.listed().map((one) => one.key);
      const next = keys.indexOf(list.current) + (event.key === "ArrowDown" ? 1 : -1);
      if (keys[next]) openChat(keys[next]);
    }
  }

  async function leave() {
    socket.stop();
    await http.logOut();
    location.reload();
  }
}
