"""Connections that break at the worst moments: nothing stored twice, no claim that is not true."""

import threading

import pytest

from im.storage.writer.writer import Writer
from tests.proxy import Proxy, Statement
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.store import PATIENCE_S, Store, text

pytestmark = ON_MARIADB

MESSAGES = b"IMMessage_"  # in the transactions that are meant


def test_a_connection_lost_within_the_transaction_is_survived(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    lost = proxy.at(b"INSERT INTO `IMMessage_", Statement.lose)

    [answer] = writer([text(ada, bob, "1")])

    assert lost.wait(PATIENCE_S)
    assert answer is not None
    assert store.contents(ada, bob) == [(1, "1")]


def test_an_idle_connection_that_the_server_closed_is_survived(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    proxy.go_down()
    proxy.come_up()

    writer([text(ada, bob, "2")])

    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]


def test_a_commit_that_never_arrived_is_not_answered_and_its_repetition_stored_once(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)
    lost = proxy.at(b"COMMIT", Statement.lose, after=MESSAGES)

    unknown = writer([text(ada, bob, "1")])
    after = store.contents(ada, bob)
    repeated = writer([text(ada, bob, "1")])

    assert lost.wait(PATIENCE_S)
    assert (unknown, after) == ([None], [])
    assert repeated[0] is not None
    assert store.contents(ada, bob) == [(1, "1")]


def test_a_commit_whose_answer_was_lost_is_answered_and_stored_once(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)

    def lose_the_answer(commit: Statement) -> None:
        commit.send()
        commit.lose()

    lost = proxy.at(b"COMMIT", lose_the_answer, after=MESSAGES)

    answers = writer([text(ada, bob, "1"), text(bob, ada, "2")])
    writer([text(ada, bob, "3")])

    assert lost.wait(PATIENCE_S)
    assert None not in answers
    assert store.contents(ada, bob) == [(1, "1"), (2, "2"), (3, "3")]


@pytest.mark.parametrize("is_new", [False, True], ids=["known pair", "new pair"])
def test_a_commit_that_arrives_late_is_waited_for(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers, is_new: bool
) -> None:
    ada, bob = users(2)
    before = [] if is_new else [(1, "before")]
    writer([text(ada, bob, content) for _, content in before])

    def commit_when_somebody_looks(commit: Statement) -> None:
        commit.lose()
        store.await_lock_wait()
        commit.send()

    lost = proxy.at(b"COMMIT", commit_when_somebody_looks, after=MESSAGES)

    [answer] = writer([text(ada, bob, "late")])

    assert lost.wait(PATIENCE_S)
    assert answer is not None
    assert store.contents(ada, bob) == [*before, (len(before) + 1, "late")]


def test_a_server_that_is_away_after_a_commit_is_asked_when_it_is_back(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)

    def go_away(commit: Statement) -> None:
        commit.send()
        proxy.go_down()
        threading.Timer(0.3, proxy.come_up).start()

    lost = proxy.at(b"COMMIT", go_away, after=MESSAGES)

    [answer] = writer([text(ada, bob, "1")])

    assert lost.wait(PATIENCE_S)
    assert answer is not None
    assert store.contents(ada, bob) == [(1, "1")]


def test_what_one_half_of_a_batch_stored_is_answered_though_the_other_half_met_an_outage(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)

    def go_down_soon(commit: Statement) -> None:
        proxy.at(b"INSERT INTO `IMMessage_", lambda insert: proxy.go_down())
        commit.answer(commit.send())

    halved = proxy.at(b"COMMIT", go_down_soon, after=MESSAGES)

    answers = writer([text(ada, bob, content) for content in ("1", "2", store.poison(), "3")])

    assert halved.wait(PATIENCE_S)
    assert [answer is not None for answer in answers] == [True, True, False, False]
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]


def test_a_connection_left_within_a_transaction_is_not_used_again(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    # Django takes such a connection for one whose transactions others end: it never commits.
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    interrupted = proxy.at(
        b"SET autocommit=1", lambda statement: statement.refuse(1317, "interrupted")
    )
    writer([text(ada, bob, store.poison())])

    [answer] = writer([text(ada, bob, "2")])

    assert interrupted.wait(PATIENCE_S)
    assert answer is not None
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
