"""Rows of the sharded message tables as Messages, for many conversations in one query.

Hand-written, since a statement of many selects takes Django longer to build than the database to
answer; integers are spelled out in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.db import connection

from im.models import group_messages, messages
from im.sharding import ShardedTable
from im.storage.chunked import ROWS_TOGETHER
from im.storage.connections import packet_bytes
from im.storage.sql import LOOKUP_CHUNK, Row, limited, listed, pairs_as_rows
from im.types import Message, MsgType, RowStatus

SELECTS_PER_QUERY = 16  # of LOOKUP_CHUNK places each: a statement of 50 KB
SELECT_BYTES = 5 * 1024  # of such a select, at most
ANY_ID = 2**31 - 1  # beyond every message id
NO_ID = -1  # before every message id

# The fields of a Message, the conversation's key in front.
FIELDS: dict[ShardedTable[Any], tuple[str, ...]] = {
    messages: ("relate_id", "msg_id", "from_id", "created", "type", "content"),
    group_messages: ("group_id", "msg_id", "user_id", "created", "type", "content"),
}
_COLUMNS = {
    table: tuple(table.all[0]._meta.get_field(field).column for field in fields)
    for table, fields in FIELDS.items()
}
_KNOWN_TYPES = listed(MsgType)

Place = tuple[int, int]  # a relation's or a group's id, and the id of one of its messages


class Stretch(NamedTuple):
    """The newest messages that one conversation shows, with `after_id` < id <= `to_id`."""

    key: int  # a relation's or a group's id
    at_most: int
    to_id: int = ANY_ID
    after_id: int = NO_ID


def as_message(row: Sequence[Any]) -> Message:
    """Return the message of a row with these fields."""
    _, msg_id, sender_id, created, msg_type, content = row
    return Message(msg_id, sender_id, created, msg_type, (content or "").encode())


# --- stretches --------------------------------------------------------------------------------


def stretches(table: ShardedTable[Any], wanted: Sequence[Stretch]) -> list[list[Message]]:
    """Return the messages of each stretch, newest first."""
    found: list[list[Message]] = [[] for _ in wanted]
    for selects in _few_rows_each(table, wanted):
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects))
            for number, *row in cursor.fetchall():
                found[number].append(as_message(row))
    for page in found:
        page.sort(key=lambda message: -message.msg_id)  # nothing promises a union's order
    return found


def _few_rows_each(table: ShardedTable[Any], wanted: Sequence[Stretch]) -> Iterator[list[str]]:
    """Yield selects to be run together: of few rows, so that no statement takes long."""
    selects: list[str] = []
    rows = 0
    for number, stretch in enumerate(wanted):
        if selects and rows + stretch.at_most > ROWS_TOGETHER:
            yield selects
            selects, rows = [], 0
        selects.append(_select_stretch(table, number, stretch))
        rows += stretch.at_most
    if selects:
        yield selects


def _select_stretch(table: ShardedTable[Any], number: int, stretch: Stretch) -> str:
    model = table.for_key(stretch.key)
    key, msg_id, *_ = columns = _COLUMNS[table]
    return limited(
        f"SELECT {number} AS n, {', '.join(columns)} "
        f"FROM {connection.ops.quote_name(model._meta.db_table)} "
        f"WHERE {key} = {stretch.key:d} AND {msg_id} <= {stretch.to_id:d} "
        f"AND {msg_id} > {stretch.after_id:d} AND status = {RowStatus.SHOWN:d} "
        f"AND type IN ({_KNOWN_TYPES}) ORDER BY {msg_id} DESC LIMIT {stretch.at_most:d}"
    )


# --- places -----------------------------------------------------------------------------------


def messages_at(table: ShardedTable[Any], places: Iterable[Place]) -> dict[Place, Message]:
    """Return the messages at these places, as far as there are any."""
    return {row[:2]: as_message(row) for row in _rows_at(table, places)}


def _rows_at(table: ShardedTable[Any], places: Iterable[Place]) -> Iterator[Row]:
    by_shard: dict[Any, list[Place]] = {}
    for place in set(places):
        by_shard.setdefault(table.for_key(place[0]), []).append(place)
    selects = [
        _select_at(model, _COLUMNS[table], found[start : start + LOOKUP_CHUNK])
        for model, found in by_shard.items()
        for start in range(0, len(found), LOOKUP_CHUNK)
    ]
    with connection.cursor() as cursor:
        at_once = max(1, min(SELECTS_PER_QUERY, packet_bytes() // SELECT_BYTES))
        for start in range(0, len(selects), at_once):
            cursor.execute(" UNION ALL ".join(selects[start : start + at_once]))
            yield from cursor.fetchall()


def _select_at(model: Any, columns: tuple[str, ...], places: Iterable[Place]) -> str:
    """Return the query for places in one shard.

    Joined, for a condition of as many ORs takes MariaDB eight times as long: it weighs each index
    for each place.
    """
    key, msg_id, *_ = columns
    return (
        f"SELECT {', '.join(f'm.{name}' for name in columns)} FROM ({pairs_as_rows(places)}) AS w "
        f"JOIN {connection.ops.quote_name(model._meta.db_table)} m "
        f"ON m.{key} = w.a AND m.{msg_id} = w.b WHERE m.type IN ({_KNOWN_TYPES})"
    )
