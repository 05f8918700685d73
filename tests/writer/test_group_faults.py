"""Groups when things happen at the same time, or go wrong at the worst moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest
from django.db import connection

from im.errors import Refused
from im.services.groups import members
from im.services.messages.memberships import membership
from im.storage.writer.writer import Writer
from im.types import GroupChange, MessageStored
from tests.proxy import Proxy, Statement
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.group_store import adopt, contents, counter, make, read_group, say, unread
from tests.writer.store import PATIENCE_S, Store

WRITERS = 3
ROUNDS = 5
MESSAGES = b"IMGroupMessage_"

T = TypeVar("T")


def _at_once(*works: Callable[[], T]) -> list[T]:
    """Run the functions in threads of their own, begun together; return what they return."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait()
        try:
            return work()
        finally:
            connection.close()  # this thread's

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


# --- at the same time -------------------------------------------------------------------------


@pytest.mark.parametrize("is_adopted", [False, True], ids=["made here", "adopted"])
def test_writers_that_meet_in_a_group_leave_no_gap(
    store: Store, writer: Writer, users: TakeUsers, is_adopted: bool
) -> None:
    ids = users(WRITERS)
    group = adopt(store, *ids) if is_adopted else make(*ids)

    def write(sender: int) -> list[int]:
        own = Writer()
        events = [
            event
            for turn in range(ROUNDS)
            for event in own([say(sender, group, f"{sender}.{turn}.{n}") for n in range(4)])
        ]
        return [event.message.msg_id for event in events if isinstance(event, MessageStored)]

    answered = _at_once(*[partial(write, sender) for sender in ids])

    everything = [*range(1, WRITERS * ROUNDS * 4 + 1)]
    assert sorted(msg_id for mine in answered for msg_id in mine) == everything
    assert [msg_id for msg_id, _ in contents(store, group)] == everything
    assert all(mine == sorted(mine) for mine in answered)
    for sender, mine in zip(ids, answered, strict=True):
        assert unread(sender, group) == everything[-1] - mine[-1]


def test_nobody_writes_after_being_taken_out(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    def take_out() -> int:
        members.change_members(ada, group, GroupChange.REMOVE, [bob])
        last, _ = counter(store, group)
        return last

    def write() -> int:
        own, last = Writer(), 0
        for _ in range(100):
            [event] = own([say(bob, group)])
            if not isinstance(event, MessageStored):
                break
            assert bob in event.receivers
            last = event.message.msg_id
        return last

    at_removal, last_written = _at_once(take_out, write)

    assert membership(bob, group) is None
    assert last_written <= at_removal
    assert len(contents(store, group)) == last_written


@ON_MARIADB
def test_changes_that_meet_at_the_lock_are_made_one_after_the_other(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo, dan = users(4)
    group = make(ada, bob)
    at_lock = threading.Barrier(2)
    have_met: set[int] = set()  # threads; the one who has the lock asks for it again

    def meet(execute: Callable[..., Any], sql: str, *args: Any) -> Any:  # Any: as Django passes it
        if sql.endswith("FOR UPDATE") and threading.get_ident() not in have_met:
            have_met.add(threading.get_ident())
            at_lock.wait(PATIENCE_S)
        return execute(sql, *args)

    def add(actor: int, user_id: int) -> bool:
        with connection.execute_wrapper(meet):
            members.change_members(actor, group, GroupChange.ADD, [user_id])
        return True

    assert _at_once(partial(add, ada, cleo), partial(add, bob, dan)) == [True, True]
    assert store.row("SELECT version, userCnt FROM IMGroup WHERE id = %s", group) == (3, 4)


@ON_MARIADB
def test_the_same_one_added_twice_at_once_is_added_once(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    group = make(ada, bob)

    def add(actor: int) -> bool:
        try:
            members.change_members(actor, group, GroupChange.ADD, [cleo])
        except Refused:
            return False
        return True

    assert sorted(_at_once(lambda: add(ada), lambda: add(bob))) == [False, True]
    assert store.row("SELECT version, userCnt FROM IMGroup WHERE id = %s", group) == (2, 3)


# --- at the worst moment ----------------------------------------------------------------------


@ON_MARIADB
def test_a_commit_whose_answer_was_lost_is_answered_and_stored_once(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    def lose_the_answer(commit: Statement) -> None:
        commit.send()
        commit.lose()

    lost = proxy.at(b"COMMIT", lose_the_answer, after=MESSAGES)

    said = writer([say(ada, group, "1"), read_group(bob, group), say(bob, group, "2")])
    writer([say(ada, group, "3")])

    assert lost.wait(PATIENCE_S)
    assert [isinstance(event, MessageStored) for event in said] == [True, False, True]
    assert contents(store, group) == [(1, "1"), (2, "2"), (3, "3")]


@ON_MARIADB
def test_a_commit_that_never_arrived_is_not_answered_and_its_repetition_stored_once(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    lost = proxy.at(b"COMMIT", Statement.lose, after=MESSAGES)

    unknown = writer([say(ada, group, "1")])
    after = contents(store, group)
    [repeated] = writer([say(ada, group, "1")])

    assert lost.wait(PATIENCE_S)
    assert (unknown, after) == ([None], [])
    assert repeated is not None
    assert contents(store, group) == [(1, "1")]


@ON_MARIADB
def test_a_commit_that_arrives_late_is_waited_for(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)

    def commit_when_somebody_looks(commit: Statement) -> None:
        commit.lose()
        store.await_lock_wait()
        commit.send()

    lost = proxy.at(b"COMMIT", commit_when_somebody_looks, after=MESSAGES)

    [answer] = writer([say(ada, group, "late")])

    assert lost.wait(PATIENCE_S)
    assert answer is not None
    assert contents(store, group) == [(1, "late")]


@ON_MARIADB
def test_a_row_that_somebody_else_wrote_at_the_same_place_is_not_taken_for_ones_own(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group = make(ada, bob)
    other = Writer()

    lost = proxy.at(b"COMMIT", Statement.lose, after=MESSAGES)
    [mine] = writer([say(ada, group, "mine")])
    [theirs] = other([say(bob, group, "theirs")])

    assert lost.wait(PATIENCE_S)
    assert mine is None
    assert theirs is not None
    assert contents(store, group) == [(1, "theirs")]
