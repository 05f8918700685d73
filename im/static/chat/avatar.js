// Faces: a person's picture, or the end of the name on a colour of its own.

import { el } from "./dom.js";
import { ownPath } from "./text.js";

const COLOURS = 8;

export function avatar(name, id, { url = "", isOnline = false, isGroup = false } = {}) {
  const path = ownPath(url ?? "");
  const initials = /^[\u4e00-\u9fff]+/.exec(name)?.[0].slice(-2) ?? [...name].slice(0, 2).join("").toUpperCase();
  const face = path ? el("img", { src: path, alt: "" }) : initials;
  return el(
    "span",
    { class: `avatar c${id % COLOURS}${isGroup ? " is-group" : ""}${isOnline ? " is-online" : ""}`, "aria-hidden": "true" },
    face,
  );
}

export function faceOf(store, kind, id) {
  const user = kind === 1 ? store.users.get(id) : null;
  return avatar(store.titleOf(`${kind}:${id}`), id, {
    url: user?.avatar_url,
    isOnline: kind === 1 && store.online.has(id),
    isGroup: kind === 2,
  });
}
