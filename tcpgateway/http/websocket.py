"""daphne's WebSockets with what ASGI leaves open: when to read, when to write, how to cut off.

daphne reads as fast as a client sends and writes as fast as the application does, however slowly
the client reads; the consumer gets this protocol object as `scope["flow"]` and keeps the bounds.
Messages are framed here (RFC 6455, 5.2; unmasked, as a server's are), so that many small ones leave
in one write: daphne's way to the socket costs five times as much for each.  Frames that never reach
the consumer, pings and fragments, have their bounds here.
"""

import asyncio
from collections.abc import Callable, Sequence
from struct import Struct

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

FINAL, TEXT, BINARY = 0x80, 1, 2  # of a frame's first byte
WRITE_BYTES = 64 * 1024  # between two looks whether the client reads
_HEAD_16 = Struct(">BBH")
_HEAD_64 = Struct(">BBQ")
# In a window of time: a frame takes two steps, of some 10 µs each, and so does a bit of one.
WINDOW_STEPS = 64
WINDOW_S = 0.01
MIN_WAIT_S = 0.001  # the clock ticks in milliseconds
SLACK = 4  # a message that is a little too long is answered with a close code by the consumer
MAX_UNTAKEN = 4  # messages that the consumer has not taken yet


@implementer(IPushProducer)
class Protocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """One WebSocket; twisted tells it, as a producer, whether the client keeps up."""

    maxMessagePayloadSize: int  # noqa: N815  # autobahn's: set when the connection begins

    def connectionMade(self) -> None:  # noqa: N802  # twisted's name
        super().connectionMade()
        self._longest: Callable[[], int] | None = None
        self._configured_longest = self.maxMessagePayloadSize
        self._untaken = 0
        self._is_paused = self._is_reading_paused = False
        self._window_began = 0.0
        self._steps = 0  # in the window
        self._next_window: asyncio.TimerHandle | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.transport.unregisterProducer()  # the HTTP channel that this was
        self.transport.registerProducer(self, True)

    # --- in: as much as a window of time may have ------------------------------------------------

    def consumeData(self) -> None:  # noqa: N802  # autobahn's
        """Take frames out of what has come, as many as may be taken now; the rest waits."""
        if self.state not in (self.STATE_OPEN, self.STATE_CLOSING):
            super().consumeData()
            return
        while not self._is_held() and self.processData() and self.state != self.STATE_CLOSED:
            pass
        self._read()

    def _is_held(self) -> bool:
        if self._is_paused or self._untaken >= MAX_UNTAKEN or self._next_window is not None:
            return True
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._window_began >= WINDOW_S:
            self._window_began, self._steps = now, 0
        self._steps += 1
        if self._steps <= WINDOW_STEPS:
            return False
        left_s = self._window_began + WINDOW_S - now
        self._next_window = loop.call_later(max(left_s, MIN_WAIT_S), self._begin_window)
        return True

    def _begin_window(self) -> None:
        self._next_window = None
        self._go_on()

    def _go_on(self) -> None:
        if self.data:
            self.consumeData()
        else:
            self._read()

    def _read(self) -> None:
        """Read on, unless something holds up what has come."""
        held = self._is_paused or self._next_window is not None or self._untaken >= MAX_UNTAKEN
        if held is self._is_reading_paused or self.transport.disconnecting:
            return
        if not self.transport.connected:
            return
        self._is_reading_paused = held
        if held:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def onMessageFrameBegin(self, length: int) -> None:  # noqa: N802  # autobahn's
        """Refuse a frame that is far too long before it has come."""
        if self._longest is not None:
            longest = self._longest() * SLACK
            self.maxMessagePayloadSize = min(longest, self._configured_longest) or longest
        super().onMessageFrameBegin(length)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803
        """Hand a message to the consumer, who says when it `took` it."""
        self._untaken += 1
        super().onMessage(payload, isBinary)

    def onPing(self, payload: bytes) -> None:  # noqa: N802  # autobahn's
        """Answer, unless earlier answers are left unread: of several pings the last one counts."""
        if self._may_write.is_set():
            super().onPing(payload)

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

    def limit(self, longest: Callable[[], int]) -> None:
        """Take only messages of about this many bytes; longer ones end the connection."""
        self._longest = longest

    def took(self) -> None:
        """A message was taken: others may come."""
        self._untaken -= 1
        self._go_on()

    def pause_reading(self, is_paused: bool) -> None:
        """Stop or go on reading.  What the kernel's buffers hold then slows the client down."""
        self._is_paused = is_paused
        self._go_on()

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
