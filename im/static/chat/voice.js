// Voice messages: four bytes of seconds, then a sound that the server makes playable.

import { el, icon } from "./dom.js";
import { decodeVoice } from "./http.js";
import { t } from "./i18n.js";

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

export function voice(base64) {
  const bytes = bytesOf(base64);
  const seconds = bytes.length > 4 ? new DataView(bytes.buffer).getUint32(0) : 0;
  const label = t("voice", seconds);
  const button = el("button", { class: "voice", "aria-label": label, onclick: play }, icon("play"), `${seconds}″`);
  const box = el("span", { class: "voice-box" }, button);
  return box;

  async function play() {
    button.disabled = true;
    try {
      const url = URL.createObjectURL(await decodeVoice(bytes.subarray(4)));
      const player = el("audio", { src: url, controls: true, "aria-label": label });
      box.replaceChildren(player);
      await player.play();
    } catch {
      box.append(el("span", { class: "problem", role: "alert" }, t("cantPlay")));
    }
  }
}
