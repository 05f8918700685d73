"""Whether the unique keys are there; without one, the rows it would refuse."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, Model, UniqueConstraint

from im.models import IMGroupMember, IMRecentSession, IMRelationShip, group_messages, messages
from im.services.consistency.findings import Check, Finding, Report
from im.services.consistency.snapshot import select

MAX_DUPLICATES = 100  # found per missing key

_MODELS: tuple[type[Model], ...] = (
    IMRelationShip,
    IMRecentSession,
    IMGroupMember,
    *messages.all,
    *group_messages.all,
)
# Not Django's introspection: on SQLite it begins a transaction that waits for whoever writes.
_UNIQUE_KEYS = {
    "sqlite": """
        SELECT k.name, c.name FROM pragma_index_list(%s) k JOIN pragma_index_info(k.name) c
        WHERE k."unique"
    """,
    "mysql": """
        SELECT index_name, column_name FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = %s AND NOT non_unique
    """,
}


def walk(report: Report) -> Iterator[list[Finding]]:
    """Look at each key."""
    for model in _MODELS:
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint):
                report.rows[Check.UNIQUE_KEYS] += 1
                yield list(_findings(model, constraint.fields))


def _findings(model: type[Model], fields: Sequence[str]) -> Iterator[Finding]:
    table = model._meta.db_table
    columns = [str(model._meta.get_field(name).column) for name in fields]  # type: ignore[union-attr]  # plain columns
    if _is_unique(table, columns):
        return
    named = f"({', '.join(columns)})"
    yield Finding(Check.UNIQUE_KEYS, f"{table} has no unique key on {named}")
    for *values, count in _duplicates(model, fields):
        text = f"{table}: {count} rows with {named} = {tuple(values)}"
        yield Finding(Check.UNIQUE_KEYS, text)


def _is_unique(table: str, columns: list[str]) -> bool:
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for key, column in select(_UNIQUE_KEYS[connection.vendor], table):
        keys[key].add(column)
    return set(columns) in keys.values()


def _duplicates(model: type[Model], fields: Sequence[str]) -> Any:  # Any: rows of such columns
    rows = model._default_manager.filter(**{f"{name}__isnull": False for name in fields})
    counted = rows.values_list(*fields).annotate(rows=Count("*")).filter(rows__gt=1)
    return counted.order_by(*fields)[:MAX_DUPLICATES]
