"""Whether the tables agree with each other, and with what clients were told.

The first is the audit's to say.  What clients were told is compared by plain SQL on a connection of
its own, no code of the server's: what is checked here must not be computed by what is checked.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from tests.conftest import manage
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
    """Fail with everything that is wrong: the audit's findings, or promises that were broken."""
    manage("audit", database_url=database_url)
    database = Database(database_url)
    wrong = [*_broken_promises(database, acked), *_forgotten_reads(database, read)]
    assert not wrong, "\n".join(wrong)


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
