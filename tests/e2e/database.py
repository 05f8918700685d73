"""The server's database as tests see it: by SQL, on a connection of their own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

Row = tuple[Any, ...]  # Any: as the driver returns columns


class Database:
    """Reads and writes behind the server's back; statements mark values with %s."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """Return what a SELECT finds."""
        with self._cursor() as cursor:
            cursor.execute(self._marked(statement), values)
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, statement: str, *values: Any) -> Row:
        """Return the one row that a SELECT finds; more or fewer fail the test."""
        [row] = self.rows(statement, *values)
        return row

    def change(self, statement: str, *values: Any) -> None:
        """Run a statement that writes, and commit."""
        with self._cursor() as cursor:
            cursor.execute(self._marked(statement), values)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            yield cursor
            connection.commit()

    def connect(self) -> Any:  # Any: either driver's connection
        """Return a connection, for a transaction of the test's own."""
        if self._url.scheme == "sqlite":
            return sqlite3.connect(self._url.path, timeout=10)
        import MySQLdb  # only where it is installed

        return MySQLdb.connect(
            host=self._url.hostname,
            port=self._url.port,
            user=unquote(self._url.username or ""),
            database=self._url.path.lstrip("/"),
            charset="utf8mb4",
        )

    def _marked(self, statement: str) -> str:
        return statement.replace("%s", "?") if self._url.scheme == "sqlite" else statement


def relation_between(database: Database, one_id: int, other_id: int) -> int:
    """Return the id of two users' relation, which must exist."""
    relate_id: int = database.row(
        "SELECT id FROM IMRelationShip WHERE smallId = %s AND bigId = %s",
        min(one_id, other_id),
        max(one_id, other_id),
    )[0]
    return relate_id


def messages_between(database: Database, one_id: int, other_id: int) -> list[Row]:
    """Return (msgId, fromId, toId, content) of two users' messages, by id."""
    relate_id = relation_between(database, one_id, other_id)
    return database.rows(
        f"SELECT msgId, fromId, toId, content FROM IMMessage_{relate_id % 8}"
        " WHERE relateId = %s ORDER BY msgId",
        relate_id,
    )


def sessions_of(database: Database, user_id: int) -> list[Row]:
    """Return (peerId, type, status) of a user's recent sessions."""
    return database.rows(
        "SELECT peerId, type, status FROM IMRecentSession WHERE userId = %s", user_id
    )
