"""Stand-ins for what is outside: a link without a socket, a channel layer without a backend."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import msgpack

from im.delivery.cluster.catch_up import Marks
from im.delivery.local.sessions import Delivery, Door, Session
from im.delivery.node import Node
from im.wire.pdu import Pdu


class RecordingLink:
    """A link that remembers what is asked of it."""

    peer = "192.0.2.1:4711"
    local_host = "192.0.2.2"

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.pauses: list[bool] = []
        self.refused: list[tuple[int, int, str]] = []
        self.closed_after_s: float | None = None
        self.arrived: deque[Pdu] = deque()

    def take(self) -> Pdu | None:
        return self.arrived.popleft() if self.arrived else None

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def send_shared(self, pieces: Sequence[bytes | memoryview]) -> None:
        self.sent.extend(bytes(piece) for piece in pieces)

    def pause(self, is_paused: bool) -> None:
        self.pauses.append(is_paused)

    def refuse(self, command_id: int, seq: int, why: str) -> None:
        self.refused.append((command_id, seq, why))

    def close(self, *, grace_s: float = 0) -> None:
        self.closed_after_s = grace_s


class RecordingLayer:
    """A channel layer that keeps what is sent; while `is_down` it raises instead."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []  # Any: as the layer's messages are
        self.is_down = False

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        if self.is_down:
            raise ConnectionError("the layer is down")
        self.sent.append((channel, message))


class ConnectingLayer:
    """A channel layer that hands what is sent to the receiver at once, unless it `is_losing`."""

    def __init__(self) -> None:
        self.is_losing = False
        self._kinds: dict[str, list[str]] = {}
        self._receivers: dict[str, Callable[[dict[str, Any]], None]] = {}

    def connect(self, channel: str, receive: Callable[[dict[str, Any]], None]) -> None:
        self._receivers[channel] = receive

    def disconnect(self, channel: str) -> None:
        del self._receivers[channel]

    def kinds_sent(self, channel: str) -> list[str]:
        """Return the kinds of the items sent there so far."""
        return list(self._kinds.get(channel, ()))

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        self._kinds.setdefault(channel, []).extend(kind for kind, *_ in message["items"])
        receive = self._receivers.get(channel)
        if receive is not None and not self.is_losing:
            receive(msgpack.unpackb(msgpack.packb(message)))


class NothingMissed:
    """A database in which nothing is that a client has not got."""

    def marks(self) -> Marks:
        return ()

    def missed(self, since: Marks, user_ids: Collection[int]) -> list[Delivery]:
        return []

    def keys_changed(self, since: int) -> dict[int, int]:
        return {}

    def sessions_ended(self, since: int) -> frozenset[str]:
        return frozenset()

    def keys_of(self, user_ids: Collection[int]) -> dict[int, int]:
        return {}


def session_on(link: RecordingLink, node: Node | None = None, heard_at: float = 0.0) -> Session:
    """Return a session over a link; without a node it can do nothing that needs one."""
    return Session(cast(Node, node), link, door=Door.CLIENT, heard_at=heard_at)
