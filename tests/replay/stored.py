"""The rows that a step inserted, in a form that two servers can share.

Row ids and relation ids differ, so a relation is named by its two users; times become "now".
"""

from collections.abc import Iterable, Iterator
from typing import Any

from im.types import SessionType
from tests.e2e.database import Database
from tests.replay.comparing import Meanings, Place
from tests.replay.recording import CLOCK, Rows, unpacked

SHARDS = 8

Fact = tuple[Any, ...]  # a table's name and what stands in a row

_SHARDS = " UNION ALL ".join(
    f"SELECT {shard}, smallId, bigId, relateId, fromId, toId, msgId, content, type, message.status,"
    f" message.updated, message.created FROM IMMessage_{shard} AS message"
    " LEFT JOIN IMRelationShip AS relation ON relation.id = relateId"
    for shard in range(SHARDS)
)


def facts_of(database: Database, meanings: Meanings) -> set[Fact]:
    """Return what the server under test has stored."""

    def moment(stamp: int) -> Any:
        return "now" if meanings.is_now(stamp) else stamp

    touched: dict[tuple[int, int], int] = {}
    facts: set[Fact] = set()
    for shard, small, big, relate_id, *row, updated, created in database.rows(_SHARDS):
        assert relate_id % SHARDS == shard, f"relation {relate_id} in IMMessage_{shard}"
        facts.add(("message", small, big, *row, moment(updated), moment(created)))
        for pair in (small, big), (big, small):
            touched[pair] = max(created, touched.get(pair, 0))
    for user_id, peer_id, kind, status, created, updated in database.rows(
        "SELECT userId, peerId, type, status, created, updated FROM IMRecentSession"
    ):
        facts.add(("session", user_id, peer_id, kind, status, moment(created)))
        newest = touched.get((user_id, peer_id), 0) if kind == SessionType.SINGLE else 0
        assert updated >= newest, f"the session {user_id}, {peer_id} is older than its message"
    for *row, created in database.rows(
        "SELECT smallId, bigId, status, created FROM IMRelationShip"
    ):
        facts.add(("relation", *row, moment(created)))
    return facts


class Relations:
    """The recording's relations, as far as it has come."""

    def __init__(self, meanings: Meanings) -> None:
        self._pairs: dict[int, tuple[int, int]] = {}
        self._meanings = meanings

    def facts(self, rows: Rows) -> set[Fact]:
        """Return what the recording says was inserted."""
        for row in rows.get("IMRelationShip", ()):
            self._pairs[row["id"]] = row["smallId"], row["bigId"]
        return set(self._facts(rows))

    def _facts(self, rows: Rows) -> Iterator[Fact]:
        for table, entries in rows.items():
            for row in entries:
                if table == "IMRelationShip":
                    yield "relation", *_columns(row, "smallId bigId status created")
                elif table == "IMRecentSession":
                    yield "session", *_columns(row, "userId peerId type status created")
                else:
                    yield self._message(row)

    def _message(self, row: dict[str, Any]) -> Fact:
        small, big = self._pairs[row["relateId"]]
        return (
            "message",
            small,
            big,
            *_columns(row, "fromId toId"),
            self._meanings.our_id(Place(SessionType.SINGLE, small, big), row["msgId"]),
            unpacked(row["content"]).decode(),
            *_columns(row, "type status updated created"),
        )


def _columns(row: dict[str, Any], names: str) -> Iterable[Any]:
    for name in names.split():
        value = row[name]
        yield "now" if value in CLOCK else value
