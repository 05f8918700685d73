"""The group side of one writer's transaction: messages, read marks and removed sessions of groups.

A group message writes one row, not one per member: unread is the distance between the group's last
id and the member's position, and a removed session is one removed at an id that is not passed yet.
Membership is read here, inside the transaction, with the group's counter locked: who was removed
before can't write, who is removed later has got it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.models import Max, Q

from im.models import (
    GroupCounter,
    GroupPosition,
    IMGroup,
    IMGroupMember,
    IMRecentSession,
    group_messages,
)
from im.storage.sql import insert_into_shards, listed, lock_rows, look_up, upsert_rows
from im.storage.writer.idempotency import ClientKeys
from im.storage.writer.requests import (
    GroupItem,
    GroupReadMark,
    GroupRemoval,
    NewGroupMessage,
    PlannedGroupMessage,
    Result,
)
from im.types import (
    GroupType,
    Message,
    RowStatus,
    SessionRead,
    SessionRemoved,
    SessionType,
)


@dataclass(slots=True)
class _CounterRow:
    group_id: int
    last_msg_id: int


@dataclass(slots=True)
class _PositionRow:
    user_id: int
    group_id: int
    read_msg_id: int
    removed_msg_id: int
    joined_msg_id: int
    read_at: int


_POSITION_COLUMNS = tuple(row_field.name for row_field in fields(_PositionRow))
_position_of = attrgetter(*_POSITION_COLUMNS)


class GroupBatch:
    """The group items of one transaction.  Call `run` once, inside it."""

    def __init__(self, items: Sequence[GroupItem]) -> None:
        self.items = items
        self.planned: list[PlannedGroupMessage | Result] = []
        self._keys = ClientKeys()
        self._members: dict[int, tuple[int, ...]] = {}
        self._counters: dict[int, _CounterRow] = {}
        self._positions: dict[tuple[int, int], _PositionRow] = {}

    def run(self) -> None:
        """Store the items; `planned` then has what happened, None where it was refused.

        Refused is whatever somebody wishes who is not in the group.
        """
        if not self.items:
            return
        self._lock_groups()
        self._read_positions()
        self._keys.find(item for item in self.items if isinstance(item, NewGroupMessage))
        removed: list[tuple[GroupRemoval, bool]] = []
        for item in self.items:
            self.planned.append(self._apply(item, removed))
        stored = [plan for plan in self.planned if isinstance(plan, PlannedGroupMessage)]
        _insert_messages(stored)
        self._keys.store()
        self._write_counters()
        self._write_positions()
        _touch_groups(stored)
        _hide_sessions(item for item, was_shown in removed if was_shown)

    def _apply(
        self, item: GroupItem, removed: list[tuple[GroupRemoval, bool]]
    ) -> PlannedGroupMessage | Result:
        sent_before = self._keys.answer(item) if isinstance(item, NewGroupMessage) else None
        if sent_before:
            return sent_before
        members = self._members.get(item.group_id, ())
        if item.who not in members:
            if isinstance(item, GroupRemoval):
                return SessionRemoved(item.user_id, SessionType.GROUP, item.group_id, False)
            return None
        counter = self._counters[item.group_id]
        position = self._positions[item.who, item.group_id]
        if isinstance(item, NewGroupMessage):
            counter.last_msg_id += 1
            self._keys.add(item, counter.last_msg_id)
            position.read_msg_id = counter.last_msg_id  # one has read what one writes
            message = Message(
                counter.last_msg_id,
                item.sender_id,
                item.created,
                item.msg_type,
                item.content.encode(),
            )
            return PlannedGroupMessage(item.group_id, message, item.content, members)
        position.read_msg_id = counter.last_msg_id  # all of it, as clients rely on
        position.read_at = item.at
        if isinstance(item, GroupReadMark):
            return SessionRead(item.reader_id, SessionType.GROUP, item.group_id, item.msg_id)
        was_shown = counter.last_msg_id > max(position.removed_msg_id, position.joined_msg_id)
        position.removed_msg_id = counter.last_msg_id
        removed.append((item, was_shown))
        return SessionRemoved(item.user_id, SessionType.GROUP, item.group_id, was_shown)

    def _lock_groups(self) -> None:
        wanted = sorted({item.group_id for item in self.items})
        self._counters = {row.group_id: row for row in self._locked(wanted)}
        without = [group_id for group_id in wanted if group_id not in self._counters]
        if without:
            begin_groups(without)
            self._counters = {row.group_id: row for row in self._locked(wanted)}
        members: dict[int, list[int]] = {}
        rows = IMGroupMember.objects.filter(
            group_id__in=list(self._counters),
            status=RowStatus.SHOWN,
            group__type__in=tuple(GroupType),
        )
        for group_id, user_id in rows.order_by("user_id").values_list("group_id", "user_id"):
            members.setdefault(group_id, []).append(user_id)
        self._members = {group_id: tuple(ids) for group_id, ids in members.items()}

    @staticmethod
    def _locked(group_ids: Sequence[int]) -> list[_CounterRow]:
        columns = ("group_id", "last_msg_id")
        rows = lock_rows("im_group_counter", columns, "group_id", group_ids)
        return [_CounterRow(*row) for row in rows]

    def _read_positions(self) -> None:
        wanted = {
            (item.who, item.group_id)
            for item in self.items
            if item.who in self._members.get(item.group_id, ())
        }
        rows = look_up(
            GroupPosition.objects.all(), wanted, lambda key: Q(user_id=key[0], group_id=key[1])
        )
        for row in rows:
            self._positions[row.user_id, row.group_id] = _PositionRow(*_position_of(row))
        for user_id, group_id in wanted - self._positions.keys():
            self._positions[user_id, group_id] = _PositionRow(user_id, group_id, 0, 0, 0, 0)

    def _write_counters(self) -> None:
        columns = ("group_id", "last_msg_id", "dense_from")
        rows = [(row.group_id, row.last_msg_id, 1) for row in self._counters.values()]
        upsert_rows("im_group_counter", columns, rows, key=("group_id",), change=("last_msg_id",))

    def _write_positions(self) -> None:
        rows = [_position_of(row) for row in self._positions.values()]
        upsert_rows(
            "im_group_position",
            _POSITION_COLUMNS,
            sorted(rows),
            key=_POSITION_COLUMNS[:2],
            change=("read_msg_id", "removed_msg_id", "read_at"),
        )


def find_committed(
    planned: Iterable[PlannedGroupMessage],
) -> set[tuple[SessionType, int, int]]:
    """Return the places of those planned messages that the database holds as planned."""
    plans = list(planned)
    lock_rows(
        "im_group_counter", ("group_id",), "group_id", sorted({plan.group_id for plan in plans})
    )
    committed: set[tuple[SessionType, int, int]] = set()
    by_shard: dict[Any, list[PlannedGroupMessage]] = {}
    for plan in plans:
        by_shard.setdefault(group_messages.for_key(plan.group_id), []).append(plan)
    for model, shard_plans in by_shard.items():
        wanted = {
            (plan.group_id, plan.message.msg_id): (
                plan.message.sender_id,
                plan.message.created,
                plan.text,
            )
            for plan in shard_plans
        }
        rows = look_up(model.objects.all(), wanted, lambda key: Q(group_id=key[0], msg_id=key[1]))
        committed |= {
            (SessionType.GROUP, *key)
            for row in rows
            if wanted[key := (row.group_id, row.msg_id)] == (row.user_id, row.created, row.content)
        }
    return committed


def begin_groups(group_ids: Sequence[int]) -> None:
    """Make the counters of groups that have none: new ones, and those of adopted databases.

    An adopted group goes on behind its highest stored id, and is dense from there.
    """
    existing = list(IMGroup.objects.filter(id__in=group_ids).values_list("id", flat=True))
    last: dict[int, int] = {}
    for group_id in existing:
        shard = group_messages.for_key(group_id)
        newest = shard.objects.filter(group_id=group_id).aggregate(last=Max("msg_id"))["last"]
        last[group_id] = newest or 0
    GroupCounter.objects.bulk_create(
        [
            GroupCounter(group_id=group_id, last_msg_id=last_id, dense_from=last_id + 1)
            for group_id, last_id in sorted(last.items())
        ],
        ignore_conflicts=True,
    )


_MESSAGE_COLUMNS = (
    "groupId", "userId", "msgId", "content", "type", "status", "updated", "created",
)  # fmt: skip


def _insert_messages(plans: Iterable[PlannedGroupMessage]) -> None:
    by_shard: dict[str, list[tuple[Any, ...]]] = {}
    for plan in plans:
        message = plan.message
        by_shard.setdefault(group_messages.for_key(plan.group_id)._meta.db_table, []).append(
            (
                plan.group_id,
                message.sender_id,
                message.msg_id,
                plan.text,
                message.msg_type,
                0,
                message.created,
                message.created,
            )
        )
    insert_into_shards(_MESSAGE_COLUMNS, by_shard)


def _touch_groups(plans: Iterable[PlannedGroupMessage]) -> None:
    """Note when each group was last written to; it is what members' lists are sorted by."""
    newest: dict[int, int] = {}
    for plan in plans:
        newest[plan.group_id] = max(plan.message.created, newest.get(plan.group_id, 0))
    by_time: dict[int, list[int]] = {}
    for group_id, created in newest.items():
        by_time.setdefault(created, []).append(group_id)
    table = connection.ops.quote_name(IMGroup._meta.db_table)
    with connection.cursor() as cursor:
        for created, group_ids in sorted(by_time.items()):
            cursor.execute(
                f"UPDATE {table} SET lastChated = %s WHERE id IN ({listed(sorted(group_ids))})",
                [created],
            )


def _hide_sessions(removals: Iterable[GroupRemoval]) -> None:
    """Leave a row that tells the user's other devices, at their next sync, of the removal."""
    for item in removals:
        IMRecentSession.objects.update_or_create(
            user_id=item.user_id,
            peer_id=item.group_id,
            type=SessionType.GROUP,
            defaults={"status": RowStatus.REMOVED, "updated": item.at},
            create_defaults={
                "status": RowStatus.REMOVED,
                "created": item.at,
                "updated": item.at,
            },
        )
