"""Reading conversations: pages of messages and what is unread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from im.models import Conversation, IMRelationShip, group_messages, messages
from im.services.items import pair_of
from im.services.memberships import membership, memberships
from im.services.prepared import Prepared
from im.services.rows import LOOKUP_CHUNK
from im.sharding import ShardedTable
from im.types import Message, MsgType, RowStatus, SessionType

_KNOWN_TYPES = tuple(MsgType)
_SHOWN: dict[str, Any] = {"status": RowStatus.SHOWN, "type__in": _KNOWN_TYPES}
# The columns of a Message, and its key in front.
_SINGLE_COLUMNS = ("relate_id", "msg_id", "from_id", "created", "type", "content")
_GROUP_COLUMNS = ("group_id", "msg_id", "user_id", "created", "type", "content")


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


def unread(user_id: int) -> list[Unread]:
    """Return the user's conversations with unread messages: one-to-one, by the decimal text of the
    peer's id, then groups, last joined first.  At most IM_UNREAD_SESSIONS of either.
    """
    return [*_unread_single(user_id), *_unread_groups(user_id)]


def _unread_single(user_id: int) -> list[Unread]:
    rows = _unread()(user_id, user_id)
    latest = messages_at((relate_id, last_id) for relate_id, last_id, _, _ in rows)
    found = [
        Unread(SessionType.SINGLE, peer_id, count, latest[relate_id])
        for relate_id, _, peer_id, count in rows
        if relate_id in latest
    ]
    return sorted(found, key=lambda entry: str(entry.session_id))


def _unread_groups(user_id: int) -> list[Unread]:
    groups = [group for group in memberships(user_id) if group.unread]
    groups = groups[: settings.IM_UNREAD_SESSIONS]
    latest = group_messages_at((group.group_id, group.last_msg_id) for group in groups)
    return [
        Unread(SessionType.GROUP, group.group_id, group.unread, latest[group.group_id])
        for group in groups
        if group.group_id in latest
    ]


def messages_at(places: Iterable[tuple[int, int]]) -> dict[int, Message]:
    """Return the one-to-one messages at the given (relate_id, msg_id), by relate_id."""
    return {row[0]: _message(row) for row in _rows_at(messages, _SINGLE_COLUMNS, places)}


def group_messages_at(places: Iterable[tuple[int, int]]) -> dict[int, Message]:
    """Return the group messages at the given (group_id, msg_id), by group_id."""
    return {row[0]: _message(row) for row in _rows_at(group_messages, _GROUP_COLUMNS, places)}


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


@lru_cache(maxsize=1)
def _unread() -> Prepared:
    """Return the query for a user's unread conversations; the user's id twice, for both sides."""

    def build(as_small: int, as_big: int) -> Any:
        small_side = Conversation.objects.filter(small_id=as_small, sent_big__gt=F("seen_small"))
        big_side = Conversation.objects.filter(big_id=as_big, sent_small__gt=F("seen_big"))
        return small_side.values_list(
            "relate_id", "last_msg_id", "big_id", F("sent_big") - F("seen_small")
        ).union(
            big_side.values_list(
                "relate_id", "last_msg_id", "small_id", F("sent_small") - F("seen_big")
            ),
            all=True,
        )[: settings.IM_UNREAD_SESSIONS]

    return Prepared(build)


def _rows_at(
    table: ShardedTable[Any], columns: tuple[str, ...], places: Iterable[tuple[int, int]]
) -> Iterator[tuple[Any, ...]]:
    """Yield the columns of a sharded table's rows at the given (key, msg_id)."""
    by_shard: dict[Any, list[int]] = {}
    for key, msg_id in places:
        by_shard.setdefault(table.for_key(key), []).extend((key, msg_id))
    for model, wanted in by_shard.items():
        for start in range(0, len(wanted), 2 * LOOKUP_CHUNK):
            chunk = wanted[start : start + 2 * LOOKUP_CHUNK]
            yield from _at(model, columns, len(chunk) // 2)(*chunk)


@lru_cache(maxsize=1024)
def _at(model: Any, columns: tuple[str, ...], count: int) -> Prepared:
    """Return the query for `count` places in one shard: key, msg_id, key, msg_id, …"""

    def build(*places: int) -> Any:
        any_of = reduce(
            or_,
            (
                Q(**{columns[0]: key, "msg_id": msg_id})
                for key, msg_id in zip(places[::2], places[1::2], strict=True)
            ),
        )
        return model.objects.filter(any_of, type__in=_KNOWN_TYPES).values_list(*columns)

    return Prepared(build, count=2 * count)


def _message(row: tuple[Any, ...]) -> Message:
    _, msg_id, sender_id, created, msg_type, content = row
    return Message(msg_id, sender_id, created, msg_type, (content or "").encode())
