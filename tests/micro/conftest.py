"""Fixtures of the micro-benchmarks: the writer's own.

Files here are named bench_….py: the suite does not collect them, `make microbench` names them.
"""

from tests.writer.conftest import (
    mariadb_store_url,
    point_django_at,
    sqlite_store_url,
    store,
    store_url,
    users,
    writer,
)

__all__ = [
    "mariadb_store_url",
    "point_django_at",
    "sqlite_store_url",
    "store",
    "store_url",
    "users",
    "writer",
]
