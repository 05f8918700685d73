"""A proxy in front of MariaDB that strikes at a chosen statement: real faults, at exact moments.

with Proxy(mariadb.port) as proxy:
    lost = proxy.at(b"COMMIT", lambda statement: statement.lose(), after=b"IMMessage_")
    ...  # whoever talks to the database through proxy.port loses his connection there
    assert lost.wait(5)

It knows just enough of the protocol: a packet is a length (3 bytes), a sequence number and a
payload; sequence number 0 begins a command, whose first byte 0x03 means a statement in plain text.
"""

import contextlib
import queue
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

ANSWER_S = 10.0  # how long the server may take for the statement that was struck at
HOST = "127.0.0.1"

_STATEMENT = 0x03
_ENDS = (b"COMMIT", b"ROLLBACK")

Strike = Callable[["Statement"], None]


@dataclass(slots=True)
class _Ambush:
    """What waits for the next statement of its kind; it strikes once."""

    prefix: bytes
    after: bytes
    strike: Strike
    has_struck: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Passes connections on to the server at `upstream_port`; every strike runs in a thread."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ambushes: list[_Ambush] = []
        self._links: list[_Link] = []
        self._lock = threading.Lock()
        self._is_down = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.go_down()
        _close(self._listener)

    def at(self, prefix: bytes, strike: Strike, *, after: bytes = b"") -> threading.Event:
        """Call `strike` for the next statement that begins with `prefix`, instead of passing it on.

        Only in a transaction in which an earlier statement has `after` in it.  Returns the event
        that is set when the strike is over.
        """
        ambush = _Ambush(prefix, after, strike)
        with self._lock:
            self._ambushes.append(ambush)
        return ambush.has_struck

    def go_down(self) -> None:
        """Cut all connections and take no more, as a server that is gone."""
        self._is_down = True
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.cut()

    def come_up(self) -> None:
        """Take connections again."""
        self._is_down = False

    def lead_to(self, upstream_port: int) -> None:
        """Let connections that come from now on lead to another server."""
        self._upstream_port = upstream_port

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            if self._is_down:
                _close(client)
                continue
            try:
                server = socket.create_connection((HOST, self._upstream_port))
            except OSError:
                _close(client)  # as good as refused
                continue
            link = _Link(client, server, self._ambush_for)
            with self._lock:
                self._links.append(link)

    def _ambush_for(self, statement: bytes, earlier: list[bytes]) -> _Ambush | None:
        with self._lock:
            for ambush in self._ambushes:
                if statement.startswith(ambush.prefix) and (
                    not ambush.after or any(ambush.after in text for text in earlier)
                ):
                    self._ambushes.remove(ambush)
                    return ambush
        return None


class _Link:
    """One connection: a thread for each direction."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        ambush_for: Callable[[bytes, list[bytes]], _Ambush | None],
    ) -> None:
        self.client = client
        self.server = server
        self.answers: queue.Queue[bytes] = queue.Queue()
        self.is_held = False  # answers go to the queue instead of the client
        self._ambush_for = ambush_for
        self._earlier: list[bytes] = []  # statements of this transaction
        for work in (self._take_requests, self._take_answers):
            threading.Thread(target=work, daemon=True).start()

    def cut(self) -> None:
        _close(self.client)
        _close(self.server)

    def _take_requests(self) -> None:
        try:
            with self.client.makefile("rb") as stream, contextlib.suppress(OSError):
                while packet := _read_packet(stream.read):
                    if not self._is_ambushed(packet):
                        self.server.sendall(packet)
        finally:
            self.cut()

    def _is_ambushed(self, packet: bytes) -> bool:
        sequence, kind = packet[3], packet[4]
        if sequence or kind != _STATEMENT:
            return False
        text = packet[5:]
        ambush = self._ambush_for(text, self._earlier)
        if text.startswith(_ENDS):
            self._earlier.clear()
        else:
            self._earlier.append(text)
        if ambush is None:
            return False
        self.is_held = True
        try:
            ambush.strike(Statement(self, packet))
        finally:
            self.is_held = False
            ambush.has_struck.set()
        return True

    def _take_answers(self) -> None:
        with contextlib.suppress(OSError):
            while chunk := self.server.recv(65536):
                if self.is_held:
                    self.answers.put(chunk)
                else:
                    self.client.sendall(chunk)
        self.answers.put(b"")
        _close(self.client)


class Statement:
    """A statement that was struck at: it has not reached the server yet."""

    def __init__(self, link: _Link, packet: bytes) -> None:
        self._link = link
        self._packet = packet

    def pass_on(self) -> None:
        """Pass it on to the server, whose answer nobody will hear."""
        self._link.server.sendall(self._packet)

    def send(self) -> bytes:
        """Pass it on to the server and return the server's answer, one packet."""
        self.pass_on()
        answer = self._link.answers.get(timeout=ANSWER_S)
        assert answer, "the server closed the connection instead of answering"
        return answer

    def answer(self, packet: bytes) -> None:
        """Answer the client."""
        self._link.client.sendall(packet)

    def refuse(self, code: int, message: str) -> None:
        """Answer the client with an error of this number; the server hears of nothing."""
        payload = struct.pack("<BH", 0xFF, code) + b"#HY000" + message.encode()
        self.answer(len(payload).to_bytes(3, "little") + b"\x01" + payload)

    def lose(self) -> None:
        """Cut the client off; the server only hears of it when the strike is over."""
        _close(self._link.client)


def _read_packet(read: Callable[[int], bytes]) -> bytes:
    """Return the next packet, header included, or nothing at the end."""
    header = read(4)
    length = int.from_bytes(header[:3], "little")
    payload = read(length)
    return header + payload if len(header) == 4 and len(payload) == length else b""


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
