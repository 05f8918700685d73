"""The live connections of this process, and who of them gets what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count
from sys import intern
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from django.conf import settings

from im.delivery.local.push_trace import Trace
from im.delivery.local.unacked import UnackedDeliveries
from im.networks import home_of
from im.peer_log import address_of
from im.types import DeviceClass, MessagePlace
from im.wire.pdu import Pdu

if TYPE_CHECKING:
    from im.delivery.node import Node


class Door(Enum):
    """The port a connection came in by; each has its own commands."""

    CLIENT = "client"
    LOGIN_SERVER = "login server"


class Link(Protocol):
    """The transport under a session: TCP or WebSocket.  All calls belong on the loop."""

    def take(self) -> Pdu | None:
        """Return the next PDU of what has come, None if there is none that is whole.

        What can't be understood closes the connection.
        """

    def send(self, data: bytes) -> None:
        """Queue encoded PDUs; what one turn of the loop queues leaves in one write."""

    def send_shared(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Queue the pieces of PDUs that hold one long list, which other connections share."""

    def pause(self, is_paused: bool) -> None:
        """Stop or go on reading, so that a fast sender waits instead of being buffered."""

    def close(self, *, grace_s: float = 0) -> None:
        """Stop reading now; close when the queue is written and `grace_s` has passed."""

    def refuse(self, command_id: int, seq: int, why: str) -> None:
        """Tell that a command was not done, where the transport has words for it; TCP has none."""

    @property
    def local_host(self) -> str:
        """Our own address that the client has connected to; "" where nobody asks."""

    @property
    def peer(self) -> str:
        """The other end's address, for the log."""


