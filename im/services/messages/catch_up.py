"""What users were to get since a moment: for a gateway whose bus has lost something.

The moment is given as marks, the newest row id of each message table then: looking for what came
after is a walk along the end of each primary key, whatever else the tables hold.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Max

from im.errors import Overloaded
from im.models import GroupPosition, IMGroupMember, group_messages, messages
from im.services.messages import voice
from im.types import (
    AUDIO_TYPES,
    Event,
    Message,
    MessageStored,
    MsgType,
    RowStatus,
    SessionType,
)

CHUNK = 2_000  # rows per query
_TABLES: tuple[Any, ...] = (*messages.all, *group_messages.all)  # Any: of two models
_SINGLE_COLUMNS = ("id", "to_id", "msg_id", "from_id", "created", "type", "content")
_GROUP_COLUMNS = ("id", "group_id", "msg_id", "user_id", "created", "type", "content")


def marks() -> tuple[int, ...]:
    """Return the newest row id of each message table, those of groups last."""
    return tuple(table.objects.aggregate(last=Max("id"))["last"] or 0 for table in _TABLES)


def since(marks: Sequence[int], user_ids: Collection[int]) -> list[Event]:
    """Return the messages after these marks that the users are to have, for them alone.

    Raises Overloaded when more than IM_REPAIR_MESSAGES were said by anybody since then.
    """
    users = frozenset(user_ids)
    budget = _Budget(settings.IM_REPAIR_MESSAGES)
    split = len(messages.all)
    single = _single(marks[:split], users, budget)
    groups = _group(marks[split:], users, budget)
    return [*single, *groups]


class _Budget:
    """How many rows may still be looked at."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def spend(self, rows: int) -> None:
        self._rows -= rows
        if self._rows < 0:
            raise Overloaded(f"more than {settings.IM_REPAIR_MESSAGES} messages to look at")


def _single(marks: Sequence[int], users: frozenset[int], budget: _Budget) -> Iterator[Event]:
    for table, mark in zip(messages.all, marks, strict=True):
        for row in _rows_after(table, mark, _SINGLE_COLUMNS, budget):
            receiver_id, message = row[1], _message(row)
            concerned = tuple({receiver_id, message.sender_id} & users)
            if concerned:
                yield MessageStored(SessionType.SINGLE, receiver_id, _as_sent(message), concerned)


def _group(marks: Sequence[int], users: frozenset[int], budget: _Budget) -> Iterator[Event]:
    for table, mark in zip(group_messages.all, marks, strict=True):
        rows = list(_rows_after(table, mark, _GROUP_COLUMNS, budget))
        joined = _joined(sorted({row[1] for row in rows}), users)
        for row in rows:
            group_id, message = row[1], _message(row)
            members = joined.get(group_id, {})
            concerned = tuple(user for user, after in members.items() if message.msg_id > after)
            if concerned:
                yield MessageStored(SessionType.GROUP, group_id, _as_sent(message), concerned)


def _rows_after(
    table: Any, mark: int, columns: Sequence[str], budget: _Budget
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table after a row id, in the order of their ids."""
    while True:
        found = table.objects.filter(id__gt=mark).order_by("id")
        rows = list(found.values_list(*columns, "status")[:CHUNK])
        budget.spend(len(rows))
        for *row, status in rows:
            if status == RowStatus.SHOWN and row[5] in _KNOWN_TYPES:
                yield tuple(row)
        if len(rows) < CHUNK:
            return
        mark = rows[-1][0]


def _joined(group_ids: Sequence[int], users: frozenset[int]) -> dict[int, dict[int, int]]:
    """Return who of the users is in each group, with the id after which he joined."""
    joined: dict[int, dict[int, int]] = {}
    members = IMGroupMember.objects.filter(group_id__in=group_ids, status=RowStatus.SHOWN)
    for group_id, user_id in members.values_list("group_id", "user_id"):
        if user_id in users:
            joined.setdefault(group_id, {})[user_id] = 0
    positions = GroupPosition.objects.filter(group_id__in=group_ids, joined_msg_id__gt=0)
    for group_id, user_id, after in positions.values_list("group_id", "user_id", "joined_msg_id"):
        if user_id in joined.get(group_id, {}):
            joined[group_id][user_id] = after
    return joined


def _message(row: Sequence[Any]) -> Message:
    _, _, msg_id, sender_id, created, msg_type, content = row
    return Message(msg_id, sender_id, created, msg_type, (content or "").encode())


def _as_sent(message: Message) -> Message:
    if message.msg_type not in AUDIO_TYPES:
        return message
    return message._replace(content=voice.as_sent([message])[0].content)


_KNOWN_TYPES = frozenset(MsgType)
