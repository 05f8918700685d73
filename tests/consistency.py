"""Whether the tables agree with each other, and with what clients were told.

Plain SQL on a connection of its own, no code of the server's: what is checked here must not be
computed by what is checked.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from tests.e2e.database import Database

SHARDS = 8  # a power of two: a relation's shard is in its id's last bits

Message = tuple[int, int, str]  # sender, receiver, content


class Acked(NamedTuple):
    """A message that was acknowledged; no other message of the test has the same content."""

    sender_id: int
    receiver_id: int
    msg_id: int
    content: str


class ReadTold(NamedTuple):
    """The reader's other device was told that he has read a conversation up to a message."""

    reader_id: int
    peer_id: int
    msg_id: int


def assert_consistent(
    database_url: str, acked: Collection[Acked], read: Collection[ReadTold] = ()
) -> None:
    """Fail with everything that is wrong.  Nobody may write meanwhile."""
    database = Database(database_url)
    wrong = [
        *contradictions(database),
        *_broken_promises(database, acked),
        *_forgotten_reads(database, read),
    ]
    assert not wrong, "\n".join(wrong)


def contradictions(database: Database) -> list[str]:
    """Return what contradicts itself in the tables of one-to-one conversations."""
    return [
        *_wrong_counts(database),
        *_stray_messages(database),
        *_wrong_relations(database),
        *_missing_sessions(database),
    ]


# --- the tables among themselves --------------------------------------------------------------


class _Counts(NamedTuple):
    """A conversation's row, then what is counted in its messages."""

    relate_id: int
    last_msg_id: int
    dense_from: int
    sent_small: int
    sent_big: int
    seen_small: int
    seen_big: int
    read_small: int
    read_big: int
    messages: int
    highest: int
    of_small: int
    of_big: int
    small_has_read: int
    big_has_read: int

    def faults(self) -> Iterator[str]:
        """Ids without gaps, counters equal to a recount, nothing read that was not sent."""
        if self.highest != self.last_msg_id:
            yield f"the highest id is {self.highest}, not {self.last_msg_id}"
        if self.messages != self.last_msg_id - self.dense_from + 1:
            yield f"{self.messages} messages from {self.dense_from} to {self.last_msg_id}"
        if (self.of_small, self.of_big) != (self.sent_small, self.sent_big):
            yield (
                f"{self.of_small} and {self.of_big} messages, "
                f"{self.sent_small} and {self.sent_big} counted"
            )
        for name, seen, sent, position, has_read in (
            ("small", self.seen_small, self.sent_big, self.read_small, self.small_has_read),
            ("big", self.seen_big, self.sent_small, self.read_big, self.big_has_read),
        ):
            if not has_read <= seen <= sent:
                yield f"{name} has seen {seen} of {sent}, up to his position {has_read}"
            if position > self.last_msg_id:
                yield f"{name} has read up to {position} of {self.last_msg_id}"


def _wrong_counts(database: Database) -> Iterator[str]:
    for shard in range(SHARDS):
        rows = database.rows(
            "SELECT c.relate_id, c.last_msg_id, c.dense_from, c.sent_small, c.sent_big, "
            "c.seen_small, c.seen_big, c.read_msg_id_small, c.read_msg_id_big, "
            "COUNT(m.id), COALESCE(MAX(m.msgId), c.dense_from - 1), "
            "COALESCE(SUM(m.fromId = c.small_id), 0), COALESCE(SUM(m.fromId = c.big_id), 0), "
            "COALESCE(SUM(m.fromId = c.big_id AND m.msgId <= c.read_msg_id_small), 0), "
            "COALESCE(SUM(m.fromId = c.small_id AND m.msgId <= c.read_msg_id_big), 0) "
            f"FROM im_conversation c LEFT JOIN IMMessage_{shard} m "
            "ON m.relateId = c.relate_id AND m.msgId >= c.dense_from "
            f"WHERE c.relate_id & {SHARDS - 1} = %s "
            "GROUP BY c.relate_id, c.last_msg_id, c.dense_from, c.sent_small, c.sent_big, "
            "c.seen_small, c.seen_big, c.read_msg_id_small, c.read_msg_id_big",
            shard,
        )
        for row in rows:
            counts = _Counts(*row)
            yield from (f"conversation {counts.relate_id}: {fault}" for fault in counts.faults())


