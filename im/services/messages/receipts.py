"""Where a message went, as the tables tell: when it was stored, and who has read it."""

from dataclasses import dataclass

from django.db.models import F, Q

from im.models import Conversation, GroupPosition, IMGroupMember, group_messages, messages
from im.types import MessagePlace, RowStatus, SessionType

MOST_READERS = 200  # listed; the number of all is told


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody whom a message was for.  `read_at` is unix seconds, 0 where it is not known.

    It is exact where his position still is at this message; where he has read on since, it is when
    he last did, so that he has read this one by then.
    """

    user_id: int
    has_read: bool
    read_at: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A stored message and its readers, those who have read it first; `readers_in_all` of them."""

    place: MessagePlace
    stored: int  # unix seconds
    readers: tuple[Reader, ...]
    readers_in_all: int
    have_read: int


def whereabouts(session_type: SessionType, conversation_id: int, msg_id: int) -> Whereabouts | None:
    """Return where a message of a relation or group went; None if there is no such message."""
    if session_type is SessionType.GROUP:
        return _of_group(conversation_id, msg_id)
    return _of_two(conversation_id, msg_id)


def _of_two(relate_id: int, msg_id: int) -> Whereabouts | None:
    rows = messages.for_key(relate_id).objects.filter(relate_id=relate_id, msg_id=msg_id)
    row = rows.values_list("from_id", "to_id", "created").first()
    if row is None:
        return None
    sender_id, receiver_id, created = row
    conversation = Conversation.objects.filter(relate_id=relate_id).first()
    reader = Reader(receiver_id, False, 0, False)
    if conversation is not None:
        is_small = receiver_id == conversation.small_id
        position, at = (
            (conversation.read_msg_id_small, conversation.read_at_small)
            if is_small
            else (conversation.read_msg_id_big, conversation.read_at_big)
        )
        if position >= msg_id:
            reader = Reader(receiver_id, True, at, position == msg_id)
    place = MessagePlace(SessionType.SINGLE, sender_id, receiver_id, msg_id)
    return Whereabouts(place, created, (reader,), 1, int(reader.has_read))


def _of_group(group_id: int, msg_id: int) -> Whereabouts | None:
    rows = group_messages.for_key(group_id).objects.filter(group_id=group_id, msg_id=msg_id)
    row = rows.values_list("user_id", "created").first()
    if row is None:
        return None
    sender_id, created = row
    members = IMGroupMember.objects.filter(group_id=group_id, status=RowStatus.SHOWN)
    ids = set(members.exclude(user_id=sender_id).values_list("user_id", flat=True))
    positions = GroupPosition.objects.filter(group_id=group_id)
    ids -= set(positions.filter(joined_msg_id__gte=msg_id).values_list("user_id", flat=True))
    have_read = positions.filter(Q(read_msg_id__gte=msg_id) & Q(read_msg_id__gt=F("joined_msg_id")))
    read = {
        user_id: Reader(user_id, True, at, position == msg_id)
        for user_id, position, at in have_read.values_list("user_id", "read_msg_id", "read_at")
        if user_id in ids
    }
    first = sorted(read.values(), key=lambda reader: (reader.read_at, reader.user_id))
    rest = [Reader(user_id, False, 0, False) for user_id in sorted(ids - read.keys())]
    readers = (*first, *rest)[:MOST_READERS]
    place = MessagePlace(SessionType.GROUP, sender_id, group_id, msg_id)
    return Whereabouts(place, created, readers, len(ids), len(read))
