"""Values every floor speaks: the protocol's numbers and the events services return.

Numbers are those of the wire and of the tables (spec names in the comments); this module knows
neither protobuf nor Django.  What each message makes is a named tuple: making a frozen dataclass
takes twice as long.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple


class ClientType(IntEnum):
    """Kind of device.  Bit 0x10 marks mobiles, 0x20 the web client (ours)."""

    WINDOWS = 0x01
    MAC = 0x02
    IOS = 0x11
    ANDROID = 0x12
    WEB = 0x21


class DeviceClass(IntFlag):
    """Devices that displace each other; one connection per user and class stays."""

    PC = 1
    MOBILE = 2
    WEB = 4
    ANY = 7

    @classmethod
    def of(cls, client_type: int) -> "DeviceClass":
        """Return the class of a ClientType number."""
        return _CLASS_OF[client_type >> 4]


_CLASS_OF = {0: DeviceClass.PC, 1: DeviceClass.MOBILE, 2: DeviceClass.WEB}


class OnlineStatus(IntEnum):
    """UserStatType of the protocol."""

    ONLINE = 1
    OFFLINE = 2
    LEAVE = 3


class SessionType(IntEnum):
    """Kind of conversation: with a user or with a group."""

    SINGLE = 1
    GROUP = 2


class MsgType(IntEnum):
    """Kind of message; bit 0x10 marks groups."""

    SINGLE_TEXT = 0x01
    SINGLE_AUDIO = 0x02
    GROUP_TEXT = 0x11
    GROUP_AUDIO = 0x12


GROUP_TYPES: frozenset[int] = frozenset({MsgType.GROUP_TEXT, MsgType.GROUP_AUDIO})
AUDIO_TYPES: frozenset[int] = frozenset({MsgType.SINGLE_AUDIO, MsgType.GROUP_AUDIO})


class GroupType(IntEnum):
    """Fixed groups are made by operators, temporary ones by clients."""

    NORMAL = 1
    TEMPORARY = 2


class GroupChange(IntEnum):
    """GroupModifyType of the protocol."""

    ADD = 1
    REMOVE = 2


class FileMode(IntEnum):
    """TransferFileType of the protocol: while both are connected, or stored until fetched."""

    ONLINE = 1
    OFFLINE = 2


class KickReason(IntEnum):
    """Why a connection was displaced."""

    DUPLICATE_USER = 1
    MOBILE_KICK = 2


class LoginResult(IntEnum):
    """ResultType of the protocol: outcome of a login or of the search for a gateway."""

    NONE = 0
    NO_MSG_SERVER = 1
    MSG_SERVER_FULL = 2
    NO_DB_SERVER = 3
    VALIDATE_FAILED = 6


class UserStatus(IntEnum):
    """IMUser.status."""

    NORMAL = 0
    PROBATION = 1
    REGULAR = 2
    LEFT = 3
    INTERN = 4


class RowStatus(IntEnum):
    """Status of sessions, departments and other rows that are hidden instead of deleted."""

    SHOWN = 0
    REMOVED = 1


@dataclass(frozen=True, slots=True)
class UserInfo:
    """One person's directory record, as clients see it."""

    user_id: int
    sex: int
    nick: str
    avatar: str
    depart_id: int
    email: str
    name: str
    phone: str
    domain: str
    status: int
    sign_info: str


@dataclass(frozen=True, slots=True)
class Department:
    """One department, as clients see it; `parent_id` 0 is the top."""

    depart_id: int
    priority: int
    name: str
    parent_id: int
    status: int


class Message(NamedTuple):
    """One stored message.  `content` is what the client sent, in tables the audio row's id."""

    msg_id: int
    sender_id: int
    created: int  # unix seconds
    msg_type: int
    content: bytes


class MessagePlace(NamedTuple):
    """Which message, on its way: `session_id` is the receiver's or the group's."""

    session_type: int
    sender_id: int
    session_id: int
    msg_id: int


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file that somebody offers to somebody; `task_id` names its transfer."""

    task_id: str
    sender_id: int
    receiver_id: int
    name: str
    size: int  # bytes


# --- events: what happened, for handlers.notices to tell the people concerned -----------------


class MessageStored(NamedTuple):
    """A message was committed.  `session_id` is the receiver or the group.

    `receivers` are all users whose devices get it, the sender among them.
    """

    session_type: SessionType
    session_id: int
    message: Message
    receivers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SessionRead:
    """`reader_id` has read a conversation; `msg_id` is what his client named."""

    reader_id: int
    session_type: SessionType
    session_id: int
    msg_id: int


@dataclass(frozen=True, slots=True)
class SessionRemoved:
    """`user_id` took a conversation off his list; not `was_shown`: it was not on it."""

    user_id: int
    session_type: SessionType
    session_id: int
    was_shown: bool


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """People were added to a group or taken out; `members` is who is in it now."""

    actor_id: int
    group_id: int
    change: GroupChange
    members: tuple[int, ...]
    changed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GroupMade:
    """A group was made by one of its members or for them."""

    actor_id: int
    group_id: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignatureChanged:
    """A user has a new signature."""

    user_id: int
    sign_info: str


@dataclass(frozen=True, slots=True)
class AvatarChanged:
    """A user has a new picture."""

    user_id: int
    avatar: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal from one user to another: typing, window shake."""

    sender_id: int
    receiver_id: int
    content: str


@dataclass(frozen=True, slots=True)
class FileOffered:
    """A file may be fetched from its sender, who is connected."""

    file: OfferedFile


@dataclass(frozen=True, slots=True)
class FileUploaded:
    """A file waits at the file server until its receiver fetches it."""

    file: OfferedFile


@dataclass(frozen=True, slots=True)
class DevicesKicked:
    """A user ends his own connections of some device classes, from his phone."""

    user_id: int
    devices: DeviceClass


@dataclass(frozen=True, slots=True)
class PcStatusTold:
    """A user's own mobiles are to know whether his PC is on."""

    user_id: int
    online: bool


@dataclass(frozen=True, slots=True)
class AccessEnded:
    """A user may not go on as he is: he left, or has a new password.  His connections end."""

    user_id: int


@dataclass(frozen=True, slots=True)
class WebSessionEnded:
    """A browser was logged out: the connections that its session began end."""

    user_id: int
    key: str


Event = (
    MessageStored
    | SessionRead
    | SessionRemoved
    | MembersChanged
    | GroupMade
    | SignatureChanged
    | AvatarChanged
    | Signal
    | FileOffered
    | FileUploaded
    | DevicesKicked
    | PcStatusTold
    | AccessEnded
    | WebSessionEnded
)
