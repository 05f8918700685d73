"""Reading conversations from the tables: what is shown, in which order, and what it costs."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from im.models import Conversation, IMUser, messages
from im.services.messages import compose, history, queries
from im.services.messages.history import Opening
from im.services.messages.prefetch import Reading
from im.services.messages.unread import unread
from im.storage import chunked
from im.storage.writer.writer import Writer
from im.types import Message, MsgType, SessionType
from tests.reading import page, unread_of

pytestmark = pytest.mark.django_db

ME = 50


@pytest.fixture(autouse=True)
def _users(db: None) -> None:
    IMUser.objects.bulk_create(
        IMUser(id=user_id, name=f"u{user_id}", depart_id=1, created=1, updated=1)
        for user_id in range(1, 200)
    )


def talk(sender_id: int, receiver_id: int, *texts: str) -> None:
    """Store messages as the server does."""
    items = [
        compose.new_text(sender_id, receiver_id, MsgType.SINGLE_TEXT, text.encode())
        for text in texts
    ]
    assert None not in Writer()(items)


def read(reader_id: int, peer_id: int) -> None:
    Writer()([compose.read_mark(reader_id, SessionType.SINGLE, peer_id, 0)])


def ids(messages: list[Message]) -> list[int]:
    return [message.msg_id for message in messages]


# --- pages ------------------------------------------------------------------------------------


def test_a_page_is_newest_first_and_begins_with_the_id_named() -> None:
    talk(ME, 7, "one", "two", "three", "four")

    assert ids(page(7, ME, at_most=3)) == [4, 3, 2]
    assert ids(page(7, ME, newest_id=3, at_most=2)) == [3, 2]
    assert ids(page(7, ME, newest_id=2, at_most=9)) == [2, 1]
    assert page(7, ME, at_most=0) == []
    assert page(7, 8, at_most=9) == []


def test_a_page_has_no_more_than_the_setting_allows(settings: Settings) -> None:
    settings.IM_HISTORY_PAGE = 2
    talk(ME, 7, "one", "two", "three")

    assert ids(page(ME, 7, at_most=4294967295)) == [3, 2]


def test_hidden_rows_and_unknown_types_are_left_out() -> None:
    talk(ME, 7, "one", "two", "three", "four")
    rows = messages.for_key(Conversation.objects.get().relate_id).objects
    rows.filter(msg_id=2).update(status=1)
    rows.filter(msg_id=3).update(type=99)

    assert ids(page(ME, 7, at_most=9)) == [4, 1]


def test_conversations_of_all_shards_can_be_read() -> None:
    peers = range(100, 120)
    for peer_id in peers:
        talk(ME, peer_id, f"to {peer_id}")

    pages = [page(peer_id, ME, at_most=9) for peer_id in peers]

    assert [[message.content.decode() for message in page] for page in pages] == (
        [[f"to {peer_id}"] for peer_id in peers]
    )


def test_pages_of_many_cost_as_much_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for peer_id in range(100, 120):
        talk(ME, peer_id, "one", "two", "three")
    openings = [
        Opening(*people, newest_id, at_most)
        for peer_id in range(100, 120)
        for people in ((ME, SessionType.SINGLE, peer_id), (peer_id, SessionType.SINGLE, ME))
        for newest_id, at_most in ((0, 2), (1, 9))
    ]

    with django_assert_num_queries(2):  # relations, messages
        found = history.pages([*openings, Opening(ME, SessionType.SINGLE, 7, 0, 9)])

    assert [ids(page) for page in found] == [[3, 2], [1]] * 40 + [[]]


def test_pages_of_very_many_rows_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ROWS_TOGETHER", 5)
    for peer_id in range(100, 104):
        talk(ME, peer_id, "one", "two", "three")

    found = history.pages([Opening(ME, SessionType.SINGLE, n, 0, 2) for n in range(99, 104)])

    assert [ids(page) for page in found] == [[]] + 4 * [[3, 2]]


# --- unread -----------------------------------------------------------------------------------


def test_unread_is_in_the_order_of_the_ids_as_text() -> None:
    for peer_id in (9, 100, 20, 1, 11):
        talk(peer_id, ME, "hi")

    assert [entry.session_id for entry in unread_of(ME)] == [1, 100, 11, 20, 9]


def test_unread_counts_what_the_other_wrote_since_one_read() -> None:
    talk(7, ME, "one", "two")
    read(ME, 7)
    talk(7, ME, "three", "four", "five")
    talk(ME, 7, "mine")
    talk(99, ME, "hi")

    found = {entry.session_id: entry for entry in unread_of(ME)}

    assert {peer_id: entry.count for peer_id, entry in found.items()} == {7: 3, 99: 1}
    assert (found[7].session_type, found[7].latest.msg_id) == (SessionType.SINGLE, 6)
    assert (found[7].latest.sender_id, found[7].latest.content) == (ME, b"mine")
    assert [entry.count for entry in unread_of(7)] == [1]


def test_a_conversation_without_its_newest_message_is_left_out() -> None:
    talk(7, ME, "one")
    talk(8, ME, "one")
    lost = Conversation.objects.get(small_id=7).relate_id
    messages.for_key(lost).objects.filter(relate_id=lost).delete()

    assert [entry.session_id for entry in unread_of(ME)] == [8]


def test_no_more_conversations_are_listed_than_the_setting_allows(settings: Settings) -> None:
    settings.IM_UNREAD_SESSIONS = 3
    for peer_id in range(100, 110):
        talk(peer_id, ME, "hi")

    assert len(unread_of(ME)) == 3


def test_unread_of_many_users_costs_as_much_as_of_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for peer_id in range(100, 140):
        talk(peer_id, ME, "hi")
        talk(ME, peer_id, "hello")

    everybody = [ME, *range(100, 140)]
    with django_assert_num_queries(3):  # conversations, their messages, groups
        mine, *theirs = map(list, unread(everybody, Reading(everybody)))

    assert len(mine) == 40
    assert [[entry.session_id for entry in found] for found in theirs] == 40 * [[ME]]


def test_very_many_are_asked_for_in_parts(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(chunked, "ROWS_TOGETHER", 4)
    settings.IM_UNREAD_SESSIONS = 3
    for reader_id, authors in ((1, 5), (2, 1), (3, 4), (4, 2)):
        for peer_id in range(100, 100 + authors):
            talk(peer_id, reader_id, "hi")

    found = unread([1, 2, 3, 4, 2], Reading([1, 2, 3, 4, 2]))

    assert [len([*entries]) for entries in found] == [3, 1, 3, 2, 1]


def test_the_order_is_that_of_the_ids_whatever_clocks_have_said() -> None:
    talk(ME, 7, "one", "two", "three")
    for shard in messages.all:
        for row in shard.objects.all():
            shard.objects.filter(pk=row.pk).update(created=1_000 - row.msg_id, updated=1)

    assert ids(page(7, ME, at_most=9)) == [3, 2, 1]
    assert ids(page(7, ME, newest_id=2, at_most=9)) == [2, 1]
