"""What a PDU says, in a form that two servers can share.

Times of the recording and of the replay both become "now", task ids and ports "some …"; message
ids of the recording become those that stand for the same messages here, since the original spends
ids on messages it does not store.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message

from im.types import SessionType
from im.wire.catalog import command_of, message_class
from im.wire.pdu import Pdu
from im.wire.proto import message_pb2
from tests.replay.recording import CLOCK, recorded_pdu

TIMES = frozenset({"server_time", "create_time", "updated_time", "latest_update_time"})
MESSAGE_IDS = frozenset({"msg_id", "latest_msg_id", "msg_id_begin", "msg_id_list"})
GROUP_BIT = 0x10  # of a message type
SLACK_S = 2  # a second that began, and one to be sure
LONGEST_SHOWN = 60  # characters of a value in a complaint

_TASK_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


Conversation = tuple[int, int, int]  # session type; both users, or 0 and the group


class Place(NamedTuple):
    """The conversation that (a part of) a PDU is about, as seen by `user_id`."""

    session_type: int = SessionType.SINGLE
    user_id: int = 0
    peer_id: int = 0

    @property
    def conversation(self) -> Conversation:
        """What is the same for both sides."""
        if self.session_type == SessionType.GROUP:
            return self.session_type, 0, self.peer_id
        return (
            self.session_type,
            min(self.user_id, self.peer_id),
            max(self.user_id, self.peer_id),
        )


Meaning = Callable[[str, Any, Place], Any]  # of a field's name and value


@dataclass(frozen=True, slots=True)
class Said:
    """A PDU's header and fields.  A body that can't be read stands there as bytes."""

    command: str
    header: tuple[int, int, int, int, int]  # seq, service id, version, flag, reserved
    fields: tuple[tuple[str, Any], ...]  # path and value; Any: str, int, bytes …

    def __str__(self) -> str:
        values = " ".join(f"{path}={_short(value)}" for path, value in self.fields)
        return f"{self.command}{self.header} {values}"


class Meanings:
    """What the replay of one section has learned: when it began, which message is which."""

    def __init__(self) -> None:
        self._began = int(time.time())
        self._ids: dict[tuple[Conversation, int], int] = {}  # recorded -> ours
        self._last: dict[Conversation, int] = {}

    def of_recorded(self, pdu: Pdu) -> Said:
        """Return what a recorded PDU says, in terms of this replay."""
        return _said(pdu, self._recorded_value)

    def of_received(self, pdu: Pdu) -> Said:
        """Return what a PDU of the server under test says."""
        return _said(pdu, self._received_value)

    def learn(self, recorded: Pdu, received: Pdu) -> str | None:
        """Note that two ACKs are of the same message; say what is wrong with our id, if anything.

        Ids of a conversation have no gaps here.
        """
        theirs, ours = _acked(recorded), _acked(received)
        conversation = _place(ours, Place()).conversation
        due = self._last.get(conversation, 0) + 1
        self._ids[conversation, theirs.msg_id] = self._last[conversation] = ours.msg_id
        return None if ours.msg_id == due else f"message id {ours.msg_id} where {due} is due"

    def our_id(self, place: Place, msg_id: int) -> int:
        """Return the id that a message with this id in the recording has here."""
        return self._ids.get((place.conversation, msg_id), msg_id)

    def of_request(self, data: bytes) -> bytes:
        """Return a client's recorded PDU with the message ids of this replay."""
        pdu = recorded_pdu(data)
        message = _parsed(pdu)
        if message is None or isinstance(message, message_pb2.IMMsgData):
            return data
        place = _place(message, Place())
        for descriptor, value in message.ListFields():
            if descriptor.name == "msg_id_list":
                value[:] = [self.our_id(place, msg_id) for msg_id in value]
            elif descriptor.name in MESSAGE_IDS:
                setattr(message, descriptor.name, self.our_id(place, value))
        pdu.body = message.SerializePartialToString()
        return pdu.encode()

    def is_now(self, stamp: int) -> bool:
        """Tell whether the server under test may have read this off its clock."""
        return self._began - SLACK_S <= stamp <= int(time.time()) + SLACK_S

    def _recorded_value(self, name: str, value: Any, place: Place) -> Any:
        if name in TIMES and value in CLOCK:
            return "now"
        if name in MESSAGE_IDS:
            return self.our_id(place, value)
        return _some(name, value)

    def _received_value(self, name: str, value: Any, place: Place) -> Any:
        if name in TIMES and self.is_now(value):
            return "now"
        return _some(name, value)


def is_ack(pdu: Pdu) -> bool:
    """Tell whether this acknowledges a message."""
    return pdu.command_id == command_of(message_pb2.IMMsgDataAck)


def _acked(pdu: Pdu) -> message_pb2.IMMsgDataAck:
    return message_pb2.IMMsgDataAck.FromString(pdu.body)


def _some(name: str, value: Any) -> Any:
    if name == "task_id" and _TASK_ID.fullmatch(value):
        return "some task"
    return "some port" if name == "port" else value


def _said(pdu: Pdu, meaning: Meaning) -> Said:
    kind = message_class(pdu.command_id)
    message = _parsed(pdu)
    return Said(
        kind.__name__ if kind else f"0x{pdu.command_id:04x}",
        (pdu.seq, pdu.service_id, pdu.version, pdu.flag, pdu.reserved),
        (("body", pdu.body),) if message is None else tuple(_fields(message, "", Place(), meaning)),
    )


def _parsed(pdu: Pdu) -> Message | None:
    """Return the body as a message; None if it can't be read, or not without a loss."""
    kind = message_class(pdu.command_id)
    try:
        message = kind.FromString(pdu.body) if kind else None
    except DecodeError:
        return None
    is_whole = message is not None and message.SerializePartialToString() == pdu.body
    return message if is_whole else None


def _fields(
    message: Message, path: str, around: Place, meaning: Meaning
) -> Iterator[tuple[str, Any]]:
    place = _place(message, around)
    for descriptor, value in message.ListFields():
        for index, entry in enumerate(value if descriptor.is_repeated else [value]):
            name = f"{path}{descriptor.name}" + (f".{index}" if descriptor.is_repeated else "")
            if descriptor.message_type is None:
                yield name, meaning(descriptor.name, entry, place)
            else:
                yield name, "…"  # it is there, though it may be empty
                yield from _fields(entry, f"{name}.", place, meaning)


def _place(message: Message, around: Place) -> Place:
    """Return what a message is about; what it does not name, the one around it does."""
    named = {descriptor.name: value for descriptor, value in message.ListFields()}
    of_group = SessionType.GROUP if named.get("msg_type", 0) & GROUP_BIT else around.session_type
    return Place(
        named.get("session_type", of_group),
        named.get("user_id", named.get("from_user_id", around.user_id)),
        named.get("session_id", named.get("to_session_id", around.peer_id)),
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text)})"
