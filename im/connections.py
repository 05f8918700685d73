"""Database connections of our own threads.

Django renews connections between HTTP requests; threads that work for the gateway do it here.
"""

import threading
import time

from django.db import close_old_connections, connection

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
