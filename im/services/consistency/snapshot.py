"""Reading a database that is in use: snapshots of it, ranges of ids, and when it became ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.db.transaction import TransactionManagementError

Row = tuple[Any, ...]  # Any: as the driver returns columns

_ADOPTED_BY = "0005_adopt_conversations"
_NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """The ids above `after`, up to and with `upto`."""

    after: int
    upto: int


@contextmanager
def snapshot() -> Iterator[None]:
    """All reads inside see the database as it is now, whoever writes meanwhile.

    Nobody waits for it.  Raises TransactionManagementError inside a transaction.
    """
    if connection.in_atomic_block:
        raise TransactionManagementError("a snapshot begins outside of transactions")
    if connection.vendor == "mysql":
        begin = [
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        ]
    else:
        begin = ["BEGIN DEFERRED"]  # not as our settings have it: that waits for writers
    with connection.cursor() as cursor:
        for statement in begin:
            cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def select(statement: str, *values: Any) -> list[Row]:
    """Return what a SELECT finds; it marks values with %s, and a per cent sign as %%."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def ranges(step: int, *columns: tuple[type[Model], str]) -> Iterator[Range]:
    """Cut all integers into ranges that hold at most `step` ids of each of the columns."""
    after = -1
    while True:
        ends = [end for model, name in columns if (end := _end(model, name, after, step))]
        upto = min(ends, default=_NO_END)
        yield Range(after, upto)
        if not ends:
            return
        after = upto


def _end(model: type[Model], column: str, after: int, step: int) -> int | None:
    """Return the id `step` places behind `after`, None if there are not that many."""
    ids = model._default_manager.filter(**{f"{column}__gt": after}).order_by(column)
    return ids.values_list(column, flat=True)[step - 1 : step].first()


def dense_from(model: type[Model], key: str, owner_id: int) -> int:
    """Return the first id of the unbroken row of ids that ends with the owner's highest.

    `key` is the column of the owner: the relation or the group.  1 where nothing was said.
    """
    [(first,)] = select(
        "SELECT MAX(msgId) FROM ("
        f"SELECT msgId, LAG(msgId) OVER (ORDER BY msgId) AS before_it FROM {model._meta.db_table} "
        f"WHERE {key} = %s AND msgId > 0) ids WHERE before_it IS NULL OR before_it + 1 <> msgId",
        owner_id,
    )
    return first or 1


def adopted_at() -> int:
    """Return when this server took over the tables, in unix seconds.

    What is older may come from an original TeamTalk server; a new database has nothing that is.
    """
    rows = MigrationRecorder(connection).migration_qs.filter(app="im", name=_ADOPTED_BY)
    applied = rows.values_list("applied", flat=True).first()
    return int(applied.timestamp()) if applied else 0
