// The left side: conversations, people by department, and search through both.

import { faceOf } from "./avatar.js";
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { preview } from "./text.js";
import { shortTime } from "./times.js";
import { GROUP, SINGLE, byName, isHere, keyOf } from "./store.js";

const MAX_FOUND = 50;
const STAFF_SHOWN = 100; // of a department at first, and more with each click

export class ListView {
  tab = "chats";
  #openDepartments = null; // ids; null until somebody opened or closed one
  #shown = new Map(); // department id -> how many of its people
  #scheduled = false;

  // `hooks.open(key)`, `hooks.newGroup()`, `hooks.profile()`, `hooks.removed(conversation)`
  constructor(store, hooks) {
    this.store = store;
    this.hooks = hooks;
    this.current = "";
    this.search = el("input", {
      type: "search", class: "search", "aria-label": t("search"), placeholder: t("search"), oninput: () => this.render(),
      onkeydown: (event) => this.#searchKey(event),
    });
    this.tabs = ["chats", "people"].map((name) =>
      el("button", { class: "tab", role: "tab", id: `tab-${name}`, "aria-controls": "list", onclick: () => this.choose(name), onkeydown: (event) => this.#tabKey(event) }, icon(name), t(name), el("span", { class: "badge" })),
    );
    this.list = el("div", { class: "list", id: "list", role: "tabpanel", tabindex: "-1", onkeydown: (event) => this.#rowKey(event) });
    this.me = el("button", { class: "me", "aria-label": t("me"), onclick: () => hooks.profile() });
    this.element = el(
      "nav",
      { class: "side", "aria-label": t("chats") },
      el("div", { class: "top" }, this.me, this.search, el("button", { class: "quiet", "aria-label": t("newGroup"), title: t("newGroup"), onclick: () => hooks.newGroup() }, icon("group"))),
      el("div", { class: "tabs", role: "tablist" }, ...this.tabs),
      this.list,
    );
    store.addEventListener("change", () => this.#soon());
    this.render();
  }

  choose(tab) {
    this.tab = tab;
    this.search.value = "";
    this.render();
  }

  // Shows which conversation is open; whoever was searched for is found.
  opened(key) {
    this.current = key;
    if (key && this.search.value) this.choose("chats");
    else this.render();
  }

  // Many changes of one moment are one rendering.
  #soon() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.render();
    });
  }

  render() {
    const { store } = this;
    this.tabs.forEach((tab) => tab.setAttribute("aria-selected", tab.id === `tab-${this.tab}`));
    const total = store.totalUnread();
    this.tabs[0].lastChild.textContent = total || "";
    document.title = (total ? `(${total}) ` : "") + t("title");
    this.list.setAttribute("aria-labelledby", `tab-${this.tab}`);
    if (store.me) this.me.replaceChildren(faceOf(store, SINGLE, store.me.user_id));
    const focused = document.activeElement?.dataset?.row;
    const scrolled = this.list.scrollTop;
    const wanted = this.search.value.trim().toLowerCase();
    const rows = wanted ? this.#found(wanted) : this.tab === "chats" ? this.#chats() : this.#people(0, 0);
    this.list.replaceChildren(...rows);
    this.list.scrollTop = scrolled;
    if (focused) this.list.querySelector(`[data-row="${CSS.escape(focused)}"]`)?.focus();
  }

  #chats() {
    const rows = this.store.listed().map((one) => this.#chatRow(one));
    return rows.length ? rows : [el("p", { class: "hint" }, t("noChats"))];
  }

  #chatRow(one) {
    const { store } = this;
    const isMuted = one.kind === GROUP && store.groups.get(one.id)?.isMuted;
    const latest = one.latest?.data ? preview(one.latest) : "";
    const author = one.kind === GROUP && latest ? `${store.nameOf(one.latest.author)}: ` : "";
    const line = one.typingUntil > Date.now() ? t("typing") : author + latest;
    return el(
      "button",
      { class: "row", "data-row": one.key, "aria-current": one.key === this.current ? "true" : null, onclick: () => this.hooks.open(one.key) },
      faceOf(store, one.kind, one.id),
      el("span", { class: "row-text" }, el("span", { class: "row-title" }, store.titleOf(one.key)), el("span", { class: "row-line" }, line)),
      el(
        "span",
        { class: "row-end" },
        el("time", {}, one.updated ? shortTime(one.updated) : ""),
        one.unread ? el("span", { class: `badge${isMuted ? " is-muted" : ""}`, "aria-label": t("unread", one.unread) }, one.unread > 99 ? "99+" : one.unread) : null,
      ),
    );
  }

  #people(parent, depth) {
    const { store } = this;
    const children = [...store.departments.values()]
      .filter((one) => one.parent_dept_id === parent && one.dept_status === "DEPT_STATUS_OK")
      .sort((a, b) => a.priority - b.priority || a.dept_id - b.dept_id);
    if (!parent && !this.#openDepartments && children.length) {
      this.#openDepartments = new Set(children.length === 1 ? [children[0].dept_id] : []); // who has one choice needs none
    }
    const rows = children.flatMap((one) => {
      const isOpen = this.#openDepartments.has(one.dept_id);
      const row = el(
        "button",
        { class: `row department d${Math.min(depth, 4)}`, "data-row": `d${one.dept_id}`, "aria-expanded": String(isOpen), onclick: () => this.#toggle(one.dept_id) },
        one.dept_name,
      );
      return isOpen ? [row, ...this.#people(one.dept_id, depth + 1), ...this.#staff(one.dept_id, store.staffOf(one.dept_id), depth + 1)] : [row];
    });
    if (parent) return rows;
    return [...rows, ...this.#staff(0, store.withoutDepartment(), 0)];
  }

  #staff(departmentId, staff, depth) {
    const shown = this.#shown.get(departmentId) ?? STAFF_SHOWN;
    const rows = staff.slice(0, shown).map((user) => this.#personRow(user, depth));
    if (staff.length > shown) rows.push(this.#moreRow(departmentId, shown, staff.length, depth));
    return rows;
  }

  #moreRow(departmentId, shown, total, depth) {
    const more = () => {
      const next = this.list.querySelector(`[data-row="more${departmentId}"]`).previousSibling.dataset.row;
      this.#shown.set(departmentId, shown + STAFF_SHOWN);
      this.render();
      this.list.querySelector(`[data-row="${next}"]`).nextSibling?.focus();
    };
    return el("button", { class: `row more d${Math.min(depth, 4)}`, "data-row": `more${departmentId}`, onclick: more }, t("more", total - shown));
  }

  #toggle(departmentId) {
    if (!this.#openDepartments.delete(departmentId)) this.#openDepartments.add(departmentId);
    this.render();
  }

  #personRow(user, depth) {
    const { store } = this;
    const isOnline = store.online.has(user.user_id);
    const key = keyOf(SINGLE, user.user_id);
    return el(
      "button",
      { class: `row person d${Math.min(depth, 4)}`, "data-row": key, "aria-current": key === this.current ? "true" : null, onclick: () => this.hooks.open(key) },
      faceOf(store, SINGLE, user.user_id),
      el("span", { class: "row-text" }, el("span", { class: "row-title" }, store.nameOf(user.user_id)), el("span", { class: "row-line" }, user.sign_info ?? "")),
      el("span", { class: "visually-hidden" }, isOnline ? t("online") : t("offline")),
    );
  }

  #found(wanted) {
    const { store } = this;
    const groups = [...store.groups.values()].filter((group) => group.name.toLowerCase().includes(wanted));
    const rows = [
      ...searchPeople(store, wanted).slice(0, MAX_FOUND).map((user) => this.#personRow(user, 0)),
      ...groups.map((group) => this.#chatRow(store.conversation(keyOf(GROUP, group.id)))),
    ];
    return rows.length ? rows.slice(0, MAX_FOUND) : [el("p", { class: "hint" }, t("nothingFound"))];
  }

  #tabKey(event) {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const other = this.tabs.find((tab) => tab !== event.target);
      this.choose(other.id.slice("tab-".length));
      other.focus();
    }
    if (event.key === "ArrowDown") this.#focusRow(event, this.list.querySelector(".row"));
  }

  #rowKey(event) {
    if (event.altKey) return; // changes the conversation
    if (event.key === "ArrowDown") this.#focusRow(event, event.target.nextSibling);
    if (event.key === "ArrowUp") this.#focusRow(event, event.target.previousSibling ?? this.search);
  }

  #focusRow(event, row) {
    event.preventDefault(); // or the list scrolls as well
    row?.focus();
  }

  #searchKey(event) {
    if (event.key === "Escape") this.choose(this.tab);
    if (event.key === "Enter") this.list.querySelector(".row")?.click();
    if (event.key === "ArrowDown") this.#focusRow(event, this.list.querySelector(".row"));
  }
}

const searched = new WeakMap(); // user -> what he is found by: a key's stroke must not wait for 100,000

function searchedNames(user) {
  let names = searched.get(user);
  if (!names) {
    names = [user.user_nick_name, user.user_domain, user.user_real_name, user.email].map((name) => name.toLowerCase());
    searched.set(user, names);
  }
  return names;
}

// People by name, login name, pinyin or e-mail; those whose name begins so come first.
export function searchPeople(store, wanted) {
  const [first, later] = [[], []];
  for (const user of store.users.values()) {
    const names = searchedNames(user);
    if (!isHere(user) || !names.some((name) => name.includes(wanted))) continue;
    (names.some((name) => name.startsWith(wanted)) ? first : later).push(user);
  }
  return [...first.sort(byName), ...later.sort(byName)];
}
