"""Asking the database once for many users: in the morning everybody's client asks the same at once.

A query costs more than the rows it finds, so the lists a client syncs are read for all who ask at
the moment.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from im.storage.sql import Row

Asked = TypeVar("Asked")

ROWS_TOGETHER = 2_000  # beyond that, what many have in common is small against the rows


def rows_of_all(
    asked: Sequence[Asked], rows_of: Callable[[Sequence[Asked], int], list[Row]], *, alone: int
) -> list[Row]:
    """Return the rows of all who are asked about, at most `alone` of each one who has very many.

    `rows_of(asked, limit)` runs the query.  If it finds `limit` rows, some may be missing: each
    half is asked about on its own then, down to a single one, who gets the first `alone`.
    """
    if not asked:
        return []
    if len(asked) == 1:
        return rows_of(asked, alone)
    limit = max(alone, ROWS_TOGETHER)
    rows = rows_of(asked, limit)
    if len(rows) < limit:
        return rows
    half = len(asked) // 2
    return [
        row
        for part in (asked[:half], asked[half:])
        for row in rows_of_all(part, rows_of, alone=alone)
    ]
