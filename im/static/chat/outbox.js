// What was written and not yet acknowledged.  Each has an id of its own, so that the server stores
// it once however often it is sent; it is kept in the tab's storage and survives a reload.

const TEXT = { 1: "MSG_TYPE_SINGLE_TEXT", 2: "MSG_TYPE_GROUP_TEXT" };

const newId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export class Outbox {
  #items;
  #storageKey;
  #onChange;
  #onStored;

  constructor(userId, { onChange, onStored }) {
    this.#storageKey = `chat.outbox.${userId}`;
    this.#items = JSON.parse(sessionStorage.getItem(this.#storageKey) || "[]");
    for (const item of this.#items) item.isOnItsWay = false;
    this.#onChange = onChange;
    this.#onStored = onStored;
  }

  of(key) {
    return this.#items.filter((item) => item.key === key);
  }

  keys() {
    return [...new Set(this.#items.map((item) => item.key))];
  }

  add(key, text) {
    this.#items.push({ clientId: newId(), key, text, at: Math.floor(Date.now() / 1000), error: "" });
    this.#keep(key);
  }

  retry(item) {
    item.error = "";
    this.#keep(item.key);
  }

  discard(item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#keep(item.key);
  }

  // Sends all that waits, in order; what gets no answer stays and is sent again next time.
  flush(socket) {
    if (!socket.isOnline) return;
    for (const item of this.#items) {
      if (!item.isOnItsWay && !item.error) this.#send(socket, item);
    }
  }

  async #send(socket, item) {
    const [kind, id] = item.key.split(":").map(Number);
    item.isOnItsWay = true;
    try {
      const ack = await socket.call("IMMsgData", {
        to_session_id: id,
        msg_type: TEXT[kind],
        msg_data: item.text,
        client_msg_id: item.clientId,
      });
      this.#items = this.#items.filter((other) => other !== item);
      this.#onStored(item, ack.msg_id);
    } catch (problem) {
      item.isOnItsWay = false;
      if (!problem.offline) item.error = problem.text;
      else if (problem.late) setTimeout(() => this.flush(socket), 1000);
    }
    this.#keep(item.key);
  }

  #keep(key) {
    sessionStorage.setItem(this.#storageKey, JSON.stringify(this.#items));
    this.#onChange(key);
  }
}
