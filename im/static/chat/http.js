// What goes over HTTP: the login, the browser's session, uploads.

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

// Returns {ok, status, …the answer}; status 0 when the server can't be reached.
async function post(path, body, headers = {}) {
  let response;
  try {
    response = await fetch(`/chat/${path}`, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": csrfToken(), ...headers },
      credentials: "same-origin",
    });
  } catch {
    return { ok: false, status: 0 };
  }
  const answer = await response.json().catch(() => ({}));
  return { ...answer, ok: response.ok, status: response.status };
}

const postJson = (path, fields) => post(path, JSON.stringify(fields), { "Content-Type": "application/json" });

export const logIn = (name, password) => postJson("login", { name, password });
export const logOut = () => postJson("logout", {});

// A new password ends the connection before its answer, with the new session, is here: wait for it.
let changing = Promise.resolve();

export function changePassword(old, new_) {
  const answer = postJson("password", { old, new: new_ });
  changing = answer;
  return answer;
}

// A new token; without `token` in the answer nobody is logged in.
export async function renew() {
  await changing;
  return postJson("token", {});
}

const UPLOAD_PROBLEMS = { 13: "uploadTooMuch", 14: "uploadNoRoom" };

// Stores a picture; returns its URL.  Its size is part of the name: other clients lay out by it.
// `text` of what is thrown names what to tell people.
export async function upload(blob, width, height) {
  const form = new FormData();
  const extension = { "image/png": "png", "image/gif": "gif" }[blob.type] ?? "jpg";
  form.append("file", blob, `image_${width}x${height}.${extension}`);
  const answer = await post("files", form);
  if (!answer.ok || answer.error_code !== 0) {
    const text = UPLOAD_PROBLEMS[answer.error_code] ?? "uploadFailed";
    throw Object.assign(new Error("upload"), { text });
  }
  return answer.url;
}

// The sound of a voice message as something a browser can play.
export async function decodeVoice(bytes) {
  const response = await fetch("/chat/voice", {
    method: "POST",
    body: bytes,
    headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/octet-stream" },
    credentials: "same-origin",
  });
  if (!response.ok) throw new Error("voice");
  return response.blob();
}
