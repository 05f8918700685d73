// One conversation: its messages, older ones as one scrolls up, and what is on its way.

import { faceOf } from "./avatar.js";
import { Composer } from "./composer.js";
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { isAudio, parts, shown } from "./text.js";
import { dayOf, timeOf } from "./times.js";
import { GROUP } from "./store.js";
import { voice } from "./voice.js";

const NEAR_PX = 120; // so near to an end counts as being there
const TOGETHER_S = 300; // messages of one author so close are one bunch

export class ChatView {
  #drafts = new Map();
  #isLoadingOlder = false;

  // `hooks`: send(key, text), sendPicture(key, picture), typing(one, is), older(one), details(one),
  // back(), seen(one), problem(text); `outbox` has what is on its way.
  constructor(store, outbox, hooks) {
    this.store = store;
    this.outbox = outbox;
    this.hooks = hooks;
    this.one = null;
    this.composer = new Composer({
      send: (text) => hooks.send(this.one.key, text),
      sendPicture: (picture) => hooks.sendPicture(this.one.key, picture),
      typing: (is) => hooks.typing(this.one, is),
      problem: hooks.problem,
    });
    this.title = el("h2", { id: "chat-title" });
    this.line = el("span", { class: "head-line" });
    this.face = el("span", {});
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-labelledby": "chat-title", tabindex: "0", onscroll: () => this.#scrolled() });
    this.body = el(
      "section",
      { class: "chat", hidden: true, "aria-labelledby": "chat-title", ondragover: (event) => event.preventDefault(), ondrop: (event) => this.#dropped(event) },
      el(
        "header",
        { class: "head" },
        el("button", { class: "quiet back", "aria-label": t("back"), onclick: () => hooks.back() }, icon("back")),
        this.face,
        el("div", { class: "head-text" }, this.title, this.line),
        (this.detailsButton = el("button", { class: "quiet", onclick: () => hooks.details(this.one) }, icon("more"))),
      ),
      this.log,
      this.composer.element,
    );
    this.nothing = el("div", { class: "nothing" }, el("p", {}, t("pickChat")));
    this.element = el("main", { class: "main" }, this.body, this.nothing);
    store.addEventListener("change", (event) => this.#changed(event.detail));
  }

  // Shows a conversation, or nothing for null.
  show(one) {
    if (this.one) this.#drafts.set(this.one.key, this.composer.text);
    this.one = one;
    this.body.hidden = !one;
    this.nothing.hidden = Boolean(one);
    if (!one) return;
    this.composer.text = this.#drafts.get(one.key) ?? "";
    this.log.replaceChildren();
    this.#head();
    this.render({ toEnd: true });
    if (matchMedia("(min-width: 701px)").matches) this.composer.focus();
  }

  #changed(what) {
    if (!this.one) return;
    if (what === this.one.key) this.render();
    if (what === this.one.key || ["people", "groups", "status"].includes(what)) this.#head();
  }

  #head() {
    const { store, one } = this;
    this.title.textContent = store.titleOf(one.key);
    this.face.replaceChildren(faceOf(store, one.kind, one.id));
    const group = store.groups.get(one.id);
    const label = one.kind === GROUP ? t("groupDetails") : t("personDetails", store.titleOf(one.key));
    this.detailsButton.setAttribute("aria-label", label);
    if (one.kind === GROUP) this.line.textContent = group ? t("members", group.members.length) : t("taken");
    else if (one.typingUntil > Date.now()) this.line.textContent = t("typing");
    else this.line.textContent = [store.online.has(one.id) ? t("online") : t("offline"), store.users.get(one.id)?.sign_info].filter(Boolean).join(" · ");
  }

  isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_PX;
  }

  render({ toEnd = this.isAtEnd() } = {}) {
    const { one } = this;
    const before = { height: this.log.scrollHeight, top: this.log.scrollTop, first: this.log.dataset.first };
    const rows = [];
    if (one.isWhole) rows.push(this.#keep("beginning", () => el("p", { class: "hint" }, t("beginning"))));
    let previous = null;
    for (const message of one.messages) {
      if (!previous || dayOf(previous.time) !== dayOf(message.time)) {
        rows.push(this.#keep(`day ${message.id} ${dayOf(message.time)}`, () => el("p", { class: "day" }, dayOf(message.time))));
        previous = null;
      }
      const isFirst = previous?.author !== message.author || message.time - previous.time > TOGETHER_S;
      rows.push(this.#keep(`${message.id} ${isFirst}`, () => this.#message(message, isFirst)));
      previous = message;
    }
    rows.push(...this.outbox.of(one.key).map((item) => this.#waiting(item)));
    patch(this.log, rows);
    this.log.dataset.first = one.messages[0]?.id ?? "";
    if (toEnd) this.log.scrollTop = this.log.scrollHeight;
    else if (before.first && before.first !== this.log.dataset.first) {
      this.log.scrollTop = before.top + this.log.scrollHeight - before.height; // stay where one reads
    }
    if (toEnd) this.hooks.seen(one);
  }

  // The element made for this name before, or a new one: what is there already is not read again.
  #keep(name, make) {
    const id = `${this.one.key} ${this.one.beginnings} ${name}`;
    const found = [...this.log.children].find((child) => child.dataset.id === id);
    if (found) return found;
    const made = make();
    made.dataset.id = id;
    return made;
  }

  #message(message, isFirst) {
    const { store, one } = this;
    const isMine = message.author === store.me.user_id;
    const content = isAudio(message) ? [voice(message.data)] : shown(message.data);
    return this.#bubble({ author: message.author, isMine, isFirst, content, data: message.data, isAudio: isAudio(message) },
      el("span", { class: "meta" }, el("time", {}, timeOf(message.time)), isMine ? el("span", { class: "tick", title: t("sent") }, "✓") : null),
      one.kind === GROUP && !isMine && isFirst ? el("span", { class: "author" }, store.nameOf(message.author)) : null);
  }

  #bubble({ author, isMine, isFirst, content, data, isAudio: isVoice }, meta, name) {
    const list = isVoice ? [] : parts(data);
    const isBare = list.length === 1 && ["picture", "sticker"].includes(list[0].kind);
    const isBig = list.length && list.length <= 3 && list.every((part) => part.kind === "emoji");
    const who = isMine ? t("you") : this.store.nameOf(author);
    return el(
      "article",
      { class: `message${isMine ? " is-mine" : ""}${isFirst ? " is-first" : ""}`, "aria-label": who },
      isMine ? null : isFirst ? faceOf(this.store, 1, author) : el("span", { class: "avatar-space" }),
      el("div", { class: `bubble${isBare ? " is-bare" : ""}${isBig ? " is-big" : ""}` }, name, el("div", { class: "text" }, ...content), meta),
    );
  }

  #waiting(item) {
    const state = item.error
      ? el("span", { class: "meta is-failed" }, t("failed", item.error),
          el("button", { class: "link", onclick: () => this.hooks.retry(item) }, t("retry")),
          el("button", { class: "link", onclick: () => this.outbox.discard(item) }, t("discard")))
      : el("span", { class: "meta" }, el("span", { role: "img", "aria-label": t("pending"), title: t("pending") }, "🕓"));
    const row = this.#bubble({ author: this.store.me.user_id, isMine: true, isFirst: true, content: shown(item.text), data: item.text }, state, null);
    row.classList.add("is-waiting");
    return row;
  }

  async #scrolled() {
    if (!this.one) return;
    if (this.isAtEnd()) this.hooks.seen(this.one);
    if (this.log.scrollTop > NEAR_PX || this.#isLoadingOlder) return;
    this.#isLoadingOlder = true;
    await this.hooks.older(this.one);
    this.#isLoadingOlder = false;
  }

  #dropped(event) {
    event.preventDefault();
    this.composer.takeFiles([...event.dataTransfer.files]);
  }
}

// Makes the children of `parent` be `rows`, touching only what differs.
function patch(parent, rows) {
  const wanted = new Set(rows);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  rows.forEach((row, index) => {
    if (parent.children[index] !== row) parent.insertBefore(row, parent.children[index] ?? null);
  });
}

