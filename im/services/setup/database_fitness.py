"""What is wrong with a MySQL or MariaDB database before anybody is served from it.

An adopted database may be as old as the original: tables without transactions, with three bytes a
character, a server that stores "?" in place of what a column can't hold.  SQLite has none of this.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from im.fields import CharColumn, is_mysql

CHARSET = "utf8mb4"
KNOWN_S = 60  # how long narrow columns are taken for known: an ALTER shows without a restart


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and what to do about it.

    `is_fatal`: messages could be lost, so nobody is served.  `of_new_tables`: it matters where
    tables are made, and no longer once they are there.
    """

    number: str
    text: str
    hint: str
    is_fatal: bool = True
    of_new_tables: bool = False


def problems(database: BaseDatabaseWrapper = connection) -> list[Problem]:
    """Return what is wrong; nothing on SQLite."""
    if not is_mysql(database):
        return []
    return [*_of_server(database), *_of_tables(database)]


def _of_server(database: BaseDatabaseWrapper) -> Iterator[Problem]:
    [(charset, engine, flush, modes)] = _rows(
        database,
        "SELECT @@character_set_database, @@default_storage_engine, "
        "@@innodb_flush_log_at_trx_commit, @@sql_mode",
    )
    if charset != CHARSET:
        name = database.ops.quote_name(database.settings_dict["NAME"])
        yield Problem(
            "010",
            f"the default charset of the database is {charset}, not {CHARSET}",
            f"Run ALTER DATABASE {name} CHARACTER SET {CHARSET}; (tables keep theirs).",
            of_new_tables=True,
        )
    if engine != "InnoDB":
        yield Problem(
            "011",
            f"the default storage engine is {engine}, which has no transactions",
            "Set default_storage_engine=InnoDB in the server's configuration.",
            of_new_tables=True,
        )
    if "STRICT_" not in modes:  # our settings ask for it; DATABASE_URL may have said otherwise
        yield Problem(
            "012",
            "the database's strict mode is off: what it can't store becomes something else",
            "Take sql_mode out of DATABASE_URL.",
        )
    if flush != 1:
        yield Problem(
            "013",
            f"innodb_flush_log_at_trx_commit is {flush}: a crash of the database's machine "
            "can take acknowledged messages with it",
            "Set it to 1.",
            is_fatal=False,
        )


# --- tables ---------------------------------------------------------------------------------------


def _of_tables(database: BaseDatabaseWrapper) -> Iterator[Problem]:
    tables = _tables(database)
    quoted = database.ops.quote_name
    engines = _rows(
        database,
        "SELECT table_name, engine FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND engine <> 'InnoDB'",
    )
    unsafe = sorted(name for name, _engine in engines if _known(database, name) in tables)
    if unsafe:
        yield Problem(
            "014",
            f"tables without transactions: {', '.join(unsafe)}",
            " ".join(f"ALTER TABLE {quoted(name)} ENGINE=InnoDB;" for name in unsafe),
        )
    odd = _odd_columns(database)
    if odd:
        yield Problem(
            "015",
            "tables whose texts have another character set or collation than the server relies "
            f"on, so that they refuse an emoji or mix up capitals: {', '.join(sorted(odd))}",
            " ".join(
                f"ALTER TABLE {quoted(name)} CONVERT TO CHARACTER SET {wanted};"
                for name, wanted in sorted(odd.items())
            ),
            is_fatal=False,
        )


def _odd_columns(database: BaseDatabaseWrapper) -> dict[str, str]:
    """Return the tables with columns that are not as the model has them: name -> its charset."""
    tables = _tables(database)
    odd = {}
    for table, column, collation in _collations(database):
        wanted = _wanted(tables.get(_known(database, table)), column)
        if not collation.startswith(wanted):
            exact = f" COLLATE {wanted}" if wanted != CHARSET else ""
            odd[table] = CHARSET + exact
    return odd


def _wanted(model: type[Model] | None, column: str) -> str:
    """Return a column's collation, or how it begins; "" where any will do."""
    for field in model._meta.concrete_fields if model else ():
        if str(field.column).lower() == column.lower():
            collation = field.mysql_collation if isinstance(field, CharColumn) else CHARSET
            return collation if collation.startswith(CHARSET) else ""  # three bytes on purpose
    return ""


def _collations(database: BaseDatabaseWrapper) -> list[tuple[str, str, str]]:
    return _rows(
        database,
        "SELECT table_name, column_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND collation_name IS NOT NULL",
    )


def _tables(database: BaseDatabaseWrapper) -> dict[str, type[Model]]:
    """Return the models by the names of their tables."""
    models = apps.get_models(include_auto_created=True)
    return {_known(database, model._meta.db_table): model for model in models}


def _known(database: BaseDatabaseWrapper, table: str) -> str:
    return table.lower() if database.features.ignores_table_name_case else table


def _rows(database: BaseDatabaseWrapper, sql: str) -> list[Any]:  # Any: whatever it selects
    with database.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


# --- texts ----------------------------------------------------------------------------------------


def unstorable(model: type[Model], field: str, text: str) -> str:
    """Return the characters of a text that the field's column can't store, "" for none.

    One query a minute, and only for a text with a character beyond three bytes.
    """
    wide = "".join(sorted({character for character in text if character > "\uffff"}))
    if not wide or not is_mysql(connection):
        return ""
    column = str(model._meta.get_field(field).column).lower()  # type: ignore[union-attr]  # a column
    narrow = _narrow_columns(int(time.monotonic() // KNOWN_S))
    return wide if column in narrow[model._meta.db_table.lower()] else ""


@lru_cache(maxsize=1)
def _narrow_columns(minute: int) -> dict[str, set[str]]:
    """Return the columns that take no character of four bytes, by table."""
    found: dict[str, set[str]] = defaultdict(set)
    for table, column, collation in _collations(connection):
        if not collation.startswith(CHARSET):
            found[table.lower()].add(column.lower())
    return found
