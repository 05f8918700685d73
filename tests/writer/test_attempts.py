"""What clients ask for outside the writer: the database's faults cost time, not the answer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import OperationalError, connection

from im.models import IMUser
from im.services.identity import profile
from im.storage import retry
from im.storage.retry import CommitOutcomeUnknown, in_transaction, repeated
from im.storage.writer.writer import Writer
from tests.proxy import Proxy, Statement
from tests.writer.conftest import ON_MARIADB, ON_SQLITE, TakeUsers
from tests.writer.store import PATIENCE_S, Store
from tests.writer.test_locks import DEADLOCK, FILE_LOCKED, LOCK_WAIT_TIMEOUT, told_of

DISK_FULL = 1114


def signature_of(store: Store, user_id: int) -> str:
    signature: str = store.row("SELECT sign_info FROM IMUser WHERE id = %s", user_id)[0]
    return signature


@ON_MARIADB
def test_the_victim_of_a_deadlock_is_done_whole_and_once(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    first, second = users(2)
    was_victim, is_locked = threading.Event(), threading.Event()
    runs: list[int] = []

    def sign_both() -> None:
        runs.append(1)
        profile.set_signature(first, "1")
        profile.set_signature(second, "2")

    def lock_crosswise() -> None:
        with closing(store.connect()) as other, closing(other.cursor()) as cursor:
            # Who changed more rows is no victim.
            cursor.execute("UPDATE IMUser SET salt = 'y' WHERE id > 14900")
            cursor.execute("SELECT * FROM IMUser WHERE id = %s FOR UPDATE", (second,))
            is_locked.set()
            store.await_lock_wait()
            cursor.execute("SELECT * FROM IMUser WHERE id = %s FOR UPDATE", (first,))
            assert was_victim.wait(PATIENCE_S)

    with ThreadPoolExecutor(1) as thread, told_of(DEADLOCK, was_victim.set):
        other = thread.submit(lock_crosswise)
        assert is_locked.wait(PATIENCE_S)
        in_transaction(sign_both)
        other.result(PATIENCE_S)

    assert len(runs) == 2
    assert (signature_of(store, first), signature_of(store, second)) == ("1", "2")


@ON_MARIADB
def test_a_lock_that_others_hold_too_long_is_asked_for_again(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    [ada] = users(1)
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")

    with closing(store.connect()) as other, closing(other.cursor()) as cursor:
        cursor.execute("SELECT * FROM IMUser WHERE id = %s FOR UPDATE", (ada,))
        with told_of(LOCK_WAIT_TIMEOUT, other.rollback):
            in_transaction(lambda: profile.set_signature(ada, "late"))

    assert signature_of(store, ada) == "late"


@ON_SQLITE
def test_a_locked_file_is_tried_again(store: Store, writer: Writer, users: TakeUsers) -> None:
    [ada] = users(1)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")

    with closing(store.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        with told_of(FILE_LOCKED, other.rollback):
            in_transaction(lambda: profile.set_signature(ada, "late"))

    assert signature_of(store, ada) == "late"


@ON_SQLITE
def test_a_file_that_stays_locked_fails_after_four_attempts(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    [ada] = users(1)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    seen: list[int] = []

    with closing(store.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            told_of(FILE_LOCKED, lambda: seen.append(1)),
            pytest.raises(OperationalError, match=FILE_LOCKED),
        ):
            repeated(lambda: profile.set_signature(ada, "never"))
        other.rollback()

    assert len(seen) == 4


@ON_SQLITE
def test_no_attempt_begins_when_patience_is_over(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PATIENCE_S", -1)
    runs: list[int] = []

    def locked() -> None:
        runs.append(1)
        raise OperationalError(FILE_LOCKED)

    with pytest.raises(OperationalError):
        repeated(locked)

    assert len(runs) == 1


@ON_MARIADB
def test_a_connection_lost_within_the_transaction_is_survived(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    [ada] = users(1)
    lost = proxy.at(b"UPDATE `IMUser`", Statement.lose)

    in_transaction(lambda: profile.set_signature(ada, "again"))

    assert lost.wait(PATIENCE_S)
    assert signature_of(store, ada) == "again"


@ON_MARIADB
def test_a_question_whose_connection_is_lost_is_asked_again(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    [ada] = users(1)
    lost = proxy.at(b"SELECT", Statement.lose)

    assert repeated(lambda: profile.push_shield(ada)) is False
    assert lost.wait(PATIENCE_S)


@ON_MARIADB
@pytest.mark.parametrize(
    ("is_done", "stored"), [(False, ""), (True, "once")], ids=["not done", "done"]
)
def test_a_commit_of_unknown_outcome_is_not_repeated(
    store: Store,
    writer: Writer,
    proxy: Proxy,
    users: TakeUsers,
    is_done: bool,
    stored: str,
) -> None:
    [ada] = users(1)

    def strike_and_lose(statement: Statement) -> None:
        if is_done:
            statement.send()
        statement.lose()

    struck = proxy.at(b"COMMIT", strike_and_lose, after=b"UPDATE `IMUser`")
    runs: list[int] = []

    def sign() -> None:
        runs.append(1)
        profile.set_signature(ada, "once")

    with pytest.raises(CommitOutcomeUnknown):
        in_transaction(sign)

    assert struck.wait(PATIENCE_S)
    assert len(runs) == 1
    assert signature_of(store, ada) == stored


@ON_MARIADB
def test_a_full_disk_is_not_tried_again(writer: Writer, proxy: Proxy, users: TakeUsers) -> None:
    [ada] = users(1)
    refusals = [
        proxy.at(b"UPDATE `IMUser`", lambda update: update.refuse(DISK_FULL, "full"))
        for _ in range(2)
    ]

    with pytest.raises(OperationalError):
        in_transaction(lambda: profile.set_signature(ada, "never"))

    assert [refused.is_set() for refused in refusals] == [True, False]


def test_who_loses_a_race_at_a_unique_key_tries_again(writer: Writer, users: TakeUsers) -> None:
    [ada] = users(1)
    runs: list[int] = []

    def make_or_find() -> int:
        runs.append(1)
        if len(runs) == 1:
            IMUser.objects.create(id=ada, name="x", depart_id=1, created=1, updated=1)
        return IMUser.objects.filter(id=ada).count()

    assert in_transaction(make_or_find) == 1
    assert len(runs) == 2


def test_a_fault_of_our_own_is_not_repeated(writer: Writer) -> None:
    runs: list[int] = []

    def fail() -> None:
        runs.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_transaction(fail)

    assert len(runs) == 1
