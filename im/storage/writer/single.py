"""One transaction's worth of messages and read marks, in multi-row SQL.

This is the only module that writes SQL by hand: the ORM stores ~230 messages a second one by one
and 3,000 in batches, this 7,900.  Order of work, the same in every process so that no two of them
deadlock: relations, then conversation rows (locked in key order; this is where message ids come
from), then messages, then recent sessions, each sorted by key.

Rules: everything is read and written inside the caller's transaction; what was learned on the way
(ids of rows) may enter the caches only after COMMIT and holds immutable facts only, never absence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Max, Q

from im.models import (
    Conversation,
    IMRecentSession,
    IMRelationShip,
    IMUser,
    messages,
)
from im.storage.sql import insert_into_shards, listed, lock_rows, look_up, upsert_rows
from im.storage.writer.idempotency import ClientKeys
from im.storage.writer.requests import (
    NewMessage,
    Pair,
    PlannedMessage,
    ReadMark,
    Removal,
    Result,
    SingleItem,
)
from im.types import Message, RowStatus, SessionRead, SessionRemoved, SessionType

SessionKey = tuple[int, int]  # owner, peer


@dataclass(slots=True)
class Known:
    """Ids of rows that exist for good: what every message needs and nobody changes."""

    relations: dict[Pair, int] = field(default_factory=dict)
    sessions: dict[SessionKey, int] = field(default_factory=dict)
    users: set[int] = field(default_factory=set)

    def learn(self, other: "Known", *, limit: int) -> None:
        """Take over what a committed batch found; a cache past `limit` entries starts anew."""
        for mine, theirs in (
            (self.relations, other.relations),
            (self.sessions, other.sessions),
            (self.users, other.users),
        ):
            if len(mine) + len(theirs) > limit:
                mine.clear()
            mine.update(theirs)  # type: ignore[arg-type]  # pairwise of one kind

    def forget(self) -> None:
        """Drop everything: the database is not what it was."""
        self.relations.clear()
        self.sessions.clear()
        self.users.clear()


class StaleCache(Exception):
    """A row that the caches promised is not there; forget them and try again."""


@dataclass(slots=True)
class _ConversationRow:
    """One row of im_conversation, columns in the order of the statements below."""

    relate_id: int
    small_id: int
    big_id: int
    last_msg_id: int
    sent_small: int
    sent_big: int
    seen_small: int
    seen_big: int
    read_msg_id_small: int
    read_msg_id_big: int
    read_at_small: int
    read_at_big: int
    dense_from: int

    def add_message(self, sender_id: int) -> int:
        """Count one message of `sender_id` and return its id."""
        self.last_msg_id += 1
        if sender_id == self.small_id:
            self.sent_small += 1
        else:
            self.sent_big += 1
        return self.last_msg_id

    def mark_read(self, mark: ReadMark) -> None:
        """Clear the reader's whole count, as clients rely on; his position only moves forward."""
        self.clear_unread(mark.reader_id)
        position = min(mark.msg_id, self.last_msg_id)
        if mark.reader_id == self.small_id:
            if position > self.read_msg_id_small:
                self.read_msg_id_small, self.read_at_small = position, mark.at
        elif position > self.read_msg_id_big:
            self.read_msg_id_big, self.read_at_big = position, mark.at

    def clear_unread(self, user_id: int) -> None:
        """Count everything the other one sent as seen."""
        if user_id == self.small_id:
            self.seen_small = self.sent_big
        else:
            self.seen_big = self.sent_small


