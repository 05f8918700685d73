"""Others who hold locks: the writer waits, and tries again what the database gave up."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

from django.db import OperationalError, connection

from im.storage.writer.writer import Writer
from tests.writer.conftest import ON_MARIADB, ON_SQLITE, TakeUsers
from tests.writer.store import PATIENCE_S, Store, text

# What the drivers' errors begin with.
LOCK_WAIT_TIMEOUT, DEADLOCK, FILE_LOCKED = 1205, 1213, "database is locked"


@contextmanager
def told_of(error: int | str, tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` when a statement of Django's connection fails with this error."""

    def watch(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:  # Any: as Django passes it through
        try:
            return execute(sql, params, many, context)
        except OperationalError as exc:
            if exc.args[0] == error:
                tell()
            raise

    with connection.execute_wrapper(watch):
        yield


@ON_MARIADB
def test_a_lock_that_others_hold_too_long_is_asked_for_again(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
    with closing(store.connect()) as other, closing(other.cursor()) as cursor:
        cursor.execute("SELECT * FROM im_conversation WHERE small_id = %s FOR UPDATE", (ada,))
        with told_of(LOCK_WAIT_TIMEOUT, other.rollback):
            [answer] = writer([text(ada, bob, "2")])

    assert answer is not None
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]


@ON_MARIADB
def test_the_victim_of_a_deadlock_stores_its_batch_afterwards(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    writer([text(ada, bob, "1"), text(ada, cleo, "1")])
    first, second = sorted(store.relation_ids(ada, bob) + store.relation_ids(ada, cleo))
    was_victim = threading.Event()

    def lock_crosswise() -> None:
        with closing(store.connect()) as other, closing(other.cursor()) as cursor:
            # Who changed more rows is no victim.
            cursor.execute("UPDATE IMUser SET salt = 'x' WHERE id > 14900")
            lock = "SELECT * FROM im_conversation WHERE relate_id = %s FOR UPDATE"
            cursor.execute(lock, (second,))
            is_locked.set()
            store.await_lock_wait()
            cursor.execute(lock, (first,))
            assert was_victim.wait(PATIENCE_S)

    is_locked = threading.Event()
    with ThreadPoolExecutor(1) as thread, told_of(DEADLOCK, was_victim.set):
        other = thread.submit(lock_crosswise)
        assert is_locked.wait(PATIENCE_S)
        answers = writer([text(ada, bob, "2"), text(ada, cleo, "2")])
        other.result(PATIENCE_S)

    assert was_victim.is_set()
    assert None not in answers
    assert store.contents(ada, bob) == store.contents(ada, cleo) == [(1, "1"), (2, "2")]


@ON_SQLITE
def test_a_locked_file_is_tried_again(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")

    with closing(store.connect()) as other:
        other.execute("BEGIN IMMEDIATE")
        with told_of(FILE_LOCKED, other.rollback):
            [answer] = writer([text(ada, bob, "2")])

    assert answer is not None
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
