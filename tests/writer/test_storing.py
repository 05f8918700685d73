"""What the writer stores: ids, both sides' sessions, what is unread."""

from im.storage.writer.writer import Writer
from im.types import Message, MessageStored, SessionRead, SessionType
from tests.writer.conftest import TakeUsers
from tests.writer.store import NOW, Store, read, text


def test_ids_count_up_per_conversation_in_the_order_of_arrival(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob, cleo = users(3)

    writer([text(ada, bob, "1"), text(ada, cleo, "1"), text(bob, ada, "2"), text(ada, bob, "3")])
    writer([text(cleo, ada, "2"), text(bob, ada, "4")])

    assert store.messages(ada, bob) == [(1, ada, "1"), (2, bob, "2"), (3, ada, "3"), (4, bob, "4")]
    assert store.messages(ada, cleo) == [(1, ada, "1"), (2, cleo, "2")]


def test_texts_are_stored_as_they_are_however_many_and_long(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    awkward = ["100 %", "%s %d %%", "'); --", '"', "\\", "\0", "", "你好 👋", "{0}", "?"]
    texts = [sample + "…" * length for length in (0, 1_000, 4_000) for sample in awkward]

    writer([text(ada, bob, content) for content in texts])

    assert store.contents(ada, bob) == list(enumerate(texts, 1))


def test_every_item_gets_its_own_answer(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, bob = users(2)

    answers = writer([text(ada, bob, "hé 你好"), read(bob, ada, 1), text(bob, ada, "two", NOW + 1)])

    assert answers == [
        MessageStored(
            SessionType.SINGLE, bob, Message(1, ada, NOW, 1, "hé 你好".encode()), (ada, bob)
        ),
        SessionRead(bob, SessionType.SINGLE, ada, 1),
        MessageStored(SessionType.SINGLE, ada, Message(2, bob, NOW + 1, 1, b"two"), (bob, ada)),
    ]


def test_a_message_brings_up_the_session_of_both_sides(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob, created=NOW)])

    writer([text(ada, bob, created=NOW + 5), text(bob, ada, created=NOW + 7)])

    for owner, peer in ((ada, bob), (bob, ada)):
        assert [(s.status, s.updated) for s in store.sessions(owner, peer)] == [(0, NOW + 7)]


def test_a_removed_session_comes_back_with_the_next_message(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    writer([text(ada, bob)])
    [before] = store.sessions(bob, ada)
    store.change("UPDATE IMRecentSession SET status = 1 WHERE userId = %s", bob)

    writer([text(ada, bob)])

    assert store.sessions(bob, ada) == [before]
    assert before.status == 0


def test_a_relation_that_was_removed_comes_back_with_the_next_message(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    relate_id = store.add_relation(ada, bob, status=1)

    [stored] = writer([text(ada, bob)])

    assert stored is not None
    status, updated = store.row(
        "SELECT status, updated FROM IMRelationShip WHERE id = %s", relate_id
    )
    assert (status, updated) == (0, NOW)


def test_unread_is_what_the_other_side_sent_since_one_read(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    small, big = users(2)

    writer([text(big, small), text(big, small), text(small, big), text(big, small)])

    conversation = store.conversation(small, big)
    assert (conversation.unread_small, conversation.unread_big) == (3, 1)


def test_a_read_mark_clears_the_whole_count_of_the_reader_only(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    small, big = users(2)
    writer([text(big, small), text(big, small), text(small, big)])

    writer([read(small, big, 1), text(big, small)])

    conversation = store.conversation(small, big)
    assert (conversation.unread_small, conversation.unread_big) == (1, 1)
    assert (conversation.read_small, conversation.read_big) == (1, 0)


def test_the_read_position_only_moves_forward(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    small, big = users(2)
    writer([text(big, small) for _ in range(5)])
    writer([read(small, big, 4, at=NOW + 1)])

    writer([read(small, big, 2, at=NOW + 9)])

    conversation = store.conversation(small, big)
    assert (conversation.read_small, conversation.read_at_small) == (4, NOW + 1)


def test_the_read_position_stops_at_the_last_message(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    small, big = users(2)
    writer([text(big, small) for _ in range(3)])

    writer([read(small, big, 2**32 - 1), read(big, small, 2**32 - 1)])

    conversation = store.conversation(small, big)
    assert (conversation.read_small, conversation.read_big) == (3, 3)


def test_reading_where_nobody_ever_wrote_leaves_no_rows(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)

    [answer] = writer([read(ada, bob, 7)])

    assert answer == SessionRead(ada, SessionType.SINGLE, bob, 7)
    assert store.relation_ids(ada, bob) == []


def test_a_message_to_nobody_is_refused_and_the_rest_of_the_batch_stored(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    nobody = 2**32 - 1

    answers = writer([text(ada, bob, "1"), text(ada, nobody), text(ada, bob, "2")])

    assert [answer is not None for answer in answers] == [True, False, True]
    assert store.contents(ada, bob) == [(1, "1"), (2, "2")]
    assert store.relation_ids(ada, nobody) == []
    assert store.sessions(ada, nobody) == []


def test_an_adopted_conversation_goes_on_behind_its_highest_id(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    relate_id = store.add_relation(ada, bob)
    for msg_id in (1, 3, 7):  # ids the original spent on messages it never stored
        store.add_message(relate_id, msg_id, ada, bob)

    writer([text(bob, ada, "new"), text(ada, bob, "newer")])

    conversation = store.conversation(ada, bob)
    assert store.contents(ada, bob)[-3:] == [(7, "old"), (8, "new"), (9, "newer")]
    assert (conversation.relate_id, conversation.last_msg_id) == (relate_id, 9)
    assert conversation.dense_from == 8
    assert (conversation.unread_small, conversation.unread_big) == (1, 1)


def test_reading_in_an_adopted_conversation_makes_its_row(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, bob = users(2)
    store.add_message(store.add_relation(ada, bob), 4, bob, ada)

    writer([read(ada, bob, 4)])

    conversation = store.conversation(ada, bob)
    assert (conversation.last_msg_id, conversation.read_small) == (4, 4)