class Batch:
    """The one-to-one items of one transaction.  Call `run` once, inside it."""

    def __init__(self, items: Sequence[SingleItem], known: Known) -> None:
        self.items = items
        self.learned = Known()
        self.planned: list[PlannedMessage | Result] = []
        self._known = known
        self._keys = ClientKeys()
        # Of the sessions that are to be removed: what is shown now, and hidden since when.
        self._shown: set[SessionKey] = set()
        self._hidden: dict[SessionKey, int] = {}

    def run(self) -> None:
        """Store the items; `planned` then has what happened, None where it was refused.

        A message to a user who does not exist is refused.  Raises StaleCache, and what the
        database raises.
        """
        if not self.items:
            return
        relations = self._relations()
        rows = _lock_conversations(sorted(relations.values()))
        for pair, relate_id in relations.items():
            row = rows.get(relate_id)
            # A database that lost its last seconds gives an id out again, to another pair.
            if row is None or (row.small_id, row.big_id) != pair:
                raise StaleCache(f"relation {relate_id} is not that of users {pair}")
        self._find_shown()
        self._keys.find(item for item in self.items if isinstance(item, NewMessage))
        for item in self.items:
            self.planned.append(self._apply(item, relations.get(item.pair), rows))
        stored = [plan for plan in self.planned if isinstance(plan, PlannedMessage)]
        _insert_messages(stored)
        self._keys.store()
        _write_conversations(rows.values())
        self._touch_sessions(stored)
        self._hide_sessions()

    def _apply(
        self,
        item: SingleItem,
        relate_id: int | None,
        rows: dict[int, _ConversationRow],
    ) -> PlannedMessage | Result:
        if isinstance(item, Removal):
            was_shown = self._remove(item)
            if was_shown and relate_id is not None:
                rows[relate_id].clear_unread(item.user_id)
            return SessionRemoved(item.user_id, SessionType.SINGLE, item.peer_id, was_shown)
        if isinstance(item, ReadMark):
            if relate_id is not None:
                rows[relate_id].mark_read(item)
            return SessionRead(item.reader_id, SessionType.SINGLE, item.peer_id, item.msg_id)
        sent_before = self._keys.answer(item)
        if sent_before or relate_id is None:
            return sent_before
        msg_id = rows[relate_id].add_message(item.sender_id)
        self._keys.add(item, msg_id)
        for key in ((item.sender_id, item.receiver_id), (item.receiver_id, item.sender_id)):
            self._shown.add(key)
            self._hidden.pop(key, None)
        message = Message(
            msg_id, item.sender_id, item.created, item.msg_type, item.content.encode()
        )
        return PlannedMessage(relate_id, item.receiver_id, message, item.content)

    # --- relations ----------------------------------------------------------------------------

    def _relations(self) -> dict[Pair, int]:
        """Return the relation ids of all items' pairs; pairs that are only read may lack one."""
        known = self._known.relations
        wanted = {item.pair for item in self.items}
        found = {pair: known[pair] for pair in wanted if pair in known}
        missing = wanted - found.keys()
        if missing:
            rows = self._find_relations(missing)
            written = missing & {item.pair for item in self.items if isinstance(item, NewMessage)}
            self._show_relations(row for row in rows if (row.small_id, row.big_id) in written)
            self._make_relations(self._between_users(written))
            found |= self.learned.relations
        return found

    def _find_relations(self, pairs: set[Pair]) -> list[IMRelationShip]:
        rows = look_up(
            IMRelationShip.objects.all(), pairs, lambda pair: Q(small_id=pair[0], big_id=pair[1])
        )
        relations = {(row.small_id, row.big_id): row.id for row in rows}
        self.learned.relations |= relations
        have = set(
            Conversation.objects.filter(relate_id__in=list(relations.values())).values_list(
                "relate_id", flat=True
            )
        )
        _begin_conversations({p: r for p, r in relations.items() if r not in have})
        return rows

    def _show_relations(self, rows: Iterable[IMRelationShip]) -> None:
        """Bring removed relations, which only adopted databases have, back into history."""
        removed = [row.id for row in rows if row.status != RowStatus.SHOWN]
        if removed:
            IMRelationShip.objects.filter(id__in=removed).update(
                status=RowStatus.SHOWN, updated=self._newest
            )

    def _between_users(self, pairs: set[Pair]) -> set[Pair]:
        """Return those pairs of which both sides exist."""
        asked = {user_id for pair in pairs for user_id in pair} - self._known.users
        self.learned.users |= set(IMUser.objects.filter(id__in=asked).values_list("id", flat=True))
        exist = self._known.users | self.learned.users
        return {pair for pair in pairs if pair[0] in exist and pair[1] in exist}

    def _make_relations(self, pairs: set[Pair]) -> None:
        missing = sorted(pairs - self.learned.relations.keys())
        if not missing:
            return
        now = self._newest
        # Another process may make the same row at the same time: both end with the one that won.
        IMRelationShip.objects.bulk_create(
            [
                IMRelationShip(small_id=small, big_id=big, status=0, created=now, updated=now)
                for small, big in missing
            ],
            ignore_conflicts=True,
        )
        self._find_relations(set(missing))

    @property
    def _newest(self) -> int:
        """The time of the newest message."""
        return max(item.created for item in self.items if isinstance(item, NewMessage))

    # --- recent sessions ----------------------------------------------------------------------

    def _find_shown(self) -> None:
        """Look which of the sessions to be removed are shown."""
        removed = {(item.user_id, item.peer_id) for item in self.items if isinstance(item, Removal)}
        if not removed:
            return
        rows = look_up(
            IMRecentSession.objects.filter(type=SessionType.SINGLE, status=RowStatus.SHOWN),
            removed,
            lambda key: Q(user_id=key[0], peer_id=key[1]),
        )
        self._shown = {(row.user_id, row.peer_id) for row in rows}

    def _remove(self, item: Removal) -> bool:
        """Plan to hide a session; tell whether it is shown until then."""
        key = (item.user_id, item.peer_id)
        if key not in self._shown:
            return False
        self._shown.remove(key)
        self._hidden[key] = item.at
        return True

    def _hide_sessions(self) -> None:
        """Hide what was removed after the last message there."""
        for (user_id, peer_id), at in sorted(self._hidden.items()):
            IMRecentSession.objects.filter(
                user_id=user_id, peer_id=peer_id, type=SessionType.SINGLE
            ).update(status=RowStatus.REMOVED, updated=at)

    def _touch_sessions(self, stored: Iterable[PlannedMessage]) -> None:
        """Bring both sides' sessions of the stored messages up, shown again if removed."""
        touched: dict[SessionKey, int] = {}
        for plan in stored:
            sender_id, created = plan.message.sender_id, plan.message.created
            for key in ((sender_id, plan.receiver_id), (plan.receiver_id, sender_id)):
                touched[key] = max(created, touched.get(key, 0))
        missing = touched.keys() - self._known.sessions.keys()
        if missing:
            self._make_sessions({key: touched[key] for key in missing})
        by_time: dict[int, list[int]] = {}
        for key, updated in touched.items():
            row_id = self._known.sessions.get(key) or self.learned.sessions[key]
            by_time.setdefault(updated, []).append(row_id)
        for updated, ids in sorted(by_time.items()):
            _touch_session_rows(sorted(ids), updated)

    def _make_sessions(self, missing: dict[SessionKey, int]) -> None:
        self._find_sessions(missing.keys())
        absent = sorted(missing.keys() - self.learned.sessions.keys())
        if absent:
            IMRecentSession.objects.bulk_create(
                [
                    IMRecentSession(
                        user_id=user_id,
                        peer_id=peer_id,
                        type=SessionType.SINGLE,
                        status=RowStatus.SHOWN,
                        created=missing[user_id, peer_id],
                        updated=missing[user_id, peer_id],
                    )
                    for user_id, peer_id in absent
                ],
                ignore_conflicts=True,
            )
            self._find_sessions(absent)

    def _find_sessions(self, keys: Iterable[SessionKey]) -> None:
        rows = look_up(
            IMRecentSession.objects.filter(type=SessionType.SINGLE),
            keys,
            lambda key: Q(user_id=key[0], peer_id=key[1]),
        )
        self.learned.sessions |= {(row.user_id, row.peer_id): row.id for row in rows}


