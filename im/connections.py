"""Database connections of our own threads: one each, kept, and tested before it is relied on."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries

P = ParamSpec("P")
T = TypeVar("T")

IDLE_S = 60.0  # servers drop idle connections after hours at the soonest, proxies after minutes

_used = threading.local()


def renew() -> None:
    """Make sure this thread's connection works, without asking the server each time.

    Call it before a unit of work.  A connection that had an error or was idle is tested and, if
    need be, opened anew.
    """
    now = time.monotonic()
    if connection.errors_occurred or now - getattr(_used, "at", 0.0) > IDLE_S:
        close_old_connections()
    _used.at = now


def close() -> None:
    """Close this thread's connection."""
    connection.close()


class DatabaseThreads(ThreadPoolExecutor):
    """So many threads for work that can't be repeated, each with a connection that it keeps.

    The connection is tested before the first statement of each work: what was closed meanwhile is
    opened anew.  One on which there was an error is closed: the next one may lead to another
    server.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue work for the next thread that has nothing to do."""

        def run() -> T:
            close_old_connections()  # of an idle connection it only says that it is to be tested
            try:
                return fn(*args, **kwargs)
            finally:
                reset_queries()
                if connection.errors_occurred:
                    connection.close()

        return super().submit(run)


def leave_requests_alone() -> None:
    """Let Django open and close no connections around requests: DatabaseThreads do."""
    request_started.disconnect(reset_queries)
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
