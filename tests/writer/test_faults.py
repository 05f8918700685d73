"""What the numbers of database errors mean for a batch."""

import pytest
from django.db import DataError, InterfaceError, OperationalError

from im.storage.db_errors import Fault, classify
from im.storage.writer.writer import Writer
from tests.proxy import Proxy
from tests.writer.conftest import ON_MARIADB, ON_SQLITE, TakeUsers
from tests.writer.store import Store, text

DISK_FULL = 1114


@ON_MARIADB
@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OperationalError(1213, "deadlock"), Fault.RETRY),
        (OperationalError(1205, "lock wait timeout"), Fault.RETRY),
        (OperationalError(DISK_FULL, "the table is full"), Fault.HINDERED),
        (OperationalError(1317, "interrupted"), Fault.HINDERED),
        (OperationalError(1021, "disk full"), Fault.HINDERED),
        (OperationalError(1180, "got error 28 during COMMIT"), Fault.HINDERED),
        (OperationalError(1040, "too many connections"), Fault.LOST),
        (OperationalError(1226, "the account has too many"), Fault.LOST),
        (OperationalError(1045, "access denied"), Fault.LOST),
        (OperationalError(1047, "WSREP has not yet prepared node"), Fault.LOST),
        (OperationalError(1290, "read-only"), Fault.LOST),
        (OperationalError(1836, "read-only mode"), Fault.LOST),
        (OperationalError(2002, "no socket"), Fault.LOST),
        (OperationalError(2013, "lost during query"), Fault.LOST),
        (OperationalError(4031, "idle"), Fault.LOST),
        (InterfaceError(0, ""), Fault.LOST),
        (OperationalError(1366, "incorrect string value"), Fault.DATA),
        (OperationalError(3988, "conversion impossible"), Fault.DATA),
        (OperationalError("no number"), Fault.DATA),
        (DataError(1406, "too long"), Fault.DATA),
    ],
    ids=str,
)
def test_errors_of_mysql_are_told_apart(writer: Writer, error: Exception, fault: Fault) -> None:
    assert classify(error) is fault


@ON_SQLITE
def test_no_operational_error_of_sqlite_is_an_items_fault(writer: Writer) -> None:
    assert classify(OperationalError("database is locked")) is Fault.RETRY
    assert classify(DataError("too big")) is Fault.DATA


@ON_MARIADB
def test_a_full_disk_fails_a_batch_as_a_whole_instead_of_item_by_item(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    refusals = [
        proxy.at(b"INSERT INTO `IMMessage_", lambda insert: insert.refuse(DISK_FULL, "full"))
        for _ in range(10)
    ]

    during = writer([text(ada, bob, str(n)) for n in range(8)])

    assert during == [None] * 8
    assert sum(refused.is_set() for refused in refusals) == 4  # one attempt and three more
    assert store.contents(ada, bob) == []
