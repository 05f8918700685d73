// Dialogs: a new group, a group's or a person's details, one's own profile.

import { faceOf } from "./avatar.js";
import { el, icon } from "./dom.js";
import * as http from "./http.js";
import { chooseLanguage, language, t } from "./i18n.js";
import { searchPeople } from "./list_view.js";
import { prepareAvatar } from "./pictures.js";
import { GROUP, SINGLE, keyOf } from "./store.js";
import { chooseTheme, theme } from "./theme.js";

const MAX_SHOWN = 100;

// Opens a dialog; returns a function that closes it.
function open(title, ...content) {
  const dialog = el(
    "dialog",
    { "aria-label": title, onclose: () => dialog.remove() },
    el("header", {}, el("h2", {}, title), el("button", { class: "quiet", "aria-label": t("close"), onclick: () => dialog.close() }, icon("close"))),
    ...content,
  );
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}

// A list of people to choose from; `chosen` is filled.
function choosePeople(store, chosen, without) {
  const list = el("div", { class: "choices" });
  const search = el("input", { type: "search", "aria-label": t("search"), placeholder: t("search"), oninput: render });
  render();
  return [search, list];

  function render() {
    const found = searchPeople(store, search.value.trim().toLowerCase()).filter((user) => !without.has(user.user_id));
    list.replaceChildren(...found.slice(0, MAX_SHOWN).map(row));
  }

  function row(user) {
    const box = el("input", { type: "checkbox", onchange: () => (box.checked ? chosen.add(user.user_id) : chosen.delete(user.user_id)) });
    box.checked = chosen.has(user.user_id);
    return el("label", { class: "choice" }, box, faceOf(store, SINGLE, user.user_id), store.nameOf(user.user_id));
  }
}

export function newGroup({ store, socket, sync, openChat }) {
  const chosen = new Set();
  const name = el("input", { id: "group-name", required: true, maxlength: "60" });
  const problem = el("p", { class: "problem", role: "alert" });
  const close = open(
    t("newGroup"),
    el("form", { onsubmit: submit }, el("label", { for: "group-name" }, t("groupName")), name,
      ...choosePeople(store, chosen, new Set([store.me.user_id])), problem,
      el("button", { class: "primary" }, t("create"))),
  );

  async function submit(event) {
    event.preventDefault();
    const answer = await socket
      .call("IMGroupCreateReq", { group_type: "GROUP_TYPE_TMP", group_name: name.value.trim(), group_avatar: "", member_id_list: [store.me.user_id, ...chosen] })
      .catch(() => ({ result_code: 1 }));
    if (answer.result_code) {
      problem.textContent = t("refused");
      return;
    }
    await sync.groups([answer.group_id]);
    const one = store.conversation(keyOf(GROUP, answer.group_id));
    one.isListed = true;
    one.updated ||= Math.floor(Date.now() / 1000);
    close();
    openChat(one.key);
  }
}

export function details(context, one) {
  if (one.kind === SINGLE) person(context, one.id);
  else if (context.store.groups.has(one.id)) group(context, context.store.groups.get(one.id));
}

function person({ store, openChat }, userId) {
  const user = store.users.get(userId);
  if (!user) return;
  const facts = [
    ["name", user.user_real_name], ["signature", user.sign_info], ["department", store.departments.get(user.department_id)?.dept_name],
    ["phone", user.user_tel], ["email", user.email],
  ].filter(([, value]) => value);
  const close = open(
    store.nameOf(userId),
    el("div", { class: "card" }, faceOf(store, SINGLE, userId)),
    el("dl", {}, ...facts.flatMap(([name, value]) => [el("dt", {}, t(name)), el("dd", {}, value)])),
    el("button", { class: "primary", onclick: () => (close(), openChat(keyOf(SINGLE, userId))) }, t("writeTo")),
  );
}

