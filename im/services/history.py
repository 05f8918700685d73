"""Reading conversations: pages of messages and what is unread."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection

from im.models import Conversation, IMRelationShip, group_messages, messages
from im.services.items import pair_of
from im.services.memberships import membership, memberships
from im.services.prepared import Prepared
from im.services.rows import LOOKUP_CHUNK, listed
from im.services.together import Row, rows_of_all
from im.sharding import ShardedTable
from im.types import Message, MsgType, RowStatus, SessionType

_KNOWN_TYPES = tuple(MsgType)
_SHOWN: dict[str, Any] = {"status": RowStatus.SHOWN, "type__in": _KNOWN_TYPES}
# The columns of a Message, and its key in front.
_SINGLE_COLUMNS = ("relate_id", "msg_id", "from_id", "created", "type", "content")
_GROUP_COLUMNS = ("group_id", "msg_id", "user_id", "created", "type", "content")
SELECTS_PER_QUERY = 16  # of LOOKUP_CHUNK places each: a statement of 50 KB


@dataclass(frozen=True, slots=True)
class Unread:
    """One conversation with unread messages; `latest` is its newest one."""

    session_type: SessionType
    session_id: int
    count: int
    latest: Message


def page(user_id: int, peer_id: int, *, newest_id: int, count: int) -> list[Message]:
    """Return at most `count` messages of the two users, newest first.

    Begins with `newest_id`, or with the newest there is for 0.  More than IM_HISTORY_PAGE are
    never returned.  Users who never talked have no messages.
    """
    relate_id = _relation(user_id, peer_id)
    if relate_id is None or not count:
        return []
    rows = _page(messages.for_key(relate_id), min(count, settings.IM_HISTORY_PAGE))
    return [_message(row) for row in rows(relate_id, newest_id or _ANY_ID)]


def group_page(user_id: int, group_id: int, *, newest_id: int, count: int) -> list[Message]:
    """Return at most `count` messages of a group that a member may see, newest first.

    He sees what was said since he joined, the last time he did; a stranger sees nothing.
    """
    mine = membership(user_id, group_id)
    if mine is None or not count:
        return []
    rows = _group_page(group_messages.for_key(group_id), min(count, settings.IM_HISTORY_PAGE))
    return [_message(row) for row in rows(group_id, newest_id or _ANY_ID, mine.joined_msg_id)]


def latest_id(user_id: int, peer_id: int) -> int:
    """Return the id of the newest message of the two users, 0 if they never talked."""
    small, big = pair_of(user_id, peer_id)
    newest = Conversation.objects.filter(small_id=small, big_id=big).values_list(
        "last_msg_id", flat=True
    )
    return newest.first() or 0


def latest_group_id(user_id: int, group_id: int) -> int:
    """Return the id of the newest message that a member may see, 0 for none and for strangers."""
    mine = membership(user_id, group_id)
    if mine is None or mine.last_msg_id <= mine.joined_msg_id:
        return 0
    return mine.last_msg_id


def by_ids(user_id: int, peer_id: int, msg_ids: Iterable[int]) -> list[Message]:
    """Return those of the two users' messages, newest first, at most IM_MESSAGES_BY_ID."""
    relate_id = _relation(user_id, peer_id)
    if relate_id is None:
        return []
    rows = messages.for_key(relate_id).objects.filter(
        relate_id=relate_id, msg_id__in=_newest_first(msg_ids), **_SHOWN
    )
    return [_message(row) for row in rows.order_by("-msg_id").values_list(*_SINGLE_COLUMNS)]


def group_by_ids(user_id: int, group_id: int, msg_ids: Iterable[int]) -> list[Message]:
    """Return those of a group's messages that a member may see, as `by_ids` does."""
    mine = membership(user_id, group_id)
    if mine is None:
        return []
    rows = group_messages.for_key(group_id).objects.filter(
        group_id=group_id,
        msg_id__in=_newest_first(msg_ids),
        msg_id__gt=mine.joined_msg_id,
        **_SHOWN,
    )
    return [_message(row) for row in rows.order_by("-msg_id").values_list(*_GROUP_COLUMNS)]


def _newest_first(msg_ids: Iterable[int]) -> list[int]:
    return sorted(set(msg_ids), reverse=True)[: settings.IM_MESSAGES_BY_ID]


def unread(user_ids: Sequence[int]) -> list[list[Unread]]:
    """Return the conversations with unread messages of each of the users: one-to-one, by the
    decimal text of the peer's id, then groups, last joined first.  At most IM_UNREAD_SESSIONS of
    either.
    """
    singles, groups = _unread_single(user_ids), _unread_groups(user_ids)
    return [[*singles.get(user_id, ()), *groups.get(user_id, ())] for user_id in user_ids]


def _unread_single(user_ids: Iterable[int]) -> dict[int, list[Unread]]:
    limit: int = settings.IM_UNREAD_SESSIONS
    rows = rows_of_all(sorted(set(user_ids)), _unread_rows, alone=limit)
    latest = messages_at((relate_id, last_id) for _, _, _, relate_id, last_id in rows)
    found: dict[int, list[Unread]] = {}
    for user_id, peer_id, count, *place in rows:
        message = latest.get((place[0], place[1]))
        if message is not None:
            entry = Unread(SessionType.SINGLE, peer_id, count, message)
            found.setdefault(user_id, []).append(entry)
    return {
        user_id: sorted(entries[:limit], key=lambda entry: str(entry.session_id))
        for user_id, entries in found.items()
    }


