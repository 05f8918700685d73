"""A message its sender's client has a name for is stored once, however often it comes."""

import threading
from concurrent.futures import ThreadPoolExecutor

from im.storage.writer.requests import ClientKey, Contradicted, Item, NewMessage, Repeated, Result
from im.storage.writer.writer import Writer
from im.types import MessageStored
from tests.proxy import Proxy, Statement
from tests.writer import group_store
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.store import PATIENCE_S, Store, text


def named(sender_id: int, receiver_id: int, content: str, client_id: str = "m1") -> NewMessage:
    """Return a text that its sender's client calls `client_id`."""
    return text(sender_id, receiver_id, content)._replace(key=ClientKey(client_id, content))


def ids(answers: list[Result]) -> list[int]:
    """Return the message ids that answers name; 0 for those that name none."""
    return [
        answer.message.msg_id
        if isinstance(answer, MessageStored)
        else answer.msg_id
        if isinstance(answer, Repeated)
        else 0
        for answer in answers
    ]


def test_a_repetition_is_stored_once_for_ever_and_answered_with_the_first_id(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    first = writer([named(ada, bob, "hello")])
    writer([text(bob, ada, "between")])

    again = writer([named(ada, bob, "hello")])
    by_another_process = Writer()([named(ada, bob, "hello")])

    assert ids(first) == [1]
    assert again == by_another_process == [Repeated(1)]
    assert store.contents(ada, bob) == [(1, "hello"), (2, "between")]
    assert store.conversation(ada, bob).last_msg_id == 2


def test_the_same_name_for_something_else_is_refused(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    writer([named(ada, bob, "hello")])

    answers = writer([named(ada, bob, "another"), named(ada, cleo, "x"), text(ada, bob, "plain")])

    assert answers[:2] == [Contradicted(), Contradicted()]
    assert store.contents(ada, bob) == [(1, "hello"), (2, "plain")]
    assert store.contents(ada, cleo) == []


def test_two_senders_may_use_the_same_name(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)

    assert ids(writer([named(ada, bob, "1"), named(bob, ada, "2")])) == [1, 2]


def test_a_name_used_twice_in_one_batch_is_stored_once(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)

    answers = writer(
        [named(ada, bob, "hello"), named(ada, bob, "hello"), named(ada, bob, "another")]
    )

    assert ids(answers) == [1, 1, 0]
    assert answers[2] == Contradicted()
    assert store.contents(ada, bob) == [(1, "hello")]


def test_what_was_refused_may_be_sent_again_under_its_name(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    nobody = 2**32 - 1

    refused = writer([named(ada, nobody, "hello")])
    poisoned = writer([named(ada, bob, store.poison(), "m2")])

    assert refused == poisoned == [None]
    assert ids(writer([named(ada, bob, "hello"), named(ada, bob, "2", "m2")])) == [1, 2]


def test_group_messages_are_stored_once_and_share_the_names(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group_id = group_store.make(ada, bob)
    said = group_store.say(ada, group_id, "hello")._replace(key=ClientKey("m1", "hello"))

    answers = writer([said, said])
    later = writer([said, named(ada, bob, "hello, but to bob")])

    assert ids(answers) == [1, 1]
    assert later == [Repeated(1), Contradicted()]
    assert ids(writer([said])) == [1]
    assert store.contents(ada, bob) == []


def test_who_was_taken_out_of_a_group_still_hears_that_a_message_was_stored(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    group_id = group_store.make(ada, bob)
    said = group_store.say(bob, group_id)._replace(key=ClientKey("m1", "hello"))
    writer([said])
    store.change("UPDATE IMGroupMember SET status = 1 WHERE userId = %s", bob)

    assert writer([said]) == [Repeated(1)]


def _at_once(*batches: list[Item]) -> list[Result]:
    """Let as many writers, as in several processes, store their batch at the same time."""
    start = threading.Barrier(len(batches))

    def write(items: list[Item]) -> list[Result]:
        writer = Writer()  # its connection belongs to this thread
        try:
            start.wait()
            return writer(items)
        finally:
            writer.close()

    with ThreadPoolExecutor(len(batches)) as threads:
        return [answer for answers in threads.map(write, batches) for answer in answers]


def test_processes_that_get_the_same_message_at_once_store_it_once(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, *others = users(4)
    batch: list[Item] = [
        named(ada, other, f"{number} to {other}", f"{number}-{other}")
        for number in range(5)
        for other in others
    ]

    answers = _at_once(batch, batch, batch)

    for other in others:
        assert [content for _, content in store.contents(ada, other)] == [
            f"{number} to {other}" for number in range(5)
        ]
    assert ids(answers) == [number for number in range(1, 6) for _ in others] * 3


def test_processes_that_get_one_name_for_different_places_at_once_store_one(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo, dave = users(4)

    answers = _at_once([named(ada, bob, "b")], [named(ada, cleo, "c")], [named(ada, dave, "d")])

    stored = [store.contents(ada, other) for other in (bob, cleo, dave)]
    assert sum(map(len, stored)) == 1
    assert sorted(ids(answers)) == [0, 0, 1]
    assert answers.count(Contradicted()) == 2


@ON_MARIADB
def test_a_commit_whose_outcome_is_lost_leaves_the_repetition_stored_once(
    store: Store, writer: Writer, proxy: Proxy, users: TakeUsers
) -> None:
    ada, bob = users(2)

    def lose_the_answer(commit: Statement) -> None:
        commit.send()
        commit.lose()

    never_arrived = proxy.at(b"COMMIT", Statement.lose, after=b"IMMessage_")
    unknown = writer([named(ada, bob, "hello")])
    assert never_arrived.wait(PATIENCE_S)
    applied = proxy.at(b"COMMIT", lose_the_answer, after=b"IMMessage_")
    found = writer([named(ada, bob, "hello")])
    assert applied.wait(PATIENCE_S)

    again = writer([named(ada, bob, "hello")])

    assert (unknown, ids(found), again) == ([None], [1], [Repeated(1)])
    assert store.contents(ada, bob) == [(1, "hello")]
