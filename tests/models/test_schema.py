"""The tables on MySQL are the original's: what our DDL makes, and what adopting one leaves."""

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import manage
from tests.models.catalogue import Key, original_ddl, original_tables, tables_of
from tests.services import MariaDB

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def database(mariadb: MariaDB) -> str:
    """DATABASE_URL of an empty database."""
    return mariadb.create_database("schema")


@pytest.fixture
def sql(mariadb: MariaDB) -> Sql:
    """Run statements in that database; the rows of the last one."""

    def run(*statements: str) -> list[tuple[Any, ...]]:
        with (
            closing(mariadb.connect("schema")) as connection,
            closing(connection.cursor()) as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    return run


@pytest.fixture
def original(database: str, sql: Sql) -> str:
    """DATABASE_URL of a database of the original, which `0001` is faked for."""
    sql(*original_ddl())
    manage("migrate", "--fake", "im", "0001", database_url=database)
    return database


def test_the_first_migration_makes_exactly_the_original(mariadb: MariaDB, database: str) -> None:
    manage("migrate", "im", "0001", database_url=database)

    made = tables_of(mariadb, "schema")
    del made["django_migrations"]
    assert made == original_tables()


def test_all_migrations_keep_every_column_and_index_of_the_original(
    mariadb: MariaDB, mariadb_template: bytes
) -> None:
    made = tables_of(mariadb, "template")

    for name, table in original_tables().items():
        assert made[name].columns == table.columns
        assert made[name].keys >= table.keys


def test_no_two_indexes_of_a_table_are_the_same(mariadb: MariaDB, mariadb_template: bytes) -> None:
    for name, table in tables_of(mariadb, "template").items():
        columns = [key.columns for key in table.keys]

        assert len(columns) == len(set(columns)), name


def test_an_adopted_database_keeps_its_rows_and_gets_the_tables_of_a_new_one(
    mariadb: MariaDB, mariadb_template: bytes, original: str, sql: Sql
) -> None:
    sql(
        "INSERT INTO IMUser (id, name, avatar, departId, status, created, updated)"
        " VALUES (7, '小明', NULL, 0, NULL, 1, 1)",
        "INSERT INTO IMRelationShip (id, smallId, bigId) VALUES (11, 7, 99)",
        "INSERT INTO IMMessage_3 (relateId, fromId, toId, msgId, content, updated, created)"
        " VALUES (11, 7, 99, 1, 'first', 5, 5), (11, 99, 7, 2, NULL, 6, 6)",
        "INSERT INTO IMRecentSession (userId, peerId, type) VALUES (7, 99, NULL), (7, 99, NULL)",
    )

    manage("migrate", database_url=original)

    assert tables_of(mariadb, "schema") == tables_of(mariadb, "template")
    assert sql("SELECT id, name, avatar, departId, status FROM IMUser") == [
        (7, "小明", None, 0, None)
    ]
    assert sql("SELECT msgId, content FROM IMMessage_3 ORDER BY id") == [(1, "first"), (2, None)]
    assert sql("SELECT userId, peerId, type FROM IMRecentSession") == [(7, 99, None)] * 2


def test_a_database_whose_new_tables_would_not_take_an_emoji_is_refused(mariadb: MariaDB) -> None:
    url = mariadb.create_database("schema", charset="utf8")

    with pytest.raises(subprocess.CalledProcessError, match="exit status 1") as failure:
        manage("migrate", database_url=url)

    assert "ALTER DATABASE `schema` CHARACTER SET utf8mb4;" in failure.value.stderr
    assert tables_of(mariadb, "schema") == {}


def test_a_database_that_lacks_a_column_of_the_original_is_not_adopted(
    original: str, sql: Sql
) -> None:
    sql("ALTER TABLE IMUser DROP COLUMN sign_info")

    with pytest.raises(subprocess.CalledProcessError) as failure:
        manage("migrate", "im", database_url=original)

    assert failure.value.stderr.splitlines()[-1] == (
        "CommandError: this is not the original's schema: IMUser lacks sign_info"
        " (varchar(128) COLLATE `utf8mb4_bin` DEFAULT '' NOT NULL); add it, then run migrate again"
    )
    assert sql("SHOW TABLES LIKE 'im\\_%'") == []


def test_duplicates_are_named_and_stop_the_unique_keys_until_they_are_gone(
    original: str, sql: Sql
) -> None:
    sql(
        "INSERT INTO IMGroupMessage_5 (groupId, userId, msgId) VALUES (13, 1, 4), (13, 2, 4)",
        "INSERT INTO IMRelationShip (smallId, bigId) VALUES (1, 2)",
    )

    with pytest.raises(subprocess.CalledProcessError) as failure:
        manage("migrate", "im", database_url=original)

    assert failure.value.stderr.splitlines()[-1] == (
        "CommandError: IMGroupMessage_5 has 2 rows with (groupId, msgId) = (13, 4), which must be"
        " unique: remove or correct such rows, then run migrate again"
    )
    assert sql("SHOW INDEX FROM IMRelationShip WHERE Key_name LIKE '%uniq%'") == []

    sql("DELETE FROM IMGroupMessage_5 WHERE userId = 2")
    manage("migrate", "im", database_url=original)

    assert len(sql("SHOW INDEX FROM IMGroupMessage_5 WHERE Key_name LIKE '%uniq%'")) == 2


def test_duplicates_are_named_on_sqlite_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'schema.sqlite3'}"
    manage("migrate", "im", "0002", database_url=url)
    with closing(sqlite3.connect(tmp_path / "schema.sqlite3")) as connection, connection:
        connection.execute("INSERT INTO IMGroupMember (groupId, userId) VALUES (1, 2), (1, 2)")

    with pytest.raises(subprocess.CalledProcessError, match="exit status 1") as failure:
        manage("migrate", "im", database_url=url)

    assert failure.value.stderr.startswith(
        "CommandError: IMGroupMember has 2 rows with (groupId, userId) = (1, 2)"
    )


