// What the page knows: people, departments, groups, conversations and their messages.
//
// A conversation's key is "1:<user id>" or "2:<group id>".  Every change is told by an event
// "change" whose detail names what changed: "people", "groups", "conversations", "status", or a key.

export const SINGLE = 1;
export const GROUP = 2;
const KIND = { SESSION_TYPE_SINGLE: SINGLE, SESSION_TYPE_GROUP: GROUP };

export const keyOf = (kind, id) => `${KIND[kind] ?? kind}:${id}`;
export const parse = (key) => key.split(":").map(Number);
export const sessionType = (key) => (key[0] === "2" ? "SESSION_TYPE_GROUP" : "SESSION_TYPE_SINGLE");

const MAX_KEPT = 2000; // messages per conversation; older ones are fetched again when scrolled to

export class Conversation {
  messages = []; // ascending by id, dense from the first to the last that is loaded
  unread = 0;
  countedTo = 0; // up to this id the server has counted what is unread
  pushed = new Set(); // ids beyond it, of others' messages that were counted here
  updated = 0; // unix seconds
  latest = null; // {id, author, type, data}: what the list shows
  isLoaded = false;
  isWhole = false; // nothing older is left
  isListed = false;
  typingUntil = 0;
  beginnings = 1; // an id may stand for another message in each

  constructor(key) {
    this.key = key;
    [this.kind, this.id] = parse(key);
  }

  get lastId() {
    return this.messages.at(-1)?.id ?? 0;
  }

  // Adds messages in any order; one that is there already, by id, is left alone.
  add(messages) {
    const known = new Set(this.messages.map((message) => message.id));
    const fresh = messages.filter((message) => !known.has(message.id) && known.add(message.id));
    if (!fresh.length) return false;
    this.messages = [...this.messages, ...fresh].sort((a, b) => a.id - b.id);
    if (this.messages.length > MAX_KEPT) {
      this.messages = this.messages.slice(-MAX_KEPT);
      this.isWhole = false;
    }
    const newest = this.messages.at(-1);
    if (!this.latest || newest.id >= this.latest.id) this.show(newest);
    return true;
  }

  get newestId() {
    return Math.max(this.lastId, this.latest?.id ?? 0);
  }

  // Takes the server's count, which knows what was said up to an id; what was pushed later is added.
  recount(unread, latestId) {
    this.countedTo = latestId;
    this.pushed = new Set([...this.pushed].filter((id) => id > latestId));
    this.unread = unread + this.pushed.size;
  }

  // Counts a message of somebody else's; false if it was counted before, for pushes are repeated.
  count(id) {
    if (id <= this.countedTo || this.pushed.has(id)) return false;
    this.pushed.add(id);
    this.unread += 1;
    return true;
  }

  // Notes that everything has been read.
  read() {
    this.countedTo = Math.max(this.countedTo, ...this.pushed);
    this.pushed.clear();
    this.unread = 0;
  }

  // Forgets what was said: the server knows less, for its data are those of a backup.
  restart() {
    this.beginnings += 1;
    this.messages = [];
    this.isWhole = false;
    this.latest = null;
    this.updated = 0;
  }

  show(message) {
    this.latest = message;
    this.updated = Math.max(this.updated, message.time || 0);
    this.isListed = true;
  }
}

export class Store extends EventTarget {
  me = null;
  users = new Map();
  departments = new Map();
  groups = new Map();
  conversations = new Map();
  online = new Set();
  stamps = { users: 0, departments: 0 };
  #staff = null;

  conversation(key) {
    let found = this.conversations.get(key);
    if (!found) this.conversations.set(key, (found = new Conversation(key)));
    return found;
  }

  // Those on the list, last written to first.
  listed() {
    return [...this.conversations.values()]
      .filter((one) => one.isListed)
      .sort((a, b) => b.updated - a.updated || b.id - a.id);
  }

  totalUnread() {
    return this.listed().reduce((sum, one) => sum + (this.groups.get(one.id)?.isMuted && one.kind === GROUP ? 0 : one.unread), 0);
  }

  nameOf(userId) {
    const user = this.users.get(userId);
    return user ? user.user_nick_name || user.user_real_name : `#${userId}`;
  }

  titleOf(key) {
    const [kind, id] = parse(key);
    return kind === GROUP ? (this.groups.get(id)?.name ?? `#${id}`) : this.nameOf(id);
  }

  // Who works in a department, by login name.  A list of 100,000 is sorted once per change.
  staffOf(departmentId) {
    this.#staff ??= byDepartment(this.users.values());
    return this.#staff.get(departmentId) ?? [];
  }

  // Who is in no department that is known.
  withoutDepartment() {
    this.#staff ??= byDepartment(this.users.values());
    return [...this.#staff].filter(([id]) => !this.departments.has(id)).flatMap(([, staff]) => staff);
  }

  addUsers(users) {
    for (const user of users) this.users.set(user.user_id, user);
    if (users.length) this.#staff = null;
    if (users.length) this.tell("people");
  }

  addGroup(info) {
    this.groups.set(info.group_id, {
      id: info.group_id,
      version: info.version,
      name: info.group_name,
      avatar: info.group_avatar,
      creator: info.group_creator_id,
      isFixed: info.group_type === "GROUP_TYPE_NORMAL",
      isMuted: Boolean(info.shield_status),
      members: info.group_member_list,
    });
    this.tell("groups");
  }

  tell(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }
}

const LEFT = 3;
export const isHere = (user) => user.status !== LEFT;
export const byName = (a, b) => (a.user_domain < b.user_domain ? -1 : 1); // localeCompare takes a second for 100,000

function byDepartment(users) {
  const found = new Map();
  for (const user of users) {
    if (!isHere(user)) continue;
    const staff = found.get(user.department_id);
    if (staff) staff.push(user);
    else found.set(user.department_id, [user]);
  }
  for (const staff of found.values()) staff.sort(byName);
  return found;
}

// A message of history, or of a push, as the page keeps it.
export const fromHistory = (entry) => ({
  id: entry.msg_id,
  author: entry.from_session_id,
  time: entry.create_time,
  type: entry.msg_type,
  data: entry.msg_data,
});
export const fromPush = (body) => ({
  id: body.msg_id,
  author: body.from_user_id,
  time: body.create_time,
  type: body.msg_type,
  data: body.msg_data,
});
