"""One-to-one conversations: relations, messages, counters and recent sessions, range by range."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from im.models import Conversation, IMAudio, IMRecentSession, IMRelationShip, messages
from im.services.consistency.findings import Check, Finding, Report, Subject
from im.services.consistency.snapshot import Range, adopted_at, ranges, select, snapshot
from im.types import MsgType, RowStatus, SessionType

STEP = 1_000  # conversations per snapshot


@dataclass(slots=True)
class Said:
    """What is stored of one conversation: counts of messages, ids, unix seconds.

    All but `messages`, `highest` and `newest` are counted from `dense_from` on.
    """

    messages: int = 0
    highest: int = 0  # message id
    newest: int = 0  # of all times
    dense: int = 0
    of_small: int = 0
    of_big: int = 0
    read_by_small: int = 0  # the other one's, up to the position
    read_by_big: int = 0
    voices: int = 0
    mute: int = 0  # voices without a row of their sound
    last_created: int = 0

    @property
    def strangers(self) -> int:
        """Messages that are not from one of the two to the other."""
        return self.dense - self.of_small - self.of_big


@dataclass(slots=True)
class Held:
    """All rows of one conversation; `sessions` by user id: status and `updated`."""

    row: Conversation | None = None
    relation: IMRelationShip | None = None
    said: Said = field(default_factory=Said)
    sessions: dict[int, tuple[int, int]] = field(default_factory=dict)


_FROM_SMALL = "m.msgId >= c.dense_from AND m.fromId = c.small_id AND m.toId = c.big_id"
_FROM_BIG = "m.msgId >= c.dense_from AND m.fromId = c.big_id AND m.toId = c.small_id"
_VOICE = f"m.msgId >= c.dense_from AND m.type = {MsgType.SINGLE_AUDIO:d}"

# Columns after the first are those of Said.  CAST: what is no number becomes one that is not
# written so; the names of types are those that both databases take.
_SAID = f"""
    SELECT m.relateId, COUNT(*), MAX(m.msgId), MAX(m.created), SUM(m.msgId >= c.dense_from),
        SUM({_FROM_SMALL}), SUM({_FROM_BIG}),
        SUM({_FROM_BIG} AND m.msgId <= c.read_msg_id_small),
        SUM({_FROM_SMALL} AND m.msgId <= c.read_msg_id_big),
        SUM({_VOICE}), SUM({_VOICE} AND a.id IS NULL),
        MAX(CASE WHEN m.msgId = c.last_msg_id THEN m.created END)
    FROM {{table}} m
    LEFT JOIN {Conversation._meta.db_table} c ON c.relate_id = m.relateId
    LEFT JOIN {IMAudio._meta.db_table} a
        ON a.id = CASE WHEN m.type = {MsgType.SINGLE_AUDIO:d} THEN CAST(m.content AS SIGNED) END
        AND CAST(a.id AS CHAR) = m.content
    WHERE m.relateId > %s AND m.relateId <= %s
    GROUP BY m.relateId
"""

_SESSIONS = f"""
    SELECT c.relate_id, s.userId, COALESCE(s.status, 0), s.updated
    FROM {Conversation._meta.db_table} c
    JOIN {IMRecentSession._meta.db_table} s
        ON s.userId = c.{{owner}} AND s.peerId = c.{{peer}} AND s.type = {SessionType.SINGLE:d}
    WHERE c.relate_id > %s AND c.relate_id <= %s
