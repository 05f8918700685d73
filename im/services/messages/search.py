"""Searching what was said: by people, group, time and words, over all shards, newest first.

A selection is bounded by its time range and worked through in windows of time, from its end to its
beginning.  Each step reads windows, as long as its budget allows, and returns where it stands;
nothing is kept between steps, so a search goes on in any process and is cancelled by not going on.

What is said between certain people or in a group is found by the tables' own indexes.  Where
everything is asked for there is none on time: rows lie in the order they came, so a window's first
and last row are found by bisection, `SLACK_S` further apart than asked, and `created` decides.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from im.models import Conversation, IMGroupMember, group_messages, messages
from im.services.messages import content
from im.storage.sql import ends, first_rows
from im.storage.writer.requests import pair_of
from im.types import AUDIO_TYPES, MsgType, RowStatus, SessionType

WINDOW_ROWS = 10_000  # what a window of a search for words is to hold: about 50 ms of work
MOST_ROWS = 5 * WINDOW_ROWS  # per table: a window with more is made smaller
SLACK_S = 60  # rows come by less out of order: a message is dated just before it is stored
_KINDS = tuple(MsgType)
_ANY_STATUS = (RowStatus.SHOWN, RowStatus.REMOVED)  # names all there are, for the index's sake

# created, table, row id, key, msg_id, sender, receiver (a group's has none), type, content
_Row = tuple[int, int, int, int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages: of a user, of two, of a group, or all; from `since` until before `until`.

    A user's are what he sent and received, and what he said in groups.  `words` must all be in the
    text, in any order, whatever their case; without any every message is found.
    """

    since: int  # unix seconds
    until: int
    user_id: int = 0
    peer_id: int = 0
    group_id: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """How far a search has come: the last row it looked at, and its progress.

    `searched` of about `total` rows; `window_s` is what the next window is to span.
    """

    created: int
    table: int
    row_id: int
    window_s: int
    searched: int
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """One message.  `conversation_id` is the relation's or group's, `receiver_id` 0 for a group.

    `text` is None for voice, whose row's id is in `voice_id`, and for what is no text.
    """

    session_type: SessionType
    conversation_id: int
    msg_id: int
    sender_id: int
    receiver_id: int
    created: int
    text: str | None
    voice_id: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What a step has found, newest first; `position` None: it is at the end."""

    found: tuple[Found, ...]
    position: Position | None
    searched: int
    total: int


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of what somebody typed, as texts are compared."""
    return tuple(content.searchable(text).split())


