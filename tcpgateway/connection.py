"""One TCP connection: bytes to PDUs for the consumer, PDUs to bytes for the client.

Bounds: a PDU's length (decoder; a short one until the login, for strangers may be many), what waits
to be written (a client that doesn't read is cut off), and the time a closing connection may take.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol, cast

from im import addresses
from im.peer_log import PeerLog, address_of
from im.wire.pdu import Decoder, FramingError, Pdu
from tcpgateway.outbox import Flush, Outbox

peer_log = PeerLog(__name__)

IGNORED_BYTES = 256 * 1024  # that a connection may send after its end; then it is cut, too
LINGER_S = 2.0  # for the client to read the last words and close; then the connection is cut


class Consumer(Protocol):
    """What the gateway needs of the consumer named in the ASGI application."""

    @property
    def is_known(self) -> bool:
        """Whether its client has logged in."""

    def tcp_connect(self, link: "Connection") -> None:
        """Called once, first."""

    def tcp_receive(self) -> None:
        """Called when bytes have come; `take` returns the PDUs they complete, one at a time."""

    def tcp_disconnect(self) -> None:
        """Called once, last."""


class Host(Protocol):
    """What a connection needs of its server."""

    loop: asyncio.AbstractEventLoop
    flush: Flush
    max_pdu_bytes: int
    login_pdu_bytes: int
    outbox_bytes: int

    def joined(self, connection: "Connection", *, spare: int) -> bool:
        """Count the connection; False: there is no room for it, the spare places included."""

    def left(self, connection: "Connection") -> None:
        """Count the connection out."""


class Connection(asyncio.Protocol):
    """The transport's side and the consumer's link in one object: idle ones are many."""

    __slots__ = (
        "_consumer",
        "_decoder",
        "_host",
        "_ignored_bytes",
        "_is_closing",
        "_is_deaf",
        "_outbox",
        "_spare",
        "_transport",
    )

    _transport: asyncio.Transport
    _outbox: Outbox

    def __init__(self, host: Host, consumer: Consumer, *, spare: int = 0) -> None:
        self._host = host
        self._spare = spare  # places for connections of this kind where clients find none
        self._consumer: Consumer | None = consumer
        self._decoder = Decoder(host.login_pdu_bytes)
        self._ignored_bytes = 0
        self._is_deaf = False  # what still comes in is thrown away
        self._is_closing = False

    # --- from the transport -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's doesn't inherit from it
        self._outbox = Outbox(
            self._host.flush, self._transport, limit_bytes=self._host.outbox_bytes
        )
        if not self._host.joined(self, spare=self._spare) or self._consumer is None:
            self._consumer = None
            peer_log.warning(address_of(self.peer), "no room for a connection from %s", self.peer)
            self._transport.abort()
            return
        self._consumer.tcp_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._is_deaf or self._consumer is None:
            self._ignored_bytes += len(data)
            if self._ignored_bytes > IGNORED_BYTES:
                self._transport.abort()
            return
        if self._decoder.max_length < self._host.max_pdu_bytes and self._consumer.is_known:
            self._decoder.max_length = self._host.max_pdu_bytes
        self._decoder.push(data)
        self._consumer.tcp_receive()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_deaf = self._is_closing = True
        self._outbox.clear()
        self._decoder.clear()
        self._host.left(self)
        if self._consumer is not None:
            self._consumer.tcp_disconnect()
            self._consumer = None

    def pause_writing(self) -> None:
        self._outbox.congested(True)

    def resume_writing(self) -> None:
        self._outbox.congested(False)

    # --- from the consumer --------------------------------------------------------------------

    @property
    def peer(self) -> str:
        """The client's address, for the log."""
        name = self._transport.get_extra_info("peername") or ("?", 0)
        return addresses.place(name[0], name[1])

    @property
    def local_host(self) -> str:
        """Our own address that the client has connected to."""
        name = self._transport.get_extra_info("sockname") or ("",)
        return addresses.ip_of(name[0])

    def take(self) -> Pdu | None:
        """Return the next PDU that has come; a broken frame closes the connection instead."""
        if self._is_deaf:
            return None
        try:
            return self._decoder.take()
        except FramingError as exc:
            peer_log.info(address_of(self.peer), "closing %s: %s", self.peer, exc)
            self.close()
            return None

    def send(self, data: bytes) -> None:
        """Queue bytes.  A client that leaves too much unread is cut off: it will catch up."""
        if self._is_closing:
            return
        self._outbox.put(data)
        self._cut_off_if_overfull()

    def send_shared(self, pieces: Sequence[bytes | memoryview]) -> None:
        """Queue the pieces of a long list that other connections share."""
        if self._is_closing:
            return
        self._outbox.put_shared(pieces)
        self._cut_off_if_overfull()

    def _cut_off_if_overfull(self) -> None:
        if self._outbox.is_overfull():
            peer_log.warning(address_of(self.peer), "cutting off %s: it does not read", self.peer)
            self._is_deaf = self._is_closing = True
            self._transport.abort()

    def pause(self, is_paused: bool) -> None:
        """Stop or go on reading.  What the kernel's buffers hold then slows the client down."""
        if self._is_deaf or self._transport.is_closing():
            return
        if is_paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def refuse(self, command_id: int, seq: int, why: str) -> None:
        """The protocol has no words for it."""

    def close(self, *, grace_s: float = 0) -> None:
        """Take nothing more in, write what is queued, then, after the grace, close."""
        if self._is_deaf:
            return
        self.pause(False)  # or the client's own end would go unnoticed
        self._is_deaf = True
        self._decoder.clear()
        if grace_s:
            self._host.loop.call_later(grace_s, self._shut)
        else:
            self._host.loop.call_soon(self._shut)

    # --- inside -------------------------------------------------------------------------------

    def abort(self) -> None:
        """Close now, whatever is queued."""
        self._transport.abort()

    def _shut(self) -> None:
        """End our side first: closing at once could reset the connection under the last words."""
        if self._is_closing:
            return
        self._is_closing = True
        if not self._transport.is_closing():
            self._outbox.end()
            self._host.loop.call_later(LINGER_S, self._transport.abort)