def test_unique_keys_can_be_added_again_after_a_failure_half_way(original: str, sql: Sql) -> None:
    sql("ALTER TABLE IMRelationShip ADD UNIQUE imrelationship_uniq_pair (bigId, smallId)")

    manage("migrate", "im", database_url=original)

    assert len(sql("SHOW INDEX FROM IMGroupMember WHERE Key_name LIKE '%uniq%'")) == 2


def test_an_index_of_the_original_is_dropped_and_made_by_its_own_name(
    mariadb: MariaDB, mariadb_template: bytes
) -> None:
    url = mariadb.load("schema", mariadb_template)
    change = (
        "from django.db import connection; from im.models import IMGroup\n"
        "with connection.schema_editor() as editor:\n"
        "    editor.{}_index(IMGroup, IMGroup._meta.indexes[0])"
    )

    manage("shell", "-c", change.format("remove"), database_url=url)
    without = tables_of(mariadb, "schema")["IMGroup"]
    manage("shell", "-c", change.format("add"), database_url=url)
    with_it = tables_of(mariadb, "schema")["IMGroup"]

    assert with_it.keys - without.keys == {Key("idx_name", "name(191)", unique=False)}
    assert with_it == original_tables()["IMGroup"]


def test_an_emoji_is_looked_for_in_a_three_byte_column_in_vain_and_without_an_error(
    mariadb: MariaDB, mariadb_template: bytes
) -> None:
    url = mariadb.load("schema", mariadb_template)
    search = "from im.models import IMAdmin; print(IMAdmin.objects.filter(uname='😀').count())"

    assert manage("shell", "-v0", "-c", search, database_url=url) == "0\n"


def test_the_models_are_those_of_the_migrations(backend: str) -> None:
    output = manage("makemigrations", "im", "--check", "--dry-run", database_url=backend)

    assert "No changes detected" in output
