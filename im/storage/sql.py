"""Statements on many rows, for the writer: look-ups by pairs, locks, inserts and upserts.

Hand-written, since the ORM takes several times as long; names of tables and columns are ours,
values are parameters or, where the driver is slow with those, integers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import itemgetter, or_
from typing import Any

from django.db import DataError, connection
from django.db.models import Q

from im.storage.connections import packet_bytes

LOOKUP_CHUNK = 100  # keys per OR-ed look-up; SQLite bounds the depth of an expression
STATEMENT_CHARS = 64 * 1024  # of INSERTs sent at once, about; a longer text still gets its own
LONGEST_ROW_CHARS = 4096 + 256  # the content column, and a message's numbers
_HEAD_BYTES = 1024  # what stands around the values
_ESCAPED = (b"'", b'"', b"\\", b"\0", b"\n", b"\r", b"\x1a")
_CHAR_BYTES = 4  # at most: a character of one byte may become two by a backslash

Row = tuple[Any, ...]  # Any: as the driver takes and returns columns


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
            f"WHERE {key} IN ({listed(values)}) ORDER BY {key}{lock}"
        )
        return list(cursor.fetchall())


def _room_chars() -> int:
    """Return after how many characters INSERTs that are sent together are enough.

    One more statement, that is as long again, and one more row must fit then.
    """
    fitting = (packet_bytes() - _HEAD_BYTES) // _CHAR_BYTES
    return min(STATEMENT_CHARS, (fitting - LONGEST_ROW_CHARS) // 2)


def _check_length(row: Row) -> None:
    """Look at a row that no statement may be long enough for.  Raises DataError if none is."""
    texts = [value.encode() for value in row if isinstance(value, str)]
    size = sum(len(text) + sum(map(text.count, _ESCAPED)) for text in texts) + _HEAD_BYTES
    if size > packet_bytes():
        raise DataError(
            f"a row takes {size} bytes, and the database {packet_bytes()} (max_allowed_packet)"
        )


def insert_rows(
    table: str, columns: Sequence[str], rows: Sequence[Row], on_conflict: str = ""
) -> None:
    """Insert the rows, of which there is at least one."""
    into = _insert_into(table, columns)
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            for values, texts in _spelled_out(rows, _room_chars()):
                cursor.execute(f"{into} {values} {on_conflict}", texts)
        else:  # a prepared statement, run for each row
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"{into} ({marks}) {on_conflict}", rows)


def insert_into_shards(columns: Sequence[str], rows_by_table: Mapping[str, Sequence[Row]]) -> None:
    """Insert rows into several tables that are alike, in the order of tables and rows.

    Sent together where the driver can: after each wait for the database a thread waits for the
    interpreter too.
    """
    if connection.vendor != "mysql":
        for table, rows in sorted(rows_by_table.items()):
            insert_rows(table, columns, sorted(rows))
        return
    with connection.cursor() as cursor:
        for statements, texts in _sent_together(columns, rows_by_table):
            cursor.execute("; ".join(statements), texts)
            while cursor.nextset():  # raises what the next one raised
                pass


def _insert_into(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO {connection.ops.quote_name(table)} ({', '.join(columns)}) VALUES"


def _sent_together(
    columns: Sequence[str], rows_by_table: Mapping[str, Sequence[Row]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Yield INSERTs to be sent at once, and the texts that are their parameters."""
    statements: list[str] = []
    texts: list[str] = []
    chars, room = 0, _room_chars()
    for table, rows in sorted(rows_by_table.items()):
        into = _insert_into(table, columns)
        for values, of_values in _spelled_out(sorted(rows), room):
            statements.append(f"{into} {values}")
            texts += of_values
            chars += len(values) + sum(map(len, of_values))
            if chars >= room:
                yield statements, texts
                statements, texts, chars = [], [], 0
    if statements:
        yield statements, texts


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
    insert_rows(table, columns, rows, on_conflict)


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
    insert_rows(table, columns, rows, on_conflict)


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


def listed(ids: Iterable[int]) -> str:
    """Return integers as SQL, with commas: MySQLdb takes 0.7 µs for each that is a parameter."""
    return ", ".join(map("%d".__mod__, ids))


def pairs_as_rows(pairs: Iterable[tuple[int, int]]) -> str:
    """Return a query for these pairs, as columns a and b: to be joined, at most a few hundred."""
    return " UNION ALL ".join(f"SELECT {a:d} AS a, {b:d} AS b" for a, b in pairs)


def limited(select: str) -> str:
    """Return a select with an order and a limit of its own as UNION ALL takes it."""
    # MariaDB would make a table of each, on disk if it has texts, and SQLite wants nothing else.
    return f"({select})" if connection.vendor == "mysql" else f"SELECT * FROM ({select})"


def _spelled_out(rows: Sequence[Row], room: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the rows as VALUES with the integers in them, and the texts that are parameters.

    After `room` characters the next ones begin.

    All rows are alike: integers and texts at the same places.  MySQLdb's way of making one
    statement of many rows takes five times as long, a quarter of what a message costs.
    """
    is_number = [isinstance(value, int) for value in rows[0]]
    template = f"({', '.join('%d' if number else '%%s' for number in is_number)})"
    numbers_of = itemgetter(*(place for place, number in enumerate(is_number) if number))
    text_places = [place for place, number in enumerate(is_number) if not number]
    values: list[str] = []
    texts: list[str] = []
    chars = 0
    for row in rows:
        if room <= 0:
            _check_length(row)
        values.append(template % numbers_of(row))
        chars += len(values[-1])
        for place in text_places:
            texts.append(row[place])
            chars += len(row[place])
        if chars >= room:
            yield ", ".join(values), texts
            values, texts, chars = [], [], 0
    if values:
        yield ", ".join(values), texts
