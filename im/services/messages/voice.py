"""Voice messages: the sound is a small file, its row's id is what stands in the message.

What a client sends is a duration, four bytes, and the sound; what it gets back is the same.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from im.errors import Refused
from im.models import IMAudio
from im.services.media import small_files, uploads
from im.services.messages import compose
from im.storage.writer.requests import NewGroupMessage, NewMessage
from im.types import AUDIO_TYPES, Message

DURATION_BYTES = 4  # seconds, big-endian
SUFFIX = ".voice"  # of files that belong to one message alone; im.services.messages.orphaned_voice
REPLY_BYTES = 2 * 1024 * 1024  # of voice in one page; a minute is some 60 KiB
_MAX_ID_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice message to a user or a group, valid but nowhere stored."""

    sender_id: int
    session_id: int
    msg_type: int
    content: bytes
    created: int


def new_voice(sender_id: int, session_id: int, msg_type: int, content: bytes) -> Voice:
    """Return a voice message, checked and dated.

    Raises Refused for what is no sound or too long, and for whom texts are refused, too.
    """
    compose.check_receiver(sender_id, session_id, msg_type)
    longest = DURATION_BYTES + settings.IM_VOICE_BYTES
    if not DURATION_BYTES < len(content) <= longest:
        raise Refused(f"a voice message has {DURATION_BYTES + 1} to {longest} bytes")
    return Voice(sender_id, session_id, msg_type, content, int(time.time()))


def store(voice: Voice) -> NewMessage | NewGroupMessage:
    """Store the sound of a message, then return the message for the writer.

    Call it in a thread and outside a transaction.  If the message is not stored after all, what is
    left of it harms nobody until im.services.messages.orphaned_voice takes it away.  Raises Refused
    where the disk is full, or the sender has uploaded too much today.
    """
    duration, sound = voice.content[:DURATION_BYTES], voice.content[DURATION_BYTES:]
    uploads.check_room(len(sound))
    uploads.charge(len(sound), uploads.limit_of_person(voice.sender_id))
    row = IMAudio.objects.create(
        from_id=voice.sender_id,
        to_id=voice.session_id,
        path=small_files.store_own(sound, SUFFIX),
        size=len(sound),
        duration=int.from_bytes(duration, "big"),
        created=voice.created,
    )
    return compose.new_message(
        voice.sender_id, voice.session_id, voice.msg_type, str(row.id), voice.created
    )


def sound(voice_id: int) -> bytes | None:
    """Return the sound of a voice message; None where it is not here."""
    row = IMAudio.objects.filter(pk=voice_id).first()
    return small_files.read(row.path or "") if row else None


def as_sent(messages: list[Message]) -> list[Message]:
    """Return a page of messages with the voice among them as it was sent.

    The page ends early when there is more of it than REPLY_BYTES: the rest can be asked for.
    """
    rows = _rows(message for message in messages if message.msg_type in AUDIO_TYPES)
    page: list[Message] = []
    room = REPLY_BYTES
    for message in messages:
        row = rows.get(message.content) if message.msg_type in AUDIO_TYPES else None
        if row is not None:
            room -= row.size
            if room < 0 and page:
                break
            message = message._replace(content=_content(row) or message.content)
        page.append(message)
    return page


def _rows(messages: Iterable[Message]) -> dict[bytes, IMAudio]:
    """Return the rows of voice messages, by what stands in the messages."""
    ids = {
        int(message.content)
        for message in messages
        if message.content.isdigit() and len(message.content) <= _MAX_ID_DIGITS
    }
    if not ids:
        return {}
    return {b"%d" % row.id: row for row in IMAudio.objects.filter(id__in=ids)}


def _content(row: IMAudio) -> bytes | None:
    """Return what was sent; None if it is not here, and clients get the id as in the original.

    Adopted rows may name a file on another server, by URL.  It is not fetched: an answer that
    waits for somebody else's server, or asks any address a row names, does more harm than a
    message that can't be played.
    """
    sound = small_files.read(row.path or "")
    if sound is None or len(sound) != row.size:
        return None
    return row.duration.to_bytes(DURATION_BYTES, "big") + sound
