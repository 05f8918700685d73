"""Made-up conversations in bulk, for measuring with a company's years of messages.

Written in chunks, one transaction each: messages with the counters, positions, lists of
conversations and statistics that go with them, as if the writer had stored them, so that what is
there after any chunk is consistent.  Messages come in the order of their time, as searches expect.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.db.transaction import atomic

from im.errors import Refused
from im.models import (
    Conversation,
    GroupCounter,
    IMGroup,
    IMGroupMember,
    IMRecentSession,
    IMRelationShip,
    IMUser,
    group_messages,
    messages,
)
from im.services.monitoring.statistics import HOUR_S, Kind
from im.storage.sql import Row, insert_rows, merge_rows, upsert_rows
from im.types import MsgType, RowStatus, SessionType
from im.wire import cipher

BURST = 25  # messages somebody exchanges with somebody before the talk is over
BURSTS = 200  # at a time: a chunk is 5,000 messages
GROUP_BURSTS = 40  # of these in groups
_DAY_S = 86_400
_SINGLE = ("relateId", "fromId", "toId", "msgId", "content", "type", "status", "updated", "created")
_GROUP = ("groupId", "userId", "msgId", "content", "type", "status", "updated", "created")
_COUNTERS = (
    "relate_id", "small_id", "big_id", "last_msg_id", "sent_small", "sent_big", "seen_small",
    "seen_big", "read_msg_id_small", "read_msg_id_big", "read_at_small", "read_at_big",
    "dense_from",
)  # fmt: skip
_POSITION = ("group_id", "user_id", "read_msg_id", "read_at")
_OPENINGS = ("会议改到下午三点", "预算已经批准", "Lunch at noon?", "请看一下方案", "Done")
_ENDINGS = ("，谢谢", "，收到请回复", ", thanks", "！", ". Tell me what you think")


@dataclass(slots=True)
class _Talk:
    """Two people's conversation as far as it has come; columns of im_conversation."""

    relate_id: int
    small_id: int
    big_id: int
    session_ids: tuple[int, int]
    last_msg_id: int = 0
    sent: dict[int, int] = field(default_factory=dict)  # by user
    seen: tuple[int, int] = (0, 0)
    read: tuple[int, int] = (0, 0)
    read_at: tuple[int, int] = (0, 0)

    def row(self) -> Row:
        sent = (self.sent.get(self.small_id, 0), self.sent.get(self.big_id, 0))
        return (
            self.relate_id, self.small_id, self.big_id, self.last_msg_id, *sent, *self.seen,
            *self.read, *self.read_at, 1,
        )  # fmt: skip


@dataclass(slots=True)
class _Room:
    """A group and who talks in it."""

    group_id: int
    members: Sequence[int]
    last_msg_id: int


