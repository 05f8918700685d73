"""What the writer is asked to store, and what becomes of it.

Items and plans are named tuples: a million of them a minute are made.
"""

from dataclasses import dataclass
from typing import NamedTuple

from im.types import Event, Message, MessageStored, SessionType

Pair = tuple[int, int]  # user ids, the smaller first
Place = tuple[SessionType, int, int]  # kind, relation or group, message id


class ClientKey(NamedTuple):
    """What a sender's client calls a message: its repetition is stored once for ever.

    `digest` tells the message from another one that is called the same.
    """

    client_id: str
    digest: str


# --- between two ------------------------------------------------------------------------------


class NewMessage(NamedTuple):
    """A one-to-one message to be stored; valid in length and encoding."""

    sender_id: int
    receiver_id: int
    msg_type: int
    content: str
    created: int
    key: ClientKey | None = None

    @property
    def pair(self) -> Pair:
        return pair_of(self.sender_id, self.receiver_id)


class ReadMark(NamedTuple):
    """`reader_id` has read what `peer_id` wrote to him; `msg_id` is the newest id he names."""

    reader_id: int
    peer_id: int
    msg_id: int
    at: int

    @property
    def pair(self) -> Pair:
        return pair_of(self.reader_id, self.peer_id)


class Removal(NamedTuple):
    """`user_id` takes a conversation off his list, until something is said again."""

    user_id: int
    peer_id: int
    at: int

    @property
    def pair(self) -> Pair:
        return pair_of(self.user_id, self.peer_id)


SingleItem = NewMessage | ReadMark | Removal


def pair_of(one_id: int, other_id: int) -> Pair:
    """Return two user ids as the key of their conversation."""
    return (one_id, other_id) if one_id < other_id else (other_id, one_id)


# --- in groups --------------------------------------------------------------------------------


class NewGroupMessage(NamedTuple):
    """A message to a group, to be stored; valid in length and encoding."""

    sender_id: int
    group_id: int
    msg_type: int
    content: str
    created: int
    key: ClientKey | None = None

    @property
    def who(self) -> int:
        return self.sender_id


class GroupReadMark(NamedTuple):
    """`reader_id` has read his group."""

    reader_id: int
    group_id: int
    msg_id: int
    at: int

    @property
    def who(self) -> int:
        return self.reader_id


class GroupRemoval(NamedTuple):
    """`user_id` takes the group off his list, until somebody writes there again."""

    user_id: int
    group_id: int
    at: int

    @property
    def who(self) -> int:
        return self.user_id


GroupItem = NewGroupMessage | GroupReadMark | GroupRemoval

Item = SingleItem | GroupItem
AnyMessage = NewMessage | NewGroupMessage
GROUP_ITEMS = (NewGroupMessage, GroupReadMark, GroupRemoval)


# --- planned: with the place a message gets if the transaction commits ------------------------


class PlannedMessage(NamedTuple):
    """A message with the place it gets if the transaction commits."""

    relate_id: int
    receiver_id: int
    message: Message
    text: str

    @property
    def place(self) -> tuple[SessionType, int, int]:
        """Where it will stand."""
        return SessionType.SINGLE, self.relate_id, self.message.msg_id

    @property
    def event(self) -> MessageStored:
        receivers = (self.message.sender_id, self.receiver_id)
        return MessageStored(SessionType.SINGLE, self.receiver_id, self.message, receivers)


class PlannedGroupMessage(NamedTuple):
    """A group message with the place it gets if the transaction commits."""

    group_id: int
    message: Message
    text: str
    members: tuple[int, ...]

    @property
    def place(self) -> tuple[SessionType, int, int]:
        """Where it will stand."""
        return SessionType.GROUP, self.group_id, self.message.msg_id

    @property
    def event(self) -> MessageStored:
        return MessageStored(SessionType.GROUP, self.group_id, self.message, self.members)


Planned = PlannedMessage | PlannedGroupMessage


# --- what becomes of an item ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repeated:
    """A message that had been stored before, under this id; nothing happened."""

    msg_id: int


@dataclass(frozen=True, slots=True)
class Contradicted:
    """A message called like another one of the same sender's; it was not stored."""


# None: refused (unknown receiver), not storable, or not known to be stored.
Result = Event | Repeated | Contradicted | None


def result_of(plan: Planned | Result) -> Result:
    """Return what has happened once the plan is committed."""
    return plan.event if isinstance(plan, PlannedMessage | PlannedGroupMessage) else plan
