// What is inside a text: pictures between markers, emoji by their Chinese names, links.

import { el } from "./dom.js";
import { t } from "./i18n.js";

const PICTURE_BEGIN = "&$#@~^@[{:";
const PICTURE_END = ":}]&$~@#@";

// The names that all clients know, as characters.
export const EMOJI = new Map([
  ["呵呵", "🙂"], ["嘻嘻", "😁"], ["哈哈", "😄"], ["晕", "😵"], ["泪", "😢"], ["馋嘴", "😋"], ["抓狂", "😫"],
  ["哼", "😤"], ["可爱", "🥰"], ["怒", "😠"], ["困", "😪"], ["汗", "😓"], ["睡觉", "😴"], ["偷笑", "🤭"],
  ["酷", "😎"], ["吃惊", "😮"], ["闭嘴", "🤐"], ["花心", "😍"], ["失望", "😞"], ["生病", "🤒"], ["亲亲", "😚"],
  ["右哼哼", "😒"], ["嘘", "🤫"], ["挤眼", "😉"], ["感冒", "🤧"], ["做鬼脸", "😜"], ["阴险", "😏"], ["热吻", "💋"],
  ["心", "❤️"], ["ok", "👌"], ["不要", "🙅"], ["弱", "👎"], ["good", "👍"], ["拳头", "✊"], ["耶", "✌️"],
  ["0", "0️⃣"], ["1", "1️⃣"], ["2", "2️⃣"], ["3", "3️⃣"], ["4", "4️⃣"], ["5", "5️⃣"], ["6", "6️⃣"],
  ["7", "7️⃣"], ["8", "8️⃣"], ["9", "9️⃣"],
]);
const STICKERS = new Set(
  ("牙牙撒花 牙牙尴尬 牙牙大笑 牙牙组团 牙牙凄凉 牙牙吐血 牙牙花痴 牙牙疑问 牙牙爱心 牙牙害羞 牙牙牙买碟 牙牙亲一下 " +
    "牙牙大哭 牙牙愤怒 牙牙挖鼻屎 牙牙嘻嘻 牙牙漂漂 牙牙冰冻 牙牙傲娇 牙牙闪电").split(" "),
);

export const isAudio = (message) => message.type.endsWith("AUDIO");
export const pictureText = (url) => PICTURE_BEGIN + url + PICTURE_END;
export const utf8Length = (text) => new TextEncoder().encode(text).length;

// Our own path for a picture of ours, under whatever name the server was reached; else "".
export function ownPath(url) {
  return /^(?:https?:\/\/[^/]*)?(\/?g0\/[\w/]+\.\w+)$/.exec(url)?.[1].replace(/^\/?/, "/") ?? "";
}

// Returns [{kind: "text" | "picture" | "emoji" | "sticker" | "link", value}, …].
export function parts(text) {
  const found = [];
  let rest = text;
  while (rest) {
    const begin = rest.indexOf(PICTURE_BEGIN);
    const end = rest.indexOf(PICTURE_END, begin + PICTURE_BEGIN.length);
    if (begin < 0 || end < 0) break;
    found.push(...words(rest.slice(0, begin)));
    found.push({ kind: "picture", value: rest.slice(begin + PICTURE_BEGIN.length, end) });
    rest = rest.slice(end + PICTURE_END.length);
  }
  return [...found, ...words(rest)];
}

const TOKEN = /\[([^[\]\s]{1,8})\]|(https?:\/\/[^\s<>"'，。；）]+)/g;

function words(text) {
  const found = [];
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, name, url] = match;
    const isKnown = url || STICKERS.has(name) || EMOJI.has(name);
    if (!isKnown) continue;
    if (match.index > done) found.push({ kind: "text", value: text.slice(done, match.index) });
    if (url) found.push({ kind: "link", value: url });
    else found.push(STICKERS.has(name) ? { kind: "sticker", value: name } : { kind: "emoji", value: name });
    done = match.index + whole.length;
  }
  if (done < text.length) found.push({ kind: "text", value: text.slice(done) });
  return found;
}

const SHOWN = {
  text: (value) => value,
  emoji: (value) => el("span", { class: "emoji", role: "img", "aria-label": value }, EMOJI.get(value)),
  sticker: (value) => el("span", { class: "sticker" }, value),
  link: (value) => el("a", { href: value, target: "_blank", rel: "noopener noreferrer" }, value),
  picture: (value) => picture(value),
};

function picture(url) {
  const path = ownPath(url);
  if (!path) {
    return /^https?:\/\//.test(url) ? SHOWN.link(url) : url; // another server's: not fetched unasked
  }
  const image = el("img", { src: path, alt: t("pictureText"), loading: "lazy" });
  const size = /_(\d{1,4})x(\d{1,4})\.\w+$/.exec(path);
  if (size) {
    image.width = Number(size[1]);
    image.height = Number(size[2]);
  }
  return el("a", { href: path, target: "_blank", rel: "noopener", class: "picture", "aria-label": t("openPicture") }, image);
}

// Nodes that show a text.
export const shown = (text) => parts(text).map(({ kind, value }) => SHOWN[kind](value));

// One line for lists.
export function preview(message) {
  if (isAudio(message)) return "[语音]";
  return parts(message.data)
    .map(({ kind, value }) => (kind === "picture" ? t("pictureText") : kind === "emoji" ? EMOJI.get(value) : value))
    .join("")
    .replace(/\s+/g, " ");
}
