// The door.

import { el } from "./dom.js";
import { t } from "./i18n.js";
import { logIn } from "./http.js";

// Shows the form; `entered(pass)` is called with what the server gave.
export function showLogin(root, entered, notice = "") {
  const problem = el("p", { class: "problem", role: "alert" }, notice);
  const name = el("input", { id: "name", name: "name", autocomplete: "username", required: true, autocapitalize: "none" });
  const password = el("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const button = el("button", { class: "primary", type: "submit" }, t("login"));
  const form = el(
    "form",
    { class: "login", onsubmit: submit },
    el("h1", {}, "TeamTalk"),
    el("label", { for: "name" }, t("name")),
    name,
    el("label", { for: "password" }, t("password")),
    password,
    problem,
    button,
  );
  root.replaceChildren(el("main", { class: "door" }, form));
  name.focus();

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    const answer = await logIn(name.value.trim(), password.value);
    button.disabled = false;
    if (answer.ok) entered(answer);
    else {
      problem.textContent = answer.status === 0 ? t("unreachable") : answer.text || t("loginFailed");
      password.select();
    }
  }
}
