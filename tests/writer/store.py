"""What the tables hold of conversations, read and prepared by SQL behind the writer's back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from im.storage.writer.requests import NewMessage, ReadMark, pair_of
from tests.e2e.database import Database

NOW = 1_700_000_000
PATIENCE_S = 10.0


def text(
    sender_id: int, receiver_id: int, content: str = "hello", created: int = NOW
) -> NewMessage:
    """Return a text for the writer."""
    return NewMessage(sender_id, receiver_id, 1, content, created)


def read(reader_id: int, peer_id: int, msg_id: int, at: int = NOW) -> ReadMark:
    """Return a read mark for the writer."""
    return ReadMark(reader_id, peer_id, msg_id, at)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of im_conversation, as far as tests look at it."""

    relate_id: int
    last_msg_id: int
    dense_from: int
    unread_small: int
    unread_big: int
    read_small: int
    read_big: int
    read_at_small: int


@dataclass(frozen=True, slots=True)
class RecentSession:
    """One row of IMRecentSession, as far as tests look at it."""

    id: int
    status: int
    updated: int


class Store(Database):
    """The database of the writer's tests."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.is_mysql = url.startswith("mysql")

    def add_users(self, count: int) -> None:
        """Add users 1 to `count`, who can't log in."""
        one = "(%s, '', 1, 0, 0)"
        self.change(
            "INSERT INTO IMUser (id, name, departId, created, updated) VALUES "
            + ", ".join(one % user_id for user_id in range(1, count + 1))
        )

    def relation_ids(self, one_id: int, other_id: int) -> list[int]:
        """Return the ids of the relations of two users; more than one is a fault."""
        return [
            row[0]
            for row in self.rows(
                "SELECT id FROM IMRelationShip WHERE smallId = %s AND bigId = %s",
                *pair_of(one_id, other_id),
            )
        ]

    def add_relation(self, one_id: int, other_id: int, status: int = 0) -> int:
        """Add a relation as another server would, without a conversation row; return its id."""
        self.change(
            "INSERT INTO IMRelationShip (smallId, bigId, status, created, updated) "
            "VALUES (%s, %s, %s, 1, 1)",
            *pair_of(one_id, other_id),
            status,
        )
        [relate_id] = self.relation_ids(one_id, other_id)
        return relate_id

    def add_message(self, relate_id: int, msg_id: int, sender_id: int, receiver_id: int) -> None:
        """Add a message as another server would."""
        self.change(
            f"INSERT INTO IMMessage_{relate_id % 8} "
            "(relateId, msgId, fromId, toId, content, updated, created) "
            "VALUES (%s, %s, %s, %s, 'old', 1, 1)",
            relate_id,
            msg_id,
            sender_id,
            receiver_id,
        )

    def messages(self, one_id: int, other_id: int) -> list[tuple[int, int, str]]:
        """Return (msg_id, sender, content) of all messages of two users, in order of msg_id."""
        return [
            (msg_id, sender_id, content)
            for relate_id in self.relation_ids(one_id, other_id)
            for msg_id, sender_id, content in self.rows(
                f"SELECT msgId, fromId, content FROM IMMessage_{relate_id % 8} "
                "WHERE relateId = %s ORDER BY msgId",
                relate_id,
            )
        ]

    def contents(self, one_id: int, other_id: int) -> list[tuple[int, str]]:
        """Return (msg_id, content) of all messages of two users, in order of msg_id."""
        return [(msg_id, content) for msg_id, _, content in self.messages(one_id, other_id)]

    def conversation(self, one_id: int, other_id: int) -> Conversation:
        """Return the conversation row of two users."""
        return Conversation(
            *self.row(
                "SELECT relate_id, last_msg_id, dense_from, sent_big - seen_small, "
                "sent_small - seen_big, read_msg_id_small, read_msg_id_big, read_at_small "
                "FROM im_conversation WHERE small_id = %s AND big_id = %s",
                *pair_of(one_id, other_id),
            )
        )

    def sessions(self, owner_id: int, peer_id: int) -> list[RecentSession]:
        """Return the owner's sessions with a user; more than one is a fault."""
        return [
            RecentSession(*row)
            for row in self.rows(
                "SELECT id, status, updated FROM IMRecentSession "
                "WHERE userId = %s AND peerId = %s AND type = 1",
                owner_id,
                peer_id,
            )
        ]

    def poison(self) -> str:
        """Return a text that the database refuses to store."""
        if self.is_mysql:
            return "x" * 5000  # longer than the column; nobody checks it here
        for shard in range(8):
            self.change(
                f"CREATE TRIGGER IF NOT EXISTS poison_{shard} BEFORE INSERT ON IMMessage_{shard} "
                "WHEN NEW.content = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END"
            )
        return "poison"

    @contextmanager
    def undone(self, *tables: str) -> Iterator[None]:
        """Put the tables' rows back at the end, those that have changed, in one transaction."""
        before = {table: self.rows(f"SELECT * FROM {table}") for table in tables}
        yield
        with self._cursor() as cursor:
            for table, rows in before.items():
                cursor.execute(f"SELECT * FROM {table}")
                if [tuple(row) for row in cursor.fetchall()] == rows:
                    continue
                cursor.execute(f"DELETE FROM {table}")
                if rows:
                    marks = self._marked(", ".join(["%s"] * len(rows[0])))
                    cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def await_lock_wait(self) -> None:
        """Return when somebody waits for a row lock (MariaDB)."""
        deadline = time.monotonic() + PATIENCE_S
        waiting = "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'"
        while self.row(waiting)[1] == "0":
            assert time.monotonic() < deadline, "nobody waits for a lock"
            time.sleep(0.02)  # nothing tells us
