// Where one writes: text, emoji, pictures by button, paste and drop.

import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { preparePicture } from "./pictures.js";
import { EMOJI, utf8Length } from "./text.js";

const MAX_BYTES = 3068; // what fits into the column when it is encrypted
const TYPING_EVERY_MS = 3000;
const TYPING_ENDS_MS = 5000;

export class Composer {
  #toldAt = 0;
  #idle = 0;

  // `hooks.send(text)`, `hooks.sendPicture({blob, width, height})`, `hooks.typing(is)`, `hooks.problem(text)`
  constructor(hooks) {
    this.hooks = hooks;
    this.area = el("textarea", {
      rows: "1", "aria-label": t("message"), placeholder: t("placeholder"), enterkeyhint: "send",
      oninput: () => this.#changed(), onkeydown: (event) => this.#key(event), onpaste: (event) => this.#pasted(event),
    });
    this.file = el("input", { type: "file", accept: "image/*", multiple: true, class: "visually-hidden", tabindex: "-1", "aria-label": t("picture"), onchange: () => this.#chosen() });
    this.emoji = el("div", { class: "emoji-picker", hidden: true, role: "group", "aria-label": t("emoji") }, ...[...EMOJI].map(([name, face]) =>
      el("button", { type: "button", class: "quiet", "aria-label": name, title: name, onclick: () => this.#insert(`[${name}]`) }, face)));
    this.emojiButton = el("button", { type: "button", class: "quiet", "aria-label": t("emoji"), "aria-expanded": "false", onclick: () => this.#toggleEmoji() }, icon("emoji"));
    this.element = el(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event), onkeydown: (event) => this.#escape(event) },
      this.emoji,
      this.emojiButton,
      el("button", { type: "button", class: "quiet", "aria-label": t("picture"), onclick: () => this.file.click() }, icon("picture")),
      this.file,
      this.area,
      el("button", { class: "primary round", "aria-label": t("send") }, icon("send")),
    );
  }

  focus() {
    this.area.focus({ preventScroll: true });
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.#grow();
  }

  // For drops on the whole conversation.
  async takeFiles(files) {
    for (const file of files) {
      if (!file.type.startsWith("image/")) continue;
      try {
        await this.hooks.sendPicture(await preparePicture(file));
      } catch (error) {
        this.hooks.problem(t(error.text ?? "uploadFailed"));
      }
    }
  }

  #submit(event) {
    event.preventDefault();
    const text = this.text.trim();
    if (!text) return;
    if (utf8Length(text) > MAX_BYTES) {
      this.hooks.problem(t("tooLong"));
      return;
    }
    this.text = "";
    this.#typing(false);
    this.hooks.send(text);
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
  }

  #escape(event) {
    if (event.key === "Escape" && !this.emoji.hidden) this.#toggleEmoji();
  }

  #changed() {
    this.#grow();
    this.#typing(Boolean(this.text));
  }

  #grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, 160)}px`;
  }

  #typing(is) {
    clearTimeout(this.#idle);
    if (is && Date.now() - this.#toldAt > TYPING_EVERY_MS) {
      this.#toldAt = Date.now();
      this.hooks.typing(true);
    }
    if (is) this.#idle = setTimeout(() => this.#typing(false), TYPING_ENDS_MS);
    else if (this.#toldAt) {
      this.#toldAt = 0;
      this.hooks.typing(false);
    }
  }

  #pasted(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.takeFiles(files);
  }

  #chosen() {
    this.takeFiles([...this.file.files]);
    this.file.value = "";
  }

  #toggleEmoji() {
    this.emoji.hidden = !this.emoji.hidden;
    this.emojiButton.setAttribute("aria-expanded", String(!this.emoji.hidden));
    if (this.emoji.hidden) this.focus();
  }

  #insert(text) {
    this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
    this.#changed();
    this.#toggleEmoji();
  }
}
