"""Reading conversations: pages of messages and what is unread."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import F, Q

from im.models import Conversation, IMRelationShip, messages
from im.services.batch import LOOKUP_CHUNK, pair_of
from im.types import Message, MsgType, RowStatus, SessionType

_KNOWN_TYPES = tuple(MsgType)


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
    if relate_id is None:
        return []
    rows = messages.for_key(relate_id).objects.filter(
        relate_id=relate_id, status=RowStatus.SHOWN, type__in=_KNOWN_TYPES
    )
    if newest_id:
        rows = rows.filter(msg_id__lte=newest_id)
    return [
        _message(row) for row in rows.order_by("-msg_id")[: min(count, settings.IM_HISTORY_PAGE)]
    ]


def unread(user_id: int) -> list[Unread]:
    """Return the user's conversations with unread messages, by the decimal text of the peer's id.

    At most IM_UNREAD_SESSIONS of them, those written to last.
    """
    as_small = Q(small_id=user_id, sent_big__gt=F("seen_small"))
    as_big = Q(big_id=user_id, sent_small__gt=F("seen_big"))
    rows = [
        row
        for side in (as_small, as_big)
        for row in Conversation.objects.filter(side).order_by("-relate_id")[
            : settings.IM_UNREAD_SESSIONS
        ]
    ][: settings.IM_UNREAD_SESSIONS]
    latest = latest_messages((row.relate_id, row.last_msg_id) for row in rows)
    found = [
        Unread(SessionType.SINGLE, peer_id, count, latest[row.relate_id])
        for row in rows
        for peer_id, count in [_unread_of(row, user_id)]
        if row.relate_id in latest
    ]
    return sorted(found, key=lambda entry: str(entry.session_id))


def latest_messages(newest: Iterable[tuple[int, int]]) -> dict[int, Message]:
    """Return the messages with the given (relate_id, msg_id), by relate_id."""
    by_shard: dict[Any, list[tuple[int, int]]] = {}
    for relate_id, msg_id in newest:
        by_shard.setdefault(messages.for_key(relate_id), []).append((relate_id, msg_id))
    found: dict[int, Message] = {}
    for model, keys in by_shard.items():
        for start in range(0, len(keys), LOOKUP_CHUNK):
            wanted = (
                Q(relate_id=relate_id, msg_id=msg_id)
                for relate_id, msg_id in keys[start : start + LOOKUP_CHUNK]
            )
            rows = model.objects.filter(reduce(or_, wanted), type__in=_KNOWN_TYPES)
            found |= {row.relate_id: _message(row) for row in rows}
    return found


def _relation(user_id: int, peer_id: int) -> int | None:
    small, big = pair_of(user_id, peer_id)
    relation: int | None = (
        IMRelationShip.objects.filter(small_id=small, big_id=big, status=RowStatus.SHOWN)
        .values_list("id", flat=True)
        .last()
    )
    return relation


def _unread_of(row: Conversation, user_id: int) -> tuple[int, int]:
    if row.small_id == user_id:
        return row.big_id, row.sent_big - row.seen_small
    return row.small_id, row.sent_small - row.seen_big


def _message(row: Any) -> Message:
    return Message(row.msg_id, row.from_id, row.created, row.type, (row.content or "").encode())