def find_committed(planned: Iterable[PlannedMessage]) -> set[tuple[SessionType, int, int]]:
    """Return the places of those planned messages that the database holds as planned.

    Call it in a transaction of its own.  The conversation rows are locked first: that waits for
    a predecessor whose end the server has not yet noticed, and which may still commit.
    """
    plans = list(planned)
    _lock_conversations(sorted({plan.relate_id for plan in plans}))
    committed: set[tuple[SessionType, int, int]] = set()
    by_shard: dict[Any, list[PlannedMessage]] = {}
    for plan in plans:
        by_shard.setdefault(messages.for_key(plan.relate_id), []).append(plan)
    for model, shard_plans in by_shard.items():
        wanted = {
            (plan.relate_id, plan.message.msg_id): (
                plan.message.sender_id,
                plan.receiver_id,
                plan.message.created,
                plan.text,
            )
            for plan in shard_plans
        }
        rows = look_up(model.objects.all(), wanted, lambda key: Q(relate_id=key[0], msg_id=key[1]))
        committed |= {
            (SessionType.SINGLE, *key)
            for row in rows
            if wanted[key := (row.relate_id, row.msg_id)]
            == (row.from_id, row.to_id, row.created, row.content)
        }
    return committed


def _begin_conversations(relations: dict[Pair, int]) -> None:
    """Make the rows of conversations that have none: new ones, and those of adopted databases.

    An adopted conversation goes on behind its highest stored id, and is dense from there.
    """
    if not relations:
        return
    last: dict[int, int] = {}
    by_shard: dict[Any, list[int]] = {}
    for relate_id in relations.values():
        by_shard.setdefault(messages.for_key(relate_id), []).append(relate_id)
    for model, ids in by_shard.items():
        last |= dict(
            model.objects.filter(relate_id__in=ids)
            .values_list("relate_id")
            .annotate(Max("msg_id"))
            .order_by()
        )
    Conversation.objects.bulk_create(
        [
            Conversation(
                relate_id=relate_id,
                small_id=small,
                big_id=big,
                last_msg_id=last.get(relate_id, 0),
                dense_from=last.get(relate_id, 0) + 1,
            )
            for (small, big), relate_id in sorted(relations.items(), key=lambda entry: entry[1])
        ],
        ignore_conflicts=True,
    )


