"""Database connections of our own threads: one each, kept, and tested before it is relied on."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.core.signals import request_finished, request_started
from django.db import (
    DEFAULT_DB_ALIAS,
    close_old_connections,
    connection,
    connections,
    reset_queries,
)

P = ParamSpec("P")
T = TypeVar("T")

IDLE_S = 60.0  # servers drop idle connections after hours at the soonest, proxies after minutes

UNBOUNDED_BYTES = 2**30  # how long a statement may be where nobody says: SQLite's bound
# What our longest statements take: changes of groups with thousands of members.
ENOUGH_BYTES = 1024 * 1024

log = logging.getLogger(__name__)

_used = threading.local()
_has_warned = threading.Event()


class TooMuchAtOnce(Exception):
    """A batch makes statements that are longer than the server takes; halves of it may do."""


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


def go_first() -> None:
    """Let this thread's transactions begin before those of others, where only one can write."""
    connections[DEFAULT_DB_ALIAS].goes_first = True  # type: ignore[attr-defined]  # im.sqlite


def packet_bytes() -> int:
    """Return how long a statement this thread's server takes (max_allowed_packet).

    It is asked once per connection.
    """
    own = connections[DEFAULT_DB_ALIAS]  # every look through `connection` takes a microsecond
    if own.vendor != "mysql":
        return UNBOUNDED_BYTES
    if own.connection is None:
        own.ensure_connection()
    if getattr(_used, "measured", None) is not own.connection:
        # The driver's own cursor: it is no statement of whoever counts his.
        with own.wrap_database_errors, own.connection.cursor() as cursor:
            cursor.execute("SELECT @@max_allowed_packet")
            (_used.packet_bytes,) = cursor.fetchone()
        _used.measured = own.connection
        _warn_of(_used.packet_bytes)
    found: int = _used.packet_bytes
    return found


def check_room(count: int, bytes_each: int) -> None:
    """See that a batch's statements fit.  Raises TooMuchAtOnce if a part of it should be tried."""
    if count > 1 and count * bytes_each > packet_bytes():
        raise TooMuchAtOnce(f"{count} at once, in statements of {packet_bytes()} bytes")


def _warn_of(found_bytes: int) -> None:
    if found_bytes < ENOUGH_BYTES and not _has_warned.is_set():
        _has_warned.set()
        log.warning(
            "the database takes statements of %d bytes only (max_allowed_packet): everything is "
            "stored in smaller pieces, and what does not fit is refused; set it to %d at least",
            found_bytes,
            ENOUGH_BYTES,
        )


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