"""


def walk(report: Report) -> Iterator[list[Finding]]:
    """Look at all conversations."""
    since = adopted_at()
    for part in ranges(STEP, (Conversation, "relate_id"), (IMRelationShip, "id")):
        with snapshot():
            found = list(_misplaced(part, since))
            for relate_id, held in read(part).items():
                _count(report, held)
                found += _findings(relate_id, held, since)
        yield found


def read(part: Range) -> dict[int, Held]:
    """Return the conversations of a range by relate_id, all rows that belong to each.

    Raises what the database raises.  Call it in a snapshot, or with the conversations locked.
    """
    held: dict[int, Held] = {}
    within = {"gt": part.after, "lte": part.upto}
    for row in Conversation.objects.filter(**{f"relate_id__{k}": v for k, v in within.items()}):
        held.setdefault(row.relate_id, Held()).row = row
    for relation in IMRelationShip.objects.filter(**{f"id__{k}": v for k, v in within.items()}):
        held.setdefault(relation.id, Held()).relation = relation
    for model in messages.all:
        statement = _SAID.format(table=model._meta.db_table)
        for relate_id, *counts in select(statement, part.after, part.upto):
            if messages.for_key(relate_id) is model:
                held.setdefault(relate_id, Held()).said = _said(counts)
    for owner, peer in (("small_id", "big_id"), ("big_id", "small_id")):
        statement = _SESSIONS.format(owner=owner, peer=peer)
        for relate_id, user_id, status, updated in select(statement, part.after, part.upto):
            held[relate_id].sessions[user_id] = (status, updated)
    return held


def _said(counts: list[int | None]) -> Said:
    assert len(counts) == len(fields(Said))
    return Said(*(int(count or 0) for count in counts))  # MariaDB's sums are decimals


def _count(report: Report, held: Held) -> None:
    report.rows[Check.RELATIONS] += held.relation is not None
    report.rows[Check.MESSAGES] += held.said.messages
    for check in (Check.MESSAGE_IDS, Check.COUNTS, Check.UNREAD):
        report.rows[check] += held.row is not None
    report.rows[Check.SESSIONS] += len(held.sessions)
    report.rows[Check.VOICE] += held.said.voices


# --- what is wrong ----------------------------------------------------------------------------


def _misplaced(part: Range, since: int) -> Iterator[Finding]:
    """Messages that lie in another shard than theirs."""
    for number, model in enumerate(messages.all):
        statement = (
            f"SELECT relateId, COUNT(*) FROM {model._meta.db_table} "
            f"WHERE relateId > %s AND relateId <= %s AND relateId %% {len(messages.all)} <> %s "
            "AND created >= %s GROUP BY relateId"
        )
        for relate_id, count in select(statement, part.after, part.upto, number, since):
            text = f"{count} messages of relation {relate_id} lie in {model._meta.db_table}"
            yield Finding(Check.MESSAGES, text)


def _findings(relate_id: int, held: Held, since: int) -> Iterator[Finding]:
    if held.row is None:
        yield from _without_row(relate_id, held, since)
        return
    for check, text in (
        *_wrong_relation(held.row, held.relation),
        *_wrong_messages(held.said),
        *_wrong_ids(held.row, held.said),
        *_wrong_counts(held.row, held.said),
        *_wrong_sessions(held.row, held),
    ):
        yield Finding(check, f"conversation {relate_id}: {text}", Subject.CONVERSATION, relate_id)


def _without_row(relate_id: int, held: Held, since: int) -> Iterator[Finding]:
    if held.relation is not None:
        text = f"relation {relate_id} has no conversation, and {held.said.messages} messages"
        yield Finding(Check.RELATIONS, text, Subject.CONVERSATION, relate_id)
    elif held.said.newest >= since:
        text = f"{held.said.messages} messages of relation {relate_id}, which is not there"
        yield Finding(Check.MESSAGES, text)


Wrong = Iterator[tuple[Check, str]]


def _wrong_relation(row: Conversation, relation: IMRelationShip | None) -> Wrong:
    pair = (row.small_id, row.big_id)
    if relation is None:
        yield Check.RELATIONS, "its relation is not there"
    elif (relation.small_id, relation.big_id) != pair:
        theirs = f"{relation.small_id} and {relation.big_id}"
        yield Check.RELATIONS, f"is of users {pair[0]} and {pair[1]}, its relation of {theirs}"
    elif has_talked(row) and relation.status:
        yield Check.RELATIONS, "its relation is marked as removed"
    if has_talked(row) and row.small_id >= row.big_id:
        yield Check.RELATIONS, f"user {row.small_id} stands before {row.big_id}"


def _wrong_messages(said: Said) -> Wrong:
    if said.strangers:
        yield Check.MESSAGES, f"{said.strangers} messages are not between its two users"
    if said.mute:
        yield Check.VOICE, f"{said.mute} voice messages name a sound that is not in IMAudio"


def _wrong_ids(row: Conversation, said: Said) -> Wrong:
    if said.highest > row.last_msg_id or (has_talked(row) and said.highest < row.last_msg_id):
        yield Check.MESSAGE_IDS, f"the highest id is {said.highest}, not {row.last_msg_id}"
    if not 1 <= row.dense_from <= row.last_msg_id + 1:
        yield Check.MESSAGE_IDS, f"dense from {row.dense_from}, but the last is {row.last_msg_id}"
    elif said.dense != row.last_msg_id - row.dense_from + 1:
        expected = f"from {row.dense_from} to {row.last_msg_id}"
        yield Check.MESSAGE_IDS, f"{said.dense} messages {expected}"


def _wrong_counts(row: Conversation, said: Said) -> Wrong:
    if (said.of_small, said.of_big) != (row.sent_small, row.sent_big):
        counted = f"{row.sent_small} and {row.sent_big} counted"
        yield Check.COUNTS, f"{said.of_small} and {said.of_big} messages, {counted}"
    for user_id, seen, sent, has_read, position in (
        (row.small_id, row.seen_small, row.sent_big, said.read_by_small, row.read_msg_id_small),
        (row.big_id, row.seen_big, row.sent_small, said.read_by_big, row.read_msg_id_big),
    ):
        if not has_read <= seen <= sent:
            text = f"user {user_id} has seen {seen} of {sent}, up to his position {has_read}"
            yield Check.UNREAD, text
        if not 0 <= position <= row.last_msg_id:
            yield Check.UNREAD, f"user {user_id} has read up to {position} of {row.last_msg_id}"


def _wrong_sessions(row: Conversation, held: Held) -> Wrong:
    if not has_talked(row) or not held.said.dense:
        return
    said = held.said
    for user_id in (row.small_id, row.big_id):
        if user_id not in held.sessions:
            yield Check.SESSIONS, f"user {user_id} has no session"
        elif not has_right_time(*held.sessions[user_id], said):
            updated = held.sessions[user_id][1]
            times = f"the last message is of {said.last_created}, the newest of {said.newest}"
            yield Check.SESSIONS, f"user {user_id} has a session of {updated}, {times}"


def has_talked(row: Conversation) -> bool:
    """Whether anything was said here, that is not only adopted."""
    return row.last_msg_id >= row.dense_from


def has_right_time(status: int, updated: int, said: Said) -> bool:
    """Whether a session that is shown has the time of the last batch of messages.

    A batch may hold messages that are dated a little later than its last one.
    """
    return status != RowStatus.SHOWN or said.last_created <= updated <= said.newest