def _stray_messages(database: Database) -> Iterator[str]:
    for shard in range(SHARDS):
        rows = database.rows(
            f"SELECT m.id FROM IMMessage_{shard} m "
            "LEFT JOIN im_conversation c ON c.relate_id = m.relateId "
            f"WHERE m.relateId & {SHARDS - 1} <> %s OR c.relate_id IS NULL OR NOT ("
            "(m.fromId = c.small_id AND m.toId = c.big_id) OR "
            "(m.fromId = c.big_id AND m.toId = c.small_id))",
            shard,
        )
        yield from (f"IMMessage_{shard}: row {row_id} belongs nowhere" for (row_id,) in rows)


def _wrong_relations(database: Database) -> Iterator[str]:
    for (relate_id,) in database.rows(
        "SELECT c.relate_id FROM im_conversation c LEFT JOIN IMRelationShip r "
        "ON r.id = c.relate_id AND r.smallId = c.small_id AND r.bigId = c.big_id "
        "WHERE r.id IS NULL OR c.small_id >= c.big_id"
    ):
        yield f"conversation {relate_id} is not that of its relation"
    for small_id, big_id, count in database.rows(
        "SELECT smallId, bigId, COUNT(*) FROM IMRelationShip GROUP BY smallId, bigId "
        "HAVING COUNT(*) > 1"
    ):
        yield f"users {small_id} and {big_id} have {count} relations"


def _missing_sessions(database: Database) -> Iterator[str]:
    for owner, peer in (("small_id", "big_id"), ("big_id", "small_id")):
        for relate_id, count in database.rows(
            "SELECT c.relate_id, COUNT(s.id) FROM im_conversation c LEFT JOIN IMRecentSession s "
            f"ON s.userId = c.{owner} AND s.peerId = c.{peer} AND s.type = 1 "
            "WHERE c.last_msg_id >= c.dense_from GROUP BY c.relate_id HAVING COUNT(s.id) <> 1"
        ):
            yield f"conversation {relate_id}: {owner} has {count} sessions"


# --- the tables and what clients were told ----------------------------------------------------


def _broken_promises(database: Database, acked: Collection[Acked]) -> Iterator[str]:
    stored: dict[tuple[int, int, int], str] = {}
    copies: Counter[Message] = Counter()
    for shard in range(SHARDS):
        for msg_id, sender_id, receiver_id, content in database.rows(
            f"SELECT msgId, fromId, toId, content FROM IMMessage_{shard}"
        ):
            stored[sender_id, receiver_id, msg_id] = content
            copies[sender_id, receiver_id, content] += 1
    for message in acked:
        sender_id, receiver_id, msg_id, content = message
        if stored.get((sender_id, receiver_id, msg_id)) != content:
            yield f"acknowledged but not there: {message}"
        if copies[sender_id, receiver_id, content] > 1:
            yield f"stored {copies[sender_id, receiver_id, content]} times: {message}"


def _forgotten_reads(database: Database, read: Collection[ReadTold]) -> Iterator[str]:
    furthest: dict[tuple[int, int], int] = {}
    for reader_id, peer_id, msg_id in read:
        furthest[reader_id, peer_id] = max(msg_id, furthest.get((reader_id, peer_id), 0))
    for (reader_id, peer_id), msg_id in furthest.items():
        mine, theirs = ("small", "big") if reader_id < peer_id else ("big", "small")
        rows = database.rows(
            f"SELECT relate_id, read_msg_id_{mine}, sent_{theirs} - seen_{mine} "
            f"FROM im_conversation WHERE {mine}_id = %s AND {theirs}_id = %s",
            reader_id,
            peer_id,
        )
        if not rows:
            yield f"users {reader_id} and {peer_id} have no conversation"
        for relate_id, position, unread in rows:
            [(later,)] = database.rows(
                f"SELECT COUNT(*) FROM IMMessage_{relate_id % SHARDS} "
                "WHERE relateId = %s AND fromId = %s AND msgId > %s",
                relate_id,
                peer_id,
                msg_id,
            )
            if position < msg_id or unread > later:
                yield (
                    f"user {reader_id} has read {peer_id} up to {msg_id}: position {position}, "
                    f"{unread} unread of {later} later ones"
                )
