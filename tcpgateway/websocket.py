"""daphne's WebSockets with what ASGI leaves open: when to read, when to write, how to cut off.

daphne reads as fast as a client sends and writes as fast as the application does, however slowly
the client reads; the consumer gets this protocol object as `scope["flow"]` and keeps the bounds.
Messages are framed here (RFC 6455, 5.2; unmasked, as a server's are), so that many small ones leave
in one write: daphne's way to the socket costs five times as much for each.
"""

import asyncio
from collections.abc import Sequence
from struct import Struct

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

FINAL, TEXT, BINARY = 0x80, 1, 2  # of a frame's first byte
WRITE_BYTES = 64 * 1024  # between two looks whether the client reads
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")


@implementer(IPushProducer)
class Protocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """One WebSocket; twisted tells it, as a producer, whether the client keeps up."""

    def connectionMade(self) -> None:  # noqa: N802  # twisted's name
        super().connectionMade()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.transport.unregisterProducer()  # the HTTP channel that this was
        self.transport.registerProducer(self, True)

    # --- from the transport -------------------------------------------------------------------

    def pauseProducing(self) -> None:  # noqa: N802
        """The client leaves 64 KiB unread."""
        self._may_write.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """It has caught up."""
        self._may_write.set()

    def stopProducing(self) -> None:  # noqa: N802
        """It is gone."""
        self._may_write.set()

    # --- from the consumer --------------------------------------------------------------------

    def pause_reading(self, is_paused: bool) -> None:
        """Stop or go on reading.  What the kernel's buffers hold then slows the client down."""
        if not self.transport.disconnecting and self.transport.connected:
            if is_paused:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    async def write(self, messages: Sequence[str | bytes]) -> None:
        """Send messages; return when the client has read most of what it was sent."""
        pieces: list[bytes] = []
        size = 0
        for message in messages:
            is_text = isinstance(message, str)
            content = message.encode() if isinstance(message, str) else message
            pieces += (_frame_head(TEXT if is_text else BINARY, len(content)), content)
            size += len(content)
            if size > WRITE_BYTES:
                await self._send(pieces)
                pieces, size = [], 0
        if pieces:
            await self._send(pieces)

    async def _send(self, pieces: Sequence[bytes]) -> None:
        if self.state == self.STATE_OPEN:
            self.sendData(b"".join(pieces))
        await self._may_write.wait()

    def cut_off(self) -> None:
        """End the connection without a word."""
        self.transport.abortConnection()


def _frame_head(opcode: int, length: int) -> bytes:
    """Return what stands before the content of a message that is one frame."""
    if length < 126:
        return bytes((FINAL | opcode, length))
    if length < 1 << 16:
        return _HEAD_16.pack(FINAL | opcode, 126, length)
    return _HEAD_64.pack(FINAL | opcode, 127, length)


class Factory(WebSocketFactory):  # type: ignore[misc]
    """Makes them."""

    protocol = Protocol
