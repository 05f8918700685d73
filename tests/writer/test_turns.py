"""Writers of one SQLite file take turns: the message writer next, the others in order."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from im.services.groups.members import create_group
from im.sqlite.turns import Turns
from im.storage.writer.writer import Writer
from im.types import GroupType
from tests.writer.conftest import ON_SQLITE, TakeUsers
from tests.writer.store import Store, text

PATIENCE_S = 20.0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Queue:
    """Threads at a Turns; `came` is who had a turn, in order."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.turns = Turns()
        self.came: list[str] = []
        self._threads = threads
        self._done: list[Future[None]] = []

    def send(self, name: str, *, goes_first: bool = False) -> None:
        """Let somebody wait, and see that they do."""
        before = self.turns.waiting

        def come() -> None:
            assert self.turns.take(goes_first=goes_first, timeout_s=PATIENCE_S)
            self.came.append(name)
            self.turns.give_back()

        self._done.append(self._threads.submit(come))
        wait_until(lambda: self.turns.waiting > before)

    def end(self) -> list[str]:
        """Give the turn back; return who had one after that."""
        self.turns.give_back()
        for done in self._done:
            done.result()
        return self.came


def test_who_goes_first_comes_before_all_others_and_these_in_order() -> None:
    with ThreadPoolExecutor() as threads:
        queue = Queue(threads)
        assert queue.turns.take(goes_first=False, timeout_s=0)
        queue.send("ada")
        queue.send("bob")
        queue.send("writer", goes_first=True)

        assert queue.end() == ["writer", "ada", "bob"]


def test_who_waited_too_long_is_out_of_the_queue() -> None:
    turns = Turns()
    assert turns.take(goes_first=False, timeout_s=0)

    assert not turns.take(goes_first=False, timeout_s=0.01)

    assert turns.waiting == 0
    turns.give_back()
    assert turns.take(goes_first=False, timeout_s=0)


# --- transactions -------------------------------------------------------------------------------


@ON_SQLITE
def test_one_transaction_after_the_other_lets_the_writer_in_between(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    said: list[str] = []
    is_begun = threading.Event()

    def work() -> None:
        for number in range(3):
            with transaction.atomic():
                said.append(f"group {number}")
                is_begun.set()
                if number == 0:
                    wait_until(lambda: turns.waiting == 1)
        connection.close()

    turns = connection.turns  # type: ignore[attr-defined]  # our backend's
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(work)
        assert is_begun.wait(PATIENCE_S)
        [answer] = writer([text(ada, bob, "1")])
        said.append("message")
        working.result()

    assert answer is not None
    assert said.index("message") <= 2


@ON_SQLITE
def test_a_turn_ends_with_its_transaction_however_that_ends(store: Store, writer: Writer) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    with pytest.raises(OperationalError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM nowhere")
    with transaction.atomic():
        connection.close()

    assert connection.turns.take(goes_first=False, timeout_s=0)  # type: ignore[attr-defined]
    connection.turns.give_back()  # type: ignore[attr-defined]


@ON_SQLITE
def test_who_gets_no_turn_is_told_what_a_locked_file_says(store: Store, writer: Writer) -> None:
    connection.settings_dict["OPTIONS"]["timeout"] = 0.01
    connection.turns.take(goes_first=False, timeout_s=0)  # type: ignore[attr-defined]

    try:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
    finally:
        connection.turns.give_back()  # type: ignore[attr-defined]


def test_a_large_group_is_made_in_a_few_statements(
    store: Store, writer: Writer, django_assert_max_num_queries: Callable[..., object]
) -> None:
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        create_group(1, "large", "", range(1, 3001), GroupType.NORMAL)
