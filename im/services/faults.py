"""What a database error means for the one who met it."""

from enum import Enum

from django.db import InterfaceError, OperationalError, connection


class Fault(Enum):
    """What to do about a database error."""

    RETRY = "the transaction was rolled back; the same may work now"
    LOST = "the connection or the server is gone; reopen, then retry"
    DATA = "something in the statements is wrong; repeating them won't help"


# MySQL and MariaDB: lock wait timeout, deadlock, record changed since last read.
_ROLLED_BACK = frozenset({1205, 1213, 1020})
# Too many connections, shutdown in progress, connection killed, idle or other disconnects; all
# client-side errors (2000 and up) mean that there is no connection.
_NO_SERVER = frozenset({1040, 1053, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1927, 4031})


def classify(error: Exception) -> Fault:
    """Return what `error`, raised by Django's database layer, means."""
    if isinstance(error, InterfaceError):
        return Fault.LOST
    if not isinstance(error, OperationalError):
        return Fault.DATA
    if connection.vendor == "sqlite":
        return Fault.RETRY  # locked, busy, disk full: never the statement's own fault
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    if code in _ROLLED_BACK:
        return Fault.RETRY
    if code in _NO_SERVER or code >= 2000:
        return Fault.LOST
    return Fault.DATA
