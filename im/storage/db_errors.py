"""What a database error means for the one who met it."""

from enum import Enum

from django.db import DatabaseError, DataError, InterfaceError, OperationalError, connection


class Fault(Enum):
    """What to do about a database error."""

    RETRY = "the transaction was rolled back; the same may work now"
    HINDERED = "the server could not, whatever the statements; it may later"
    LOST = "the connection or the server is gone; reopen, then retry"
    DATA = "something in the statements is wrong; repeating them won't help"


class Outage(Enum):
    """Why a database that people ask can't answer them, as far as it has said so."""

    CROWDED = "it has no connection left"
    READ_ONLY = "it takes no changes"
    FULL = "its disk is full"
    BUSY = "somebody else holds what is needed, for longer than we wait"
    AWAY = "it can't be reached, or is not in a state to answer"


# SQLite: no such table, a search of too many words; a statement of too many bytes.
_SQLITE_STATEMENT = frozenset({1, 18})
# MySQL and MariaDB: lock wait timeout, deadlock, record changed since last read.
_ROLLED_BACK = frozenset({1205, 1213, 1020})
# Interrupted, out of time, out of disk, memory, threads or locks: splitting a batch would only
# multiply them.
_HINDERED = frozenset(
    {1021, 1026, 1030, 1037, 1038, 1041, 1114, 1135, 1180, 1206, 1317, 1637, 1969, 3024}
)
# No longer the primary, no longer in the cluster: a new connection may lead to who is.
_WRONG_SERVER = frozenset({1047, 1290, 1792, 1836})
# Too many connections in all or for the account, shutdown, killed, idle or other disconnects.
_CROWDED = frozenset({1040, 1203, 1226})
_DISCONNECTED = frozenset({1053, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 4031})
# Not let in, or no such database: as after a failover to a server that is not ready, or is another.
_NOT_ADMITTED = frozenset({1044, 1045, 1049, 1129, 1130, 1698, 3118, 4151})
_LOST = _WRONG_SERVER | _CROWDED | _DISCONNECTED | _NOT_ADMITTED
# Of these, what people are told by a name of its own.  SQLite's numbers are below 1000.
_OUTAGES = {
    Outage.CROWDED: _CROWDED,
    Outage.READ_ONLY: frozenset({1290, 1792, 1836, 8}),
    Outage.FULL: frozenset({1021, 1026, 1114, 13}),
    Outage.BUSY: _ROLLED_BACK | frozenset({5, 6}),
}
_NO_SPACE = "error 28"  # ENOSPC, in the words of a storage engine
# Collations that don't mix, an invalid text, a text that the column's character set lacks.
_CHARACTERS = frozenset({1267, 1271, 1300, 1366, 3988})
# Client libraries' own numbers, MySQL's and MariaDB's: all mean that there is no connection.
_NO_CONNECTION = (range(2000, 3000), range(5000, 6000))


def classify(error: BaseException) -> Fault:
    """Return what `error`, raised by Django's database layer, means."""
    if isinstance(error, InterfaceError):
        return Fault.LOST
    if not isinstance(error, OperationalError):
        return Fault.DATA
    if connection.vendor == "sqlite":
        is_of_statement = _code(error) in _SQLITE_STATEMENT
        return Fault.DATA if is_of_statement else Fault.RETRY  # locked, busy, disk full
    code = _code(error)
    if code in _ROLLED_BACK:
        return Fault.RETRY
    if code in _HINDERED:
        return Fault.HINDERED
    if code in _LOST or any(code in numbers for numbers in _NO_CONNECTION):
        return Fault.LOST
    return Fault.DATA


def _code(error: BaseException) -> int:
    """Return the number of a database error, 0 if it has none."""
    number = getattr(error.__cause__, "sqlite_errorcode", None) or next(iter(error.args), 0)
    return number if isinstance(number, int) else 0


def outage(error: BaseException | None) -> Outage | None:
    """Say what keeps the database from working, if that is behind `error`; None if it is not.

    An error that was raised while another one was dealt with counts as that one.
    """
    while error is not None:
        is_of_database = isinstance(error, DatabaseError | InterfaceError)
        if is_of_database and classify(error) is not Fault.DATA:
            return _outage(error)
        error = error.__cause__ or error.__context__
    return None


def _outage(error: BaseException) -> Outage:
    code = _code(error)
    if connection.vendor == "sqlite":
        code &= 0xFF  # the rest says where it happened
    if _NO_SPACE in str(error):
        return Outage.FULL
    return next((kind for kind, codes in _OUTAGES.items() if code in codes), Outage.AWAY)


def is_of_a_value(error: Exception) -> bool:
    """Tell whether a value was too large, too long, or in characters that its column has not."""
    if isinstance(error, OperationalError):
        return _code(error) in _CHARACTERS
    return isinstance(error, OverflowError | DataError)  # the first one is of SQLite's driver


def drop_unusable_connection(error: Exception) -> None:
    """Close a connection that is dead or was left within a transaction; Django opens a new one.

    The latter happens when an error hits the switch back to autocommit.  Django would take it for
    a transaction that somebody else ends: nothing would be committed on it any more.
    """
    if classify(error) is Fault.LOST or not connection.autocommit:
        connection.close()