class Session:
    """One live connection.  `user_id` is 0 until its login was accepted.

    `heard_at` is the loop's time when it connected, logged in or last sent something.
    `client_type` is what the login says, or, where a transport is one kind of client's, set before.
    """

    __slots__ = (
        "_network", "access_key", "client_type", "device", "door", "epoch", "heard_at", "id",
        "is_closed", "is_leaving", "link", "login_begun", "node", "user_id", "web_session",
    )  # fmt: skip

    _ids = count(1)

    def __init__(self, node: "Node", link: Link, *, door: Door, heard_at: float) -> None:
        self.id = next(self._ids)
        self.node = node
        self.link = link
        self.door = door
        self.heard_at = heard_at
        self.user_id = 0
        self._network = ""
        self.client_type = 0
        self.device = DeviceClass.PC
        self.access_key = 0  # of the password that let him in
        self.web_session = ""  # the key of the browser's session that it began with
        self.epoch = 0  # microseconds; of two logins of one class the later one stays
        self.login_begun = False  # one attempt per connection, as in the original
        self.is_leaving = False  # kicked, refused or logged out: no further command is taken
        self.is_closed = False

    def __repr__(self) -> str:
        kind = f"type 0x{self.client_type:02x}"
        return f"<session {self.id} user {self.user_id} {kind} {self.link.peer}>"

    @property
    def whose(self) -> str:
        """Whose lines are counted together in the log: a user's, or those from an address."""
        return f"user {self.user_id}" if self.user_id else address_of(self.link.peer)

    @property
    def network(self) -> str:
        """The network it comes from, as `home_of` returns it."""
        if not self._network:
            self._network = intern(home_of(self.link.peer))  # of an office there are many
        return self._network

    def send(self, data: bytes) -> None:
        """Queue encoded PDUs for this connection."""
        self.link.send(data)

    def send_shared(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Queue the pieces of PDUs that hold one long list, which other connections share."""
        self.link.send_shared(pieces)

    def leave(self, *, grace_s: float = 0) -> None:
        """Take no further command and close once everything queued is written."""
        self.is_leaving = True
        self.link.close(grace_s=grace_s)


class Delivery(NamedTuple):
    """One encoded PDU and whom it is for: the users' connections of the given device classes.

    `user_ids` None means everybody.  The connection that caused it is told as well if `to_author`.
    `message`, (author, id), marks what clients acknowledge; `place` is what the trace remembers.
    """

    pdu: bytes
    user_ids: tuple[int, ...] | None
    devices: DeviceClass = DeviceClass.ANY
    to_author: bool = False
    message: tuple[int, int] | None = None
    place: MessagePlace | None = None

    def plain(self) -> tuple[Any, ...]:
        """Return it as plain values, for the bus."""
        return self.pdu, self.user_ids, int(self.devices), self.message, self.place

    @classmethod
    def from_plain(
        cls, pdu: bytes, user_ids: Any, devices: int, message: Any, place: Any
    ) -> "Delivery":
        """Return the delivery that `plain` made these of; the bus turns tuples into lists."""
        return cls(
            pdu,
            None if user_ids is None else tuple(user_ids),
            DeviceClass(devices),
            message=None if message is None else tuple(message),
            place=None if place is None else MessagePlace(*place),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a user's connections of the given device classes, after a last PDU.

    With `web_session`, only of those that this browser's session began.
    """

    user_id: int
    devices: DeviceClass = DeviceClass.ANY
    last_words: bytes = b""
    web_session: str = ""

    def is_of(self, session: Session) -> bool:
        """Tell whether this connection of the user ends."""
        if self.web_session and session.web_session != self.web_session:
            return False
        return session.device in self.devices

    def plain(self) -> tuple[Any, ...]:
        """Return it as plain values, for the bus."""
        return self.user_id, int(self.devices), self.last_words, self.web_session

    @classmethod
    def from_plain(
        cls, user_id: int, devices: int, last_words: bytes, web_session: str = ""
    ) -> "Ending":
        """Return the ending that `plain` made these of, in this release or the one before."""
        return cls(user_id, DeviceClass(devices), last_words, web_session)


class Sessions:
    """Logged-in sessions by user.  A session is in here from `bind` to `unbind`."""

    def __init__(self, unacked: UnackedDeliveries) -> None:
        self.unacked = unacked
        self.trace = Trace(settings.IM_TRACE_ITEMS)
        self._by_user: dict[int, list[Session]] = {}
        self._people_at: dict[str, int] = {}  # users by network

    def __len__(self) -> int:
        return sum(map(len, self._by_user.values()))

    def of_user(self, user_id: int) -> list[Session]:
        """Return the user's sessions, oldest first; a copy."""
        return list(self._by_user.get(user_id, ()))

    def has(self, user_id: int) -> bool:
        """Tell whether the user has a session here."""
        return user_id in self._by_user

    def has_session(self, session: Session) -> bool:
        """Tell whether this session is in here."""
        return session in self._by_user.get(session.user_id, ())

    def users(self) -> Iterable[int]:
        """Return the ids of the users who have a session here."""
        return self._by_user.keys()

    def all(self) -> list[Session]:
        """Return every logged-in session."""
        return [session for sessions in self._by_user.values() for session in sessions]

    def bind(self, session: Session, user_id: int, client_type: int) -> list[Session]:
        """Log `session` in and return the user's others of the same class, to be displaced."""
        session.user_id, session.client_type = user_id, client_type
        session.device = DeviceClass.of(client_type)
        others = self._by_user.setdefault(user_id, [])
        if not _is_any_from(others, session.network):
            self._people_at[session.network] = self.people_at(session.network) + 1
        displaced = [other for other in others if other.device is session.device]
        others.append(session)
        return displaced

    def unbind(self, session: Session) -> bool:
        """Take `session` out; tell whether it was in."""
        sessions = self._by_user.get(session.user_id)
        if sessions is None or session not in sessions:
            return False
        sessions.remove(session)
        if not _is_any_from(sessions, session.network):
            self._left(session.network)
        if not sessions:
            del self._by_user[session.user_id]
        return True

    def people_at(self, network: str) -> int:
        """Return how many users are connected here from a network, as `home_of` returns it."""
        return self._people_at.get(network, 0)

    def _left(self, network: str) -> None:
        self._people_at[network] -= 1
        if not self._people_at[network]:
            del self._people_at[network]

    def devices_of(self, user_id: int) -> DeviceClass:
        """Return the device classes with which the user is connected here."""
        devices = DeviceClass(0)
        for session in self._by_user.get(user_id, ()):
            devices |= session.device
        return devices

    def logins_of(self, user_id: int) -> tuple[tuple[int, int], ...]:
        """Return (device class, epoch) of the user's sessions here, as plain numbers."""
        sessions = self._by_user.get(user_id, ())
        return tuple((int(session.device), session.epoch) for session in sessions)

    def deliver(self, delivery: Delivery, *, skip: Session | None = None) -> None:
        """Queue a PDU for every session it is for, except `skip`."""
        if delivery.user_ids is None:
            for sessions in self._by_user.values():
                self._send(sessions, delivery, skip)
            return
        for user_id in delivery.user_ids:
            found = self._by_user.get(user_id)
            if found:
                self._send(found, delivery, skip)

    def _send(self, sessions: list[Session], delivery: Delivery, skip: Session | None) -> None:
        to_any = delivery.devices is DeviceClass.ANY  # nearly always, and a flag's test is slow
        for session in sessions:
            if session is not skip and (to_any or session.device in delivery.devices):
                session.send(delivery.pdu)
                if delivery.place is not None:
                    self.trace.pushed(
                        delivery.place, session.user_id, session.client_type, session.id
                    )
                if delivery.message is not None:
                    self.unacked.add(session.id, *delivery.message)


def _is_any_from(sessions: list[Session], network: str) -> bool:
    return any(session.network is network for session in sessions)  # they are interned