class Seeder:
    """Adds `count` messages, of the `days` before `until`, among all users and groups.

    Where there are messages, those come after the newest of them.
    """

    def __init__(self, count: int, *, days: int, until: int, pairs: int) -> None:
        self._chance = random.Random(count)
        self._count, self._pairs = count, pairs
        # Behind what there is: ids rise with time, which searches rely on.
        self._since = max(until - days * _DAY_S, _newest())
        self._span = max(0, until - self._since)
        self._users = list(IMUser.objects.order_by("id").values_list("id", flat=True))
        if len(self._users) < 2:
            raise Refused("messages need two users at least")
        if pairs > len(self._users) * (len(self._users) - 1) // 4:
            raise Refused("there are not enough users for so many pairs")
        self._rooms = list(_rooms())
        self._talks: list[_Talk] = []
        self._known = set(Conversation.objects.values_list("small_id", "big_id"))
        self._next_relation = _highest(IMRelationShip) + 1
        self._next_session = _highest(IMRecentSession) + 1
        key = settings.IM_AES_KEY.encode()
        self._texts = [
            cipher.encrypt_text(f"{opening}{number}{ending}", key).decode()
            for opening in _OPENINGS
            for ending in _ENDINGS
            for number in range(40)
        ]

    def run(self) -> Iterator[int]:
        """Write chunk by chunk; yield how many messages there are after each."""
        done = 0
        while done < self._count:
            size = min(BURST * BURSTS, self._count - done)
            self._chunk(size, self._at(done), self._at(done + size))
            done += size
            yield done

    def _at(self, number: int) -> int:
        """Return when message `number` was said."""
        return self._since + self._span * number // self._count

    def _chunk(self, size: int, since: int, until: int) -> None:
        """Write the messages of `BURSTS` talks at once, in one transaction."""
        in_groups = min(GROUP_BURSTS, len(self._rooms))
        bursts = -(-size // BURST)
        new: list[_Talk] = []
        rooms = self._chance.sample(self._rooms, in_groups) if bursts > in_groups else []
        talks = {id(talk): talk for talk in (self._talk(new) for _ in range(bursts - len(rooms)))}
        places: list[_Talk | _Room] = [*talks.values(), *rooms]
        times = sorted(self._chance.randrange(since, max(until, since + 1)) for _ in range(size))
        rows: dict[str, list[Row]] = {}
        figures: Counter[tuple[int, int, int]] = Counter()
        positions: dict[tuple[int, int], Row] = {}
        last: dict[int, int] = {}
        for created in times:
            place = self._chance.choice(places)
            last[id(place)] = created
            if isinstance(place, _Room):
                _say_in(place, self._chance, self._texts, created, rows, positions, figures)
            else:
                _say(place, self._chance, self._texts, created, rows)
                figures[Kind.SINGLE, created - created % HOUR_S, 0] += 1
        written = [talk for talk in talks.values() if id(talk) in last]
        for talk in written:
            self._read(talk, last[id(talk)])
        with atomic(savepoint=False):
            self._begin([talk for talk in new if talk.last_msg_id], since)
            for table in sorted(rows):
                insert_rows(table, _SINGLE if "Group" not in table else _GROUP, rows[table])
            columns = _COUNTERS[3:]
            counters = sorted(talk.row() for talk in written)
            upsert_rows("im_conversation", _COUNTERS, counters, key=_COUNTERS[:1], change=columns)
            _touch(written, rooms, last)
            change = _POSITION[2:]
            upsert_rows(
                "im_group_position",
                _POSITION,
                sorted(positions.values()),
                key=_POSITION[:2],
                change=change,
            )
            stat = ("kind", "hour", "subject", "value")
            summed = [(*key, count) for key, count in sorted(figures.items())]
            merge_rows("im_stat", stat, summed, key=stat[:3], keep_largest=False)
        self._talks += [talk for talk in new if talk.last_msg_id]

    def _talk(self, new: list[_Talk]) -> _Talk:
        """Return two who talk: new ones until there are as many pairs as wanted."""
        if len(self._talks) + len(new) >= self._pairs:
            return self._chance.choice(self._talks or new)
        while True:
            small, big = sorted(self._chance.sample(self._users, 2))
            if (small, big) not in self._known:
                self._known.add((small, big))
                break
        sessions = self._next_session, self._next_session + 1
        new.append(_Talk(self._next_relation, small, big, sessions))
        self._next_relation += 1
        self._next_session += 2
        return new[-1]

    def _read(self, talk: _Talk, at: int) -> None:
        """Let most people have read what they got."""
        if self._chance.random() < 0.8:
            talk.seen = (talk.sent.get(talk.big_id, 0), talk.sent.get(talk.small_id, 0))
            talk.read = (talk.last_msg_id, talk.last_msg_id)
            talk.read_at = (at, at)

    def _begin(self, talks: Sequence[_Talk], at: int) -> None:
        # With ids of our own: another writer who takes one of them meanwhile makes this fail.
        shown = RowStatus.SHOWN
        IMRelationShip.objects.bulk_create(
            IMRelationShip(
                id=talk.relate_id, small_id=talk.small_id, big_id=talk.big_id, status=shown,
                created=at, updated=at,
            )
            for talk in talks
        )  # fmt: skip
        IMRecentSession.objects.bulk_create(
            IMRecentSession(
                id=session_id, user_id=user_id, peer_id=peer_id, type=SessionType.SINGLE,
                status=shown, created=at, updated=at,
            )
            for talk in talks
            for session_id, user_id, peer_id in (
                (talk.session_ids[0], talk.small_id, talk.big_id),
                (talk.session_ids[1], talk.big_id, talk.small_id),
            )
        )  # fmt: skip


def _say(
    talk: _Talk,
    chance: random.Random,
    texts: Sequence[str],
    created: int,
    rows: dict[str, list[Row]],
) -> None:
    sender, receiver = talk.small_id, talk.big_id
    if chance.random() < 0.5:
        sender, receiver = receiver, sender
    talk.last_msg_id += 1
    talk.sent[sender] = talk.sent.get(sender, 0) + 1
    table = messages.for_key(talk.relate_id)._meta.db_table
    text, kind = chance.choice(texts), int(MsgType.SINGLE_TEXT)
    rows.setdefault(table, []).append(
        (talk.relate_id, sender, receiver, talk.last_msg_id, text, kind, 0, created, created)
    )


def _say_in(
    room: _Room,
    chance: random.Random,
    texts: Sequence[str],
    created: int,
    rows: dict[str, list[Row]],
    positions: dict[tuple[int, int], Row],
    figures: Counter[tuple[int, int, int]],
) -> None:
    sender = chance.choice(room.members)
    room.last_msg_id += 1
    table = group_messages.for_key(room.group_id)._meta.db_table
    text, kind = chance.choice(texts), int(MsgType.GROUP_TEXT)
    rows.setdefault(table, []).append(
        (room.group_id, sender, room.last_msg_id, text, kind, 0, created, created)
    )
    positions[room.group_id, sender] = (room.group_id, sender, room.last_msg_id, created)
    figures[Kind.GROUP, created - created % HOUR_S, 0] += 1
    figures[Kind.OF_GROUP, created - created % _DAY_S, room.group_id] += 1


def _touch(talks: Sequence[_Talk], rooms: Sequence[_Room], last: dict[int, int]) -> None:
    """Bring the lists of conversations and the groups' counters up to date."""
    sessions = IMRecentSession._meta.db_table
    groups = connection.ops.quote_name(IMGroup._meta.db_table)
    touched = sorted(
        (session_id, last[id(talk)]) for talk in talks for session_id in talk.session_ids
    )
    written = [room for room in rooms if id(room) in last]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {sessions} SET updated = %s WHERE id = %s",
            [(at, session_id) for session_id, at in touched],
        )
        cursor.executemany(
            f"UPDATE {groups} SET lastChated = %s WHERE id = %s",
            [(last[id(room)], room.group_id) for room in written],
        )
    counters = sorted((room.group_id, room.last_msg_id, 1) for room in written)
    columns = ("group_id", "last_msg_id", "dense_from")
    upsert_rows("im_group_counter", columns, counters, key=columns[:1], change=columns[1:2])


def _rooms() -> Iterator[_Room]:
    counters = dict(GroupCounter.objects.values_list("group_id", "last_msg_id"))
    members: dict[int, list[int]] = {}
    rows = IMGroupMember.objects.filter(status=RowStatus.SHOWN, group_id__in=list(counters))
    for group_id, user_id in rows.values_list("group_id", "user_id"):
        members.setdefault(group_id, []).append(user_id)
    for group_id, user_ids in sorted(members.items()):
        yield _Room(group_id, user_ids, counters[group_id])


def _newest() -> int:
    tables: tuple[Any, ...] = (*messages.all, *group_messages.all)
    last = (table.objects.order_by("-id").values_list("created", flat=True) for table in tables)
    return max((rows.first() or 0 for rows in last), default=0)


def _highest(model: type[IMRelationShip] | type[IMRecentSession]) -> int:
    highest: int | None = model.objects.aggregate(highest=Max("pk"))["highest"]
    return highest or 0
