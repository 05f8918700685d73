"""Talking: what may be said, and the writer's items made from it."""

import time

from im.errors import Refused
from im.storage.writer.requests import (
    GroupReadMark,
    GroupRemoval,
    NewGroupMessage,
    NewMessage,
    ReadMark,
    Removal,
)
from im.types import AUDIO_TYPES, GROUP_TYPES, SessionType

MAX_TEXT_CHARACTERS = 4096  # the content column; clients send ~4/3 of the clear text in base64


def new_text(
    sender_id: int, session_id: int, msg_type: int, content: bytes
) -> NewMessage | NewGroupMessage:
    """Return a text to a user or a group, checked and dated, for the writer.

    Raises Refused for what can't be stored as it is: nothing, too much, not UTF-8, to oneself or
    to nobody, or of another kind.  Whether the receiver exists, or the sender is in the group, is
    seen when it is stored.
    """
    if msg_type in AUDIO_TYPES:
        raise Refused("a voice message is no text")
    check_receiver(sender_id, session_id, msg_type)
    return new_message(sender_id, session_id, msg_type, _storable(content), int(time.time()))


def check_receiver(sender_id: int, session_id: int, msg_type: int) -> None:
    """Raise Refused for a message to oneself or to nobody."""
    if msg_type not in GROUP_TYPES and session_id in (0, sender_id):
        raise Refused("a message needs another user to go to")


def new_message(
    sender_id: int, session_id: int, msg_type: int, content: str, created: int
) -> NewMessage | NewGroupMessage:
    """Return a message, already checked, for the writer."""
    make = NewGroupMessage if msg_type in GROUP_TYPES else NewMessage
    return make(sender_id, session_id, msg_type, content, created)


def read_mark(
    reader_id: int, session_type: SessionType, session_id: int, msg_id: int
) -> ReadMark | GroupReadMark:
    """Return the wish to mark a conversation as read, for the writer."""
    make = ReadMark if session_type is SessionType.SINGLE else GroupReadMark
    return make(reader_id, session_id, msg_id, int(time.time()))


def removal(user_id: int, session_type: SessionType, session_id: int) -> Removal | GroupRemoval:
    """Return the wish to take a conversation off one's list, for the writer."""
    make = Removal if session_type is SessionType.SINGLE else GroupRemoval
    return make(user_id, session_id, int(time.time()))


def _storable(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        raise Refused("the text is not UTF-8") from exc
    if not 0 < len(text) <= MAX_TEXT_CHARACTERS:
        raise Refused(f"the text has {len(text)} characters, 1 to {MAX_TEXT_CHARACTERS} are stored")
    return text