def search(
    selection: Selection, position: Position | None = None, *, count: int, budget_s: float
) -> Step:
    """Return up to `count` messages behind `position`, or from the newest.

    Stops after about `budget_s` with fewer: ask again, with the position it returns.
    """
    deadline = time.monotonic() + budget_s
    reader = _Reader(selection)
    at = position or _beginning(selection, reader, count)
    found: list[Found] = []
    while True:
        lower = max(selection.since, at.created + 1 - at.window_s)
        rows = reader.rows(lower, at.created + 1)
        if rows is None:  # too many
            at = replace(at, window_s=max(1, at.window_s // 4))
            continue
        rows = [row for row in rows if row[:3] < (at.created, at.table, at.row_id)]
        taken, matches = _matching(rows, selection.words, count - len(found))
        found += matches
        is_over = taken == len(rows) and lower <= selection.since
        at = _behind(at, rows, taken, lower, _aim(selection, count))
        if is_over or len(found) >= count or time.monotonic() >= deadline:
            break
    return Step(tuple(found), None if is_over else at, at.searched, at.total)


def around(session_type: SessionType, conversation_id: int, msg_id: int, count: int) -> list[Found]:
    """Return a message among the `count` before it and the `count` after it, oldest first."""
    source = _conversation(session_type, conversation_id)
    rows = source.model.objects.filter(**{source.column: conversation_id}, type__in=_KINDS)
    before = rows.filter(msg_id__lte=msg_id).order_by("-msg_id")[: count + 1]
    after = rows.filter(msg_id__gt=msg_id).order_by("msg_id")[:count]
    both = [*reversed(before.values_list(*source.columns)), *after.values_list(*source.columns)]
    return list(_found(source.row(row) for row in both))


# --- the tables -------------------------------------------------------------------------------

_SINGLE_COLUMNS = (
    "created", "id", "relate_id", "msg_id", "from_id", "to_id", "type", "content",
)  # fmt: skip
_GROUP_COLUMNS = ("created", "id", "group_id", "msg_id", "user_id", "type", "content")


@dataclass(frozen=True, slots=True)
class _Source:
    """One table and what is wanted of it: the conversations `keys`, None for all."""

    table: int
    model: Any
    keys: tuple[int, ...] | None
    condition: Q = Q()  # noqa: RUF009  # not changed by whoever combines it

    @property
    def is_group(self) -> bool:
        return self.table >= len(messages.all)

    @property
    def column(self) -> str:
        return "group_id" if self.is_group else "relate_id"

    @property
    def columns(self) -> tuple[str, ...]:
        return _GROUP_COLUMNS if self.is_group else _SINGLE_COLUMNS

    def row(self, row: tuple[Any, ...]) -> _Row:
        """Return a row of the table in the order all rows have."""
        if self.is_group:
            created, row_id, key, msg_id, sender_id, kind, content = row
            return (created, self.table, row_id, key, msg_id, sender_id, 0, kind, content)
        created, row_id, key, msg_id, sender_id, receiver_id, kind, content = row
        return (created, self.table, row_id, key, msg_id, sender_id, receiver_id, kind, content)


_TABLES: tuple[Any, ...] = (*messages.all, *group_messages.all)
_NAMES = tuple(table._meta.db_table for table in _TABLES)


def _sources(selection: Selection) -> list[_Source]:
    if selection.group_id:
        return [_conversation(SessionType.GROUP, selection.group_id)]
    if not selection.user_id:
        return [_Source(table, model, None) for table, model in enumerate(_TABLES)]
    relations = Conversation.objects.filter(_with(selection.user_id, selection.peer_id))
    singles = relations.values_list("relate_id", flat=True)
    sources = [*_by_shard(messages.for_key, singles, Q())]
    if not selection.peer_id:
        groups = IMGroupMember.objects.filter(user_id=selection.user_id)
        ids = groups.values_list("group_id", flat=True)
        sources += _by_shard(group_messages.for_key, ids, Q(user_id=selection.user_id))
    return sources


def _with(user_id: int, peer_id: int) -> Q:
    if peer_id:
        small, big = pair_of(user_id, peer_id)
        return Q(small_id=small, big_id=big)
    return Q(small_id=user_id) | Q(big_id=user_id)


def _by_shard(for_key: Any, keys: Iterable[int], condition: Q) -> Iterator[_Source]:
    shards: dict[Any, list[int]] = {}
    for key in sorted(set(keys)):
        shards.setdefault(for_key(key), []).append(key)
    for model, ids in shards.items():
        yield _Source(_TABLES.index(model), model, tuple(ids), condition)


def _conversation(session_type: SessionType, conversation_id: int) -> _Source:
    table = group_messages if session_type is SessionType.GROUP else messages
    model = table.for_key(conversation_id)
    return _Source(_TABLES.index(model), model, (conversation_id,))


# --- windows ----------------------------------------------------------------------------------


class _Reader:
    """Reads windows of a selection, for one step."""

    def __init__(self, selection: Selection) -> None:
        self._sources = _sources(selection)
        self._first: dict[int, list[int]] = {}  # time -> first row id of each table
        self._ends: list[tuple[int, int]] = []  # first and last id of each table

    def rows(self, since: int, until: int) -> list[_Row] | None:
        """Return the rows of a window, newest first; None if they are too many to be held."""
        rows: list[_Row] = []
        for source in self._sources:
            found = self._window(source, since, until).values_list(*source.columns)
            if until - since > 1:
                found = found[: MOST_ROWS + 1]
            rows += map(source.row, found)
            if len(rows) > MOST_ROWS and until - since > 1:
                return None
        rows.sort(key=lambda row: row[:3], reverse=True)
        return rows

    def total(self, since: int, until: int) -> int:
        """Return how many rows there are, about."""
        return sum(self._count(source, since, until) for source in self._sources)

    def _count(self, source: _Source, since: int, until: int) -> int:
        if source.keys is not None:
            return int(self._window(source, since, until).count())
        first, end = self._ids_between(source, since, until)
        return end - first

    def _window(self, source: _Source, since: int, until: int) -> Any:
        rows = source.model.objects.filter(source.condition, created__gte=since, created__lt=until)
        if source.keys is None:
            first, end = self._ids_between(source, since, until)
            return rows.filter(id__gte=first, id__lt=end)
        return rows.filter(**{f"{source.column}__in": source.keys}, status__in=_ANY_STATUS)

    def _ids_between(self, source: _Source, since: int, until: int) -> tuple[int, int]:
        return self._first_id(source, since - SLACK_S), self._first_id(source, until + SLACK_S)

    def _first_id(self, source: _Source, created: int) -> int:
        """Return the id of the table's first row from that time on."""
        if created not in self._first:
            self._first[created] = self._bisect(created)
        return self._first[created][source.table]

    def _bisect(self, created: int) -> list[int]:
        """Return the first id from that time on of every table: all of them halved at once."""
        low = [max(ids) for ids in zip(*self._known(lambda at: at < created), strict=True)]
        high = [min(ids) for ids in zip(*self._known(lambda at: at > created), strict=True)]
        while asked := [table for table, ids in enumerate(low) if ids < high[table]]:
            middle = {table: (low[table] + high[table]) // 2 for table in asked}
            for table, row_id, row_created in first_rows(_NAMES, middle):
                if row_created < created:
                    low[table] = row_id + 1
                else:
                    high[table] = middle[table]
        return low

    def _known(self, is_near: Callable[[int], bool]) -> Iterator[list[int]]:
        """Return the ends of the tables on one side, and what is known of times on that side."""
        if not self._ends:
            self._ends = ends(_NAMES)
        is_low = is_near(-1)
        yield [first if is_low else last + 1 for first, last in self._ends]
        yield from (ids for at, ids in self._first.items() if is_near(at))


def _beginning(selection: Selection, reader: _Reader, count: int) -> Position:
    total = reader.total(selection.since, selection.until)
    span = max(1, selection.until - selection.since)
    window_s = span * _aim(selection, count) // max(total, 1)
    return Position(selection.until - 1, len(_TABLES), 0, min(span, max(1, window_s)), 0, total)


def _behind(at: Position, rows: Sequence[_Row], taken: int, lower: int, aim: int) -> Position:
    """Return the position after so many rows of the window that begins at `lower`."""
    searched = at.searched + taken
    if taken < len(rows):
        created, table, row_id = rows[taken - 1][:3]
        return replace(at, created=created, table=table, row_id=row_id, searched=searched)
    # Times get more or less busy: a window holds a quarter to four times what the last one did.
    factor = min(4.0, max(0.25, aim / max(len(rows), 1)))
    window_s = max(1, int(at.window_s * factor))
    return Position(lower - 1, len(_TABLES), 0, window_s, searched, at.total)


def _aim(selection: Selection, count: int) -> int:
    return WINDOW_ROWS if selection.words else 2 * count


# --- what is found ----------------------------------------------------------------------------


def _matching(rows: Sequence[_Row], words: tuple[str, ...], room: int) -> tuple[int, list[Found]]:
    """Return up to `room` messages that have the words, and how many rows that took."""
    if not words:
        taken = rows[:room]
        return len(taken), list(_found(taken))
    matches: list[Found] = []
    for number, (row, text) in enumerate(zip(rows, _texts(rows), strict=True), start=1):
        if text is not None and _has(text, words):
            matches.append(_one(row, text))
            if len(matches) == room:
                return number, matches
    return len(rows), matches


def _has(text: str, words: tuple[str, ...]) -> bool:
    searched = content.searchable(text)
    return all(word in searched for word in words)


def _found(rows: Iterable[_Row]) -> Iterator[Found]:
    listed = list(rows)
    return map(_one, listed, _texts(listed))


def _texts(rows: Sequence[_Row]) -> list[str | None]:
    # A voice message's content is a number: no base64 of whole blocks, so no text.
    return content.clear_texts(row[8] or "" for row in rows)


def _one(row: _Row, text: str | None) -> Found:
    created, table, _, key, msg_id, sender_id, receiver_id, kind, content = row
    is_voice = kind in AUDIO_TYPES and content.isdigit()
    return Found(
        SessionType.GROUP if table >= len(messages.all) else SessionType.SINGLE,
        key,
        msg_id,
        sender_id,
        receiver_id,
        created,
        None if kind in AUDIO_TYPES else text,
        int(content) if is_voice else 0,
    )