def _unread_groups(user_ids: Iterable[int]) -> dict[int, list[Unread]]:
    limit: int = settings.IM_UNREAD_SESSIONS
    behind = {
        user_id: [group for group in groups if group.unread][:limit]
        for user_id, groups in memberships(user_ids).items()
    }
    latest = group_messages_at(group.newest for groups in behind.values() for group in groups)
    return {
        user_id: [
            Unread(SessionType.GROUP, group.group_id, group.unread, latest[group.newest])
            for group in groups
            if group.newest in latest
        ]
        for user_id, groups in behind.items()
    }


Place = tuple[int, int]  # a relation's or a group's id, and the id of one of its messages


def messages_at(places: Iterable[Place]) -> dict[Place, Message]:
    """Return the one-to-one messages at these places, as far as there are any."""
    return {row[:2]: _message(row) for row in _rows_at(messages, _SINGLE_COLUMNS, places)}


def group_messages_at(places: Iterable[Place]) -> dict[Place, Message]:
    """Return the group messages at these places, as far as there are any."""
    return {row[:2]: _message(row) for row in _rows_at(group_messages, _GROUP_COLUMNS, places)}


# --- queries ----------------------------------------------------------------------------------

_ANY_ID = 2**31 - 1  # beyond every message id

_RELATION = Prepared(
    lambda small, big: (
        IMRelationShip.objects.filter(small_id=small, big_id=big, status=RowStatus.SHOWN)
        .order_by("id")
        .values_list("id")
    )
)


def _relation(user_id: int, peer_id: int) -> int | None:
    found = _RELATION(*pair_of(user_id, peer_id))
    return found[-1][0] if found else None


@lru_cache(maxsize=1024)
def _page(model: Any, count: int) -> Prepared:
    return Prepared(
        lambda relate_id, newest_id: (
            model.objects.filter(relate_id=relate_id, msg_id__lte=newest_id, **_SHOWN)
            .order_by("-msg_id")
            .values_list(*_SINGLE_COLUMNS)[:count]
        )
    )


@lru_cache(maxsize=1024)
def _group_page(model: Any, count: int) -> Prepared:
    return Prepared(
        lambda group_id, newest_id, joined_id: (
            model.objects.filter(
                group_id=group_id, msg_id__lte=newest_id, msg_id__gt=joined_id, **_SHOWN
            )
            .order_by("-msg_id")
            .values_list(*_GROUP_COLUMNS)[:count]
        )
    )


def _unread_rows(user_ids: Sequence[int], limit: int) -> list[Row]:
    """Return (user id, peer id, count, relation id, last message id) where something is unread."""
    sides = " UNION ALL ".join(
        f"SELECT {me}_id, {peer}_id, sent_{peer} - seen_{me}, relate_id, last_msg_id "
        f"FROM im_conversation WHERE {me}_id IN ({listed(user_ids)}) AND sent_{peer} > seen_{me}"
        for me, peer in (("small", "big"), ("big", "small"))
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{sides} LIMIT {int(limit)}")
        return list(cursor.fetchall())


def _rows_at(
    table: ShardedTable[Any], columns: tuple[str, ...], places: Iterable[Place]
) -> Iterator[Row]:
    """Yield the columns of a sharded table's rows at the given places, key and msg_id first."""
    by_shard: dict[Any, list[Place]] = {}
    for place in set(places):
        by_shard.setdefault(table.for_key(place[0]), []).append(place)
    selects = [
        _select_at(model, columns, found[start : start + LOOKUP_CHUNK])
        for model, found in by_shard.items()
        for start in range(0, len(found), LOOKUP_CHUNK)
    ]
    with connection.cursor() as cursor:
        for start in range(0, len(selects), SELECTS_PER_QUERY):
            cursor.execute(" UNION ALL ".join(selects[start : start + SELECTS_PER_QUERY]))
            yield from cursor.fetchall()


def _select_at(model: Any, columns: tuple[str, ...], places: Iterable[Place]) -> str:
    """Return the query for places in one shard.

    Joined, for a condition of as many ORs takes MariaDB eight times as long: it weighs each index
    for each place.
    """
    names = [model._meta.get_field(column).column for column in columns]
    key, msg_id = names[:2]
    wanted = " UNION ALL ".join(f"SELECT {int(k)} AS k, {int(i)} AS i" for k, i in places)
    types = ", ".join(f"{kind:d}" for kind in _KNOWN_TYPES)
    return (
        f"SELECT {', '.join(f'm.{name}' for name in names)} FROM ({wanted}) AS w "
        f"JOIN {connection.ops.quote_name(model._meta.db_table)} m "
        f"ON m.{key} = w.k AND m.{msg_id} = w.i WHERE m.type IN ({types})"
    )


def _message(row: tuple[Any, ...]) -> Message:
    _, msg_id, sender_id, created, msg_type, content = row
    return Message(msg_id, sender_id, created, msg_type, (content or "").encode())
