"""What may be said: the rules every text passes before it is stored."""

import time

import pytest

from im.errors import Refused
from im.services.messages import compose
from im.storage.writer.requests import NewMessage, ReadMark
from im.types import MsgType, SessionType

ADA, BOB = 1, 2


def test_a_text_is_dated_and_keeps_its_words() -> None:
    before = int(time.time())

    item = compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, "héllo 语 😀".encode())

    assert isinstance(item, NewMessage)
    assert (item.sender_id, item.receiver_id, item.content) == (ADA, BOB, "héllo 语 😀")
    assert before <= item.created <= time.time()


@pytest.mark.parametrize("character", ["x", "语", "😀"])
def test_characters_are_counted_not_bytes(character: str) -> None:
    fits, too_long = (character * count for count in (4096, 4097))

    assert compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, fits.encode()).content == fits
    with pytest.raises(Refused):
        compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, too_long.encode())


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"ok\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"]
)
def test_what_is_not_text_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, content)


@pytest.mark.parametrize("receiver_id", [0, ADA])
def test_a_text_needs_somebody_else_to_go_to(receiver_id: int) -> None:
    with pytest.raises(Refused):
        compose.new_text(ADA, receiver_id, MsgType.SINGLE_TEXT, b"hi")


def test_a_refusal_does_not_quote_the_text() -> None:
    with pytest.raises(Refused) as refusal:
        compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, b"secret \xff")

    assert "secret" not in str(refusal.value)


def test_both_directions_are_one_conversation() -> None:
    there = compose.new_text(ADA, BOB, MsgType.SINGLE_TEXT, b"hi")
    back = compose.new_text(BOB, ADA, MsgType.SINGLE_TEXT, b"hi")
    mark = compose.read_mark(BOB, SessionType.SINGLE, ADA, 1)

    assert isinstance(there, NewMessage)
    assert isinstance(back, NewMessage)
    assert isinstance(mark, ReadMark)
    assert there.pair == back.pair == mark.pair == (ADA, BOB)
