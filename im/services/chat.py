"""Talking: what may be said, and the wishes of the writer made from it."""

import time

from im.errors import Refused
from im.services.batch import NewMessage, ReadMark
from im.types import MsgType

MAX_TEXT_CHARACTERS = 4096  # the content column; clients send ~4/3 of the clear text in base64


def new_text(sender_id: int, receiver_id: int, msg_type: int, content: bytes) -> NewMessage:
    """Return a one-to-one text, checked and dated, for the writer.

    Raises Refused for what can't be stored as it is: nothing, too much, not UTF-8, to oneself or
    to nobody, or of another kind.  Whether the receiver exists is seen when it is stored.
    """
    if msg_type != MsgType.SINGLE_TEXT:
        raise Refused(f"messages of type {msg_type} are not taken yet")
    if receiver_id == 0 or receiver_id == sender_id:
        raise Refused("a message needs another user to go to")
    return NewMessage(sender_id, receiver_id, msg_type, _storable(content), int(time.time()))


def read_mark(reader_id: int, peer_id: int, msg_id: int) -> ReadMark:
    """Return the wish to mark a one-to-one conversation as read, for the writer."""
    return ReadMark(reader_id, peer_id, msg_id, int(time.time()))


def _storable(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        raise Refused("the text is not UTF-8") from exc
    if not 0 < len(text) <= MAX_TEXT_CHARACTERS:
        raise Refused(f"the text has {len(text)} characters, 1 to {MAX_TEXT_CHARACTERS} are stored")
    return text
