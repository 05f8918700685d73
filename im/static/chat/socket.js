// The WebSocket: commands and their answers by number, pushes as events, and coming back.
//
// Events: "online" (logged in; detail is the answer), "offline", "kicked", "refused" (log in again),
// "push" (detail is {cmd, body}).

import { renew } from "./http.js";

const HEARTBEAT_MS = 30_000;
const ANSWER_MS = 20_000;
const SILENCE_MS = 75_000; // without a word, heartbeats' echoes included, the link is dead
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 20_000;

export class Socket extends EventTarget {
  #link = null;
  #waiting = new Map(); // number -> {resolve, reject, timer}
  #seq = 0;
  #pause = FIRST_PAUSE_MS;
  #heardAt = 0;
  #heartbeat = 0;
  #timer = 0;
  #attempt = null; // the last one: an earlier one's failure means nothing
  #stopped = false;
  isOnline = false;

  // `pass` is {name, token}: what an HTTP login gave.
  start(pass) {
    this.#stopped = false;
    this.#connect(pass);
    addEventListener("online", this.#comeBackNow);
    addEventListener("offline", this.#drop);
  }

  stop() {
    this.#stopped = true;
    removeEventListener("online", this.#comeBackNow);
    removeEventListener("offline", this.#drop);
    clearTimeout(this.#timer);
    this.#drop();
  }

  // Sends a command; resolves to the body of its answer.  Rejects with {offline: true} or {text}.
  call(cmd, body = {}) {
    const seq = this.send(cmd, body);
    if (!seq) return Promise.reject({ offline: true });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(seq, "reject", { offline: true, late: true }), ANSWER_MS);
      this.#waiting.set(seq, { resolve, reject, timer });
    });
  }

  // Sends a command without waiting; returns its number, 0 when there is no connection.
  send(cmd, body = {}) {
    if (this.#link?.readyState !== WebSocket.OPEN) return 0;
    this.#seq = (this.#seq % 0xffff) + 1;
    this.#link.send(JSON.stringify({ cmd, seq: this.#seq, body }));
    return this.#seq;
  }

  #connect(pass) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const link = new WebSocket(`${scheme}//${location.host}/chat/socket`);
    this.#link = link;
    link.onopen = () => this.#logIn(link, pass);
    link.onmessage = (event) => this.#take(JSON.parse(event.data));
    link.onclose = () => link === this.#link && this.#lost();
  }

  async #logIn(link, pass) {
    this.#heardAt = Date.now();
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    try {
      const answer = await this.call("IMLoginReq", { user_name: pass.name, password: pass.token });
      if (link !== this.#link) return;
      if (answer.result_code === "REFUSE_REASON_NONE") {
        this.isOnline = true;
        this.#pause = FIRST_PAUSE_MS;
        this.#emit("online", answer);
      } else if (answer.result_code === "REFUSE_REASON_DB_VALIDATE_FAILED") {
        this.stop();
        this.#emit("refused", answer);
      } // else the server closes, and we come back
    } catch {
      link.close();
    }
  }

  #take(frame) {
    this.#heardAt = Date.now();
    if (frame.cmd === "Error" && this.#settle(frame.seq, "reject", { text: frame.body.text })) return;
    if (frame.cmd === "IMKickUser") {
      this.stop();
      this.#emit("kicked", frame.body);
    } else if (!frame.seq || !this.#settle(frame.seq, "resolve", frame.body)) {
      this.#emit("push", frame);
    }
  }

  #settle(seq, how, value) {
    const waiting = this.#waiting.get(seq);
    if (!waiting) return false;
    this.#waiting.delete(seq);
    clearTimeout(waiting.timer);
    waiting[how](value);
    return true;
  }

  #beat() {
    if (Date.now() - this.#heardAt > SILENCE_MS) this.#drop();
    else this.send("IMHeartBeat");
  }

  #lost() {
    clearInterval(this.#heartbeat);
    this.#link = null;
    this.isOnline = false;
    for (const seq of [...this.#waiting.keys()]) this.#settle(seq, "reject", { offline: true });
    this.#emit("offline");
    this.#tryLater();
  }

  #tryLater() {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    // Not everybody at once: a server that restarts has better things to do.
    this.#timer = setTimeout(() => this.#comeBack(), this.#pause * (0.5 + Math.random()));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  async #comeBack() {
    const attempt = (this.#attempt = {});
    const pass = await renew();
    if (this.#stopped || this.#link || attempt !== this.#attempt) return;
    if (pass.token) this.#connect(pass);
    else if (pass.ok || pass.status === 403) {
      this.stop();
      this.#emit("refused", pass);
    } else this.#tryLater();
  }

  #drop = () => {
    const link = this.#link;
    if (!link) return;
    link.onclose = link.onmessage = null; // a dead link takes long to say so
    link.close();
    this.#lost();
  };

  #comeBackNow = () => {
    if (this.#link || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#pause = FIRST_PAUSE_MS;
    this.#comeBack();
  };

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
