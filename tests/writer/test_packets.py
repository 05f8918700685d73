"""A MariaDB that takes short statements only (max_allowed_packet): batches are cut to fit."""

import logging
from collections.abc import Iterator

import pytest
from django.db import connection

from im.checks import statements_fit
from im.handlers import buddy, message
from im.handlers.execution.batched_lists import ListDesk, ListQuestion
from im.services.messages.compose import MAX_TEXT_CHARACTERS
from im.services.messages.recents import Since
from im.storage import sql
from im.storage.writer.writer import Writer
from im.wire.proto import buddy_pb2, message_pb2
from tests.writer.conftest import ON_MARIADB, TakeUsers
from tests.writer.store import Store, read, text

pytestmark = ON_MARIADB

SHORT_BYTES = 16 * 1024


@pytest.fixture(autouse=True)
def _short_packets(store: Store, writer: Writer) -> Iterator[None]:
    [(usual,)] = store.rows("SELECT @@GLOBAL.max_allowed_packet")
    store.change(f"SET GLOBAL max_allowed_packet = {SHORT_BYTES}")
    connection.close()
    yield
    store.change(f"SET GLOBAL max_allowed_packet = {usual}")


@pytest.mark.parametrize("character", ["x", "'", "\\", "é", "字"])
def test_a_batch_of_the_longest_texts_is_stored_whole(
    store: Store, writer: Writer, users: TakeUsers, character: str
) -> None:
    ada, bob, *others = users(42)
    longest = character * MAX_TEXT_CHARACTERS

    answers = writer(
        [text(ada, bob, longest) for _ in range(10)] + [text(ada, who, longest) for who in others]
    )

    assert None not in answers
    assert store.contents(ada, bob) == [(number, longest) for number in range(1, 11)]


def test_many_short_texts_between_many_are_stored_and_read(
    store: Store, writer: Writer, users: TakeUsers
) -> None:
    ada, *others = users(401)

    answers = writer([text(who, ada, f"from {who}") for who in others])
    marked = writer([read(ada, who, 1) for who in others[:200]])

    assert None not in answers
    assert None not in marked
    assert writer([text(who, ada, "again") for who in others]).count(None) == 0


def test_lists_are_read_in_pieces(store: Store, writer: Writer, users: TakeUsers) -> None:
    ada, *others = users(401)
    writer([text(who, ada, f"from {who}") for who in others])

    questions = [
        ListQuestion(buddy._recent_lists, Since(ada, 0), groups_of=ada),
        *(ListQuestion(message._unread_lists, who, groups_of=who) for who in (ada, *others[:60])),
    ]
    replies = ListDesk()(questions)

    assert None not in replies
    recent, unread, *_ = replies
    assert isinstance(recent, buddy_pb2.IMRecentContactSessionRsp)
    assert isinstance(unread, message_pb2.IMUnreadMsgCntRsp)
    assert (len(recent.contact_session_list), unread.total_cnt) == (100, 400)


def test_a_text_that_is_too_long_by_itself_fails_alone_and_the_log_says_why(
    store: Store, writer: Writer, users: TakeUsers, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = users(2)

    answers = writer(
        [text(ada, bob, content) for content in ("1", "😀" * MAX_TEXT_CHARACTERS, "2")]
    )

    assert [answer is not None for answer in answers] == [True, False, True]
    [error] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "max_allowed_packet" in error.getMessage()
    assert error.exc_info is None


def test_the_check_names_what_is_too_small(writer: Writer) -> None:
    [warning] = statements_fit(None, databases=["default"])

    assert "max_allowed_packet is 16384" in warning.msg
    assert "longest messages" in warning.msg


def test_the_longest_row_is_that_of_the_longest_text() -> None:
    assert sql.LONGEST_ROW_CHARS >= MAX_TEXT_CHARACTERS + 100
