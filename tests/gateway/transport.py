"""A transport without a socket, and the host and consumer a connection needs besides."""

import asyncio
from typing import Any

from im.wire.pdu import Pdu
from tcpgateway.connection import Connection
from tcpgateway.outbox import Flush


class RecordingTransport(asyncio.Transport):
    """Remembers what is written and asked for.

    `buffered` is how many bytes the client has left unread, as the transport would tell.
    """

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self.buffered = 0
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._is_closing, "written after the end"
        assert "write_eof" not in self.calls, "written after the end"
        self.writes.append(bytes(data))

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def abort(self) -> None:
        self.calls.append("abort")
        self._is_closing = True

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def is_closing(self) -> bool:
        return self._is_closing

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # Any: asyncio's
        return ("192.0.2.1", 4711) if name == "peername" else default


class RecordingConsumer:
    """Remembers what the gateway tells it."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.pdus: list[Pdu] = []
        self.is_known = True

    def tcp_connect(self, link: Connection) -> None:
        self.calls.append("connect")
        self._link = link

    def tcp_receive(self) -> None:
        while (pdu := self._link.take()) is not None:
            self.pdus.append(pdu)

    def tcp_disconnect(self) -> None:
        self.calls.append("disconnect")


class SmallHost:
    """A host with small bounds; while `is_full` it has no room for another connection."""

    max_pdu_bytes = 1000
    login_pdu_bytes = 100
    outbox_bytes = 10_000

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.flush = Flush(self.loop)
        self.is_full = False
        self.connections: set[Connection] = set()

    def joined(self, connection: Connection, *, spare: int) -> bool:
        self.connections.add(connection)
        return not self.is_full

    def left(self, connection: Connection) -> None:
        self.connections.discard(connection)