function group(context, shown) {
  const { store, socket, sync } = context;
  const isCreator = shown.creator === store.me.user_id;
  const problem = el("p", { class: "problem", role: "alert" });
  const mute = el("input", { type: "checkbox", onchange: toggleMute });
  mute.checked = shown.isMuted;
  const chosen = new Set();
  const close = open(
    shown.name,
    el("label", { class: "choice" }, mute, t("mute")),
    el("p", {}, t("members", shown.members.length)),
    el("ul", { class: "choices" }, ...shown.members.map((id) =>
      el("li", { class: "choice" }, faceOf(store, SINGLE, id), el("span", { class: "grow" }, store.nameOf(id)),
        isCreator && id !== store.me.user_id ? el("button", { class: "link", "aria-label": `${t("remove")} ${store.nameOf(id)}`, onclick: () => change("DEL", [id]) }, t("remove")) : null))),
    el("details", {}, el("summary", {}, t("addPeople")), ...choosePeople(store, chosen, new Set(shown.members)),
      el("button", { class: "primary", onclick: () => chosen.size && change("ADD", [...chosen]) }, t("add"))),
    problem,
  );

  async function change(how, ids) {
    const answer = await socket
      .call("IMGroupChangeMemberReq", { change_type: `GROUP_MODIFY_TYPE_${how}`, group_id: shown.id, member_id_list: ids })
      .catch(() => ({ result_code: 1 }));
    if (answer.result_code) {
      problem.textContent = t("refused");
      return;
    }
    await sync.groups([shown.id]);
    close();
    if (store.groups.has(shown.id)) group(context, store.groups.get(shown.id));
  }

  async function toggleMute() {
    await socket.call("IMGroupShieldReq", { group_id: shown.id, shield_status: Number(mute.checked) }).catch(() => {});
    await sync.groups([shown.id]).catch(() => {});
  }
}

export function profile({ store, socket, leave }) {
  const me = store.users.get(store.me.user_id) ?? store.me;
  const sign = el("input", { id: "signature", maxlength: "60" });
  sign.value = me.sign_info ?? "";
  const told = el("p", { class: "told", role: "status" });
  const file = el("input", { type: "file", accept: "image/*", id: "avatar", onchange: changeAvatar });
  const [old, fresh] = ["current-password", "new-password"].map((kind) => el("input", { type: "password", id: kind, autocomplete: kind, required: true }));
  const face = el("span", {}, faceOf(store, SINGLE, me.user_id));
  const select = (id, value, options, onchange) => {
    const made = el("select", { id, onchange: () => onchange(made.value) }, ...options.map(([key, text]) => el("option", { value: key }, text)));
    made.value = value;
    return made;
  };
  open(
    t("me"),
    el("div", { class: "card" }, face, el("strong", {}, store.nameOf(me.user_id)), el("label", { for: "avatar", class: "link" }, t("avatar")), file),
    el("form", { class: "line", onsubmit: saveSign }, el("label", { for: "signature" }, t("signature")), sign, el("button", {}, t("save"))),
    told,
    el("label", { for: "language" }, t("language")), select("language", language, [["en", "English"], ["zh", "简体中文"]], chooseLanguage),
    el("label", { for: "theme" }, t("theme")), select("theme", theme(), [["", t("system")], ["light", t("light")], ["dark", t("dark")]], chooseTheme),
    "Notification" in window && Notification.permission === "default"
      ? el("button", { onclick: (event) => (Notification.requestPermission(), event.target.remove()) }, t("notifications")) : null,
    el("details", {}, el("summary", {}, t("changePassword")),
      el("form", { onsubmit: savePassword }, el("label", { for: old.id }, t("oldPassword")), old, el("label", { for: fresh.id }, t("newPassword")), fresh, el("button", { class: "primary" }, t("changePassword")))),
    el("button", { class: "danger", onclick: leave }, t("logout")),
  );

  async function saveSign(event) {
    event.preventDefault();
    const answer = await socket.call("IMChangeSignInfoReq", { sign_info: sign.value.trim() }).catch(() => ({ result_code: 1 }));
    told.textContent = answer.result_code ? t("refused") : t("saved");
    if (!answer.result_code) store.addUsers([{ ...(store.users.get(me.user_id) ?? me), sign_info: sign.value.trim() }]);
  }

  async function changeAvatar() {
    try {
      const { blob, width, height } = await prepareAvatar(file.files[0]);
      const url = await http.upload(blob, width, height);
      const answer = await socket.call("IMChangeAvatarReq", { avatar_url: url });
      if (answer.result_code) throw new Error("refused");
      store.addUsers([{ ...(store.users.get(me.user_id) ?? me), avatar_url: url }]);
      face.replaceChildren(faceOf(store, SINGLE, me.user_id));
    } catch (error) {
      told.textContent = t(error.text ?? "uploadFailed");
    }
  }

  async function savePassword(event) {
    event.preventDefault();
    const answer = await http.changePassword(old.value, fresh.value);
    told.textContent = answer.ok ? t("passwordChanged") : answer.text || t("refused");
    if (answer.ok) event.target.reset();
  }
}
