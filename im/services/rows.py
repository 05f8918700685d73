"""Statements on many rows, for the writer: look-ups by pairs, locks, inserts and upserts.

Hand-written, since the ORM takes several times as long; names of tables and columns are ours,
values are always parameters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import Q

LOOKUP_CHUNK = 100  # keys per OR-ed look-up; SQLite bounds the depth of an expression

Row = tuple[Any, ...]


def look_up(queryset: Any, keys: Iterable[Any], condition: Callable[[Any], Q]) -> list[Any]:
    """Return the rows of `queryset` that meet the condition of any key."""
    todo = sorted(keys)
    rows: list[Any] = []
    for start in range(0, len(todo), LOOKUP_CHUNK):
        rows += queryset.filter(reduce(or_, map(condition, todo[start : start + LOOKUP_CHUNK])))
    return rows


def lock_rows(table: str, columns: Sequence[str], key: str, values: Sequence[int]) -> list[Row]:
    """Lock, in key order, and return the columns of those rows that exist."""
    if not values:
        return []
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {table} "
            f"WHERE {key} IN ({marks(values)}) ORDER BY {key}{lock}",
            values,
        )
        return list(cursor.fetchall())


def insert_rows(table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert the rows."""
    with connection.cursor() as cursor:
        # MySQLdb makes one multi-row INSERT of it, SQLite runs a prepared statement per row.
        cursor.executemany(_insert(table, columns), rows)


def upsert_rows(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    change: Sequence[str],
) -> None:
    """Insert the rows; where one with this key exists, change these columns of it.

    Not for tables with AUTO_INCREMENT: each attempt would burn an id.
    """
    if not rows:
        return
    if connection.vendor == "mysql":
        changes = ", ".join(f"{name}=VALUES({name})" for name in change)
        on_conflict = f"ON DUPLICATE KEY UPDATE {changes}"
    else:
        changes = ", ".join(f"{name}=excluded.{name}" for name in change)
        on_conflict = f"ON CONFLICT({', '.join(key)}) DO UPDATE SET {changes}"
    with connection.cursor() as cursor:
        cursor.executemany(f"{_insert(table, columns)} {on_conflict}", rows)


def merge_rows(
    table: str,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    keep_largest: bool,
) -> None:
    """Insert the rows; where one with this key exists, add the last column to it.

    `keep_largest`: or leave the larger of both there.
    """
    if not rows:
        return
    name = columns[-1]
    old = f"{connection.ops.quote_name(table)}.{name}"
    is_mysql = connection.vendor == "mysql"
    new = f"VALUES({name})" if is_mysql else f"excluded.{name}"
    largest = "GREATEST" if is_mysql else "MAX"
    merged = f"{largest}({old}, {new})" if keep_largest else f"{old} + {new}"
    if is_mysql:
        on_conflict = f"ON DUPLICATE KEY UPDATE {name} = {merged}"
    else:
        on_conflict = f"ON CONFLICT({', '.join(key)}) DO UPDATE SET {name} = {merged}"
    with connection.cursor() as cursor:
        cursor.executemany(f"{_insert(table, columns)} {on_conflict}", rows)


def first_rows(tables: Sequence[str], from_ids: Mapping[int, int]) -> list[Row]:
    """Return (table, id, created) of the first row from an id on, of many tables at once.

    Tables are numbered by their place in `tables`; one without such a row is left out.
    """
    quote = connection.ops.quote_name
    selects = (
        f"SELECT * FROM (SELECT {int(table)} AS t, id, created FROM {quote(tables[table])} "
        f"WHERE id >= %s ORDER BY id LIMIT 1) AS first_{int(table)}"
        for table in from_ids
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), list(from_ids.values()))
        return list(cursor.fetchall())


def ends(tables: Sequence[str]) -> list[tuple[int, int]]:
    """Return the first and the last id of each table; (0, -1) for an empty one."""
    quote = connection.ops.quote_name
    selects = (
        f"SELECT {number} AS t, COALESCE(MIN(id), 0), COALESCE(MAX(id), -1) FROM {quote(table)}"
        for number, table in enumerate(tables)
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects))
        return [(first, last) for _, first, last in sorted(cursor.fetchall())]


def marks(values: Sequence[Any]) -> str:
    """Return the placeholders for so many values."""
    return ", ".join(["%s"] * len(values))


def _insert(table: str, columns: Sequence[str]) -> str:
    name = connection.ops.quote_name(table)
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks(columns)})"
