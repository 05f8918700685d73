"""What the database refuses, and what the writer remembers of rows that are gone."""

from im.storage.writer.writer import Writer
from tests.writer.conftest import TakeUsers
from tests.writer.store import Store, read, text


def test_an_item_that_the_database_refuses_fails_alone(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    poison = store.poison()

    answers = writer(
        [
            text(ada, bob, "1"),
            text(ada, cleo, "1"),
            text(ada, bob, poison),
            read(bob, ada, 1),
            text(ada, bob, "2"),
        ]
    )

    assert [answer is not None for answer in answers] == [True, True, False, True, True]
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
    assert store.contents(ada, cleo) == [(1, "1")]
    assert store.conversation(ada, bob).unread_big == 1


def test_an_item_refused_in_any_shard_fails_alone(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, *others = users(17)
    writer([text(ada, other, "first") for other in others])
    poison = store.poison()

    for refused in others:
        answers = writer([text(ada, n, poison if n == refused else "more") for n in others])
        assert [answer is None for answer in answers] == [n == refused for n in others]

    for other in others:
        told = [content for _, content in store.contents(ada, other)]
        assert told == ["first"] + ["more"] * (len(others) - 1)


def test_an_item_that_no_statement_can_be_made_of_fails_alone(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)

    answers = writer([text(ada, bob, "1"), text(ada, bob, "\ud800"), text(ada, bob, "2")])

    assert [answer is not None for answer in answers] == [True, False, True]
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]


def test_several_refused_items_leave_no_gap(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)
    poison = store.poison()

    answers = writer([text(ada, bob, poison if n % 3 == 0 else str(n)) for n in range(10)])

    assert [answer is None for answer in answers] == [n % 3 == 0 for n in range(10)]
    assert store.contents(ada, bob) == [
        (1, "1"), (2, "2"), (3, "4"), (4, "5"), (5, "7"), (6, "8"),
    ]  # fmt: skip


def test_a_batch_that_was_rolled_back_leaves_nothing_known(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)
    writer([text(ada, bob, store.poison())])  # its rows may be the next one's under the same ids

    writer([text(ada, cleo, "to cleo")])
    writer([text(ada, bob, "to bob")])

    assert store.contents(ada, cleo) == [(1, "to cleo")]
    assert store.contents(ada, bob) == [(1, "to bob")]
    assert len(store.sessions(ada, bob)) == len(store.sessions(bob, ada)) == 1


def test_sessions_deleted_behind_the_writers_back_are_made_again(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    store.change("DELETE FROM IMRecentSession WHERE userId IN (%s, %s)", ada, bob)

    writer([text(ada, bob, "2")])

    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
    assert len(store.sessions(ada, bob)) == len(store.sessions(bob, ada)) == 1


def test_a_conversation_row_deleted_behind_the_writers_back_is_made_again(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, "1")])
    store.change("DELETE FROM im_conversation WHERE small_id = %s", ada)

    writer([text(ada, bob, "2")])

    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
    assert store.conversation(ada, bob).dense_from == 2


def test_a_relation_whose_id_went_to_others_is_not_written_to(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    # A database that lost its last seconds, or was restored, gives ids out a second time.
    ada, bob, cleo, dan = users(4)
    writer([text(ada, bob, "between ada and bob")])
    store.change(
        "UPDATE IMRelationShip SET smallId = %s, bigId = %s WHERE smallId = %s", cleo, dan, ada
    )
    store.change(
        "UPDATE im_conversation SET small_id = %s, big_id = %s WHERE small_id = %s", cleo, dan, ada
    )

    writer([text(bob, ada, "secret")])

    assert store.contents(ada, bob) == [(1, "secret")]
    assert [content for _, content in store.contents(cleo, dan)] == ["between ada and bob"]


def test_a_conversation_that_contradicts_its_relation_fails_alone(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo, dan = users(4)
    writer([text(ada, bob)])
    store.change("UPDATE im_conversation SET small_id = %s WHERE small_id = %s", cleo, ada)

    answers = writer([text(ada, bob), text(cleo, dan, "fine")])

    assert [answer is not None for answer in answers] == [False, True]
    assert store.contents(cleo, dan) == [(1, "fine")]