# --- the hot statements -----------------------------------------------------------------------

_MESSAGE_COLUMNS = (
    "relateId", "fromId", "toId", "msgId", "content", "type", "status", "updated", "created",
)  # fmt: skip
_CONVERSATION_COLUMNS = tuple(row_field.name for row_field in fields(_ConversationRow))
_CHANGING_COLUMNS = _CONVERSATION_COLUMNS[3:12]
_columns_of = attrgetter(*_CONVERSATION_COLUMNS)  # dataclasses.astuple takes 20 times as long


def _lock_conversations(relate_ids: Sequence[int]) -> dict[int, _ConversationRow]:
    """Lock, in key order, and return those of the conversation rows that exist."""
    rows = lock_rows("im_conversation", _CONVERSATION_COLUMNS, "relate_id", relate_ids)
    return {row[0]: _ConversationRow(*row) for row in rows}


def _insert_messages(plans: Iterable[PlannedMessage]) -> None:
    by_shard: dict[str, list[tuple[Any, ...]]] = {}
    for plan in plans:
        message = plan.message
        by_shard.setdefault(messages.for_key(plan.relate_id)._meta.db_table, []).append(
            (
                plan.relate_id,
                message.sender_id,
                plan.receiver_id,
                message.msg_id,
                plan.text,
                message.msg_type,
                0,
                message.created,
                message.created,
            )
        )
    insert_into_shards(_MESSAGE_COLUMNS, by_shard)


def _write_conversations(rows: Iterable[_ConversationRow]) -> None:
    """Write the rows back.  They exist and are locked; the upsert only spares a statement each."""
    upsert_rows(
        "im_conversation",
        _CONVERSATION_COLUMNS,
        [_columns_of(row) for row in rows],
        key=("relate_id",),
        change=_CHANGING_COLUMNS,
    )


def _touch_session_rows(ids: Sequence[int], updated: int) -> None:
    table = connection.ops.quote_name(IMRecentSession._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET updated = %s, status = 0 WHERE id IN ({listed(ids)})", [updated]
        )
        # Rows matched, not rows changed: Django connects with FOUND_ROWS.
        if cursor.rowcount != len(ids):
            raise StaleCache(f"{len(ids)} recent sessions expected, {cursor.rowcount} found")
