"""Fixtures of the micro-benchmarks: the writer's own.

Files here are named bench_….py: the suite does not collect them, `make microbench` names them.
"""

from tests.writer.conftest import point_django_at, store, store_url, users, writer

__all__ = ["point_django_at", "store", "store_url", "users", "writer"]
