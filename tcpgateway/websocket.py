"""daphne's WebSockets with what ASGI leaves open: when to read, when to write, how to cut off.

daphne reads as fast as a client sends and writes as fast as the application does, however slowly
the client reads; the consumer gets this protocol object as `scope["flow"]` and keeps the bounds.
"""

import asyncio
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Protocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """One WebSocket; twisted tells it, as a producer, whether the client keeps up."""

    maxMessagePayloadSize: int  # noqa: N815  # autobahn's: set when the connection begins

    def connectionMade(self) -> None:  # noqa: N802  # twisted's name
        super().connectionMade()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self.transport.unregisterProducer()  # the HTTP channel that this was
        self.transport.registerProducer(self, True)

    def sendMessage(self, *args: Any, **options: Any) -> None:  # noqa: N802  # Any: autobahn's
        """Send a message of any length: the bound is for what comes in, a directory is longer."""
        bound, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **options)
        finally:
            self.maxMessagePayloadSize = bound

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

    async def writable(self) -> None:
        """Return when the client has read most of what it was sent."""
        await self._may_write.wait()

    def cut_off(self) -> None:
        """End the connection without a word."""
        self.transport.abortConnection()


class Factory(WebSocketFactory):  # type: ignore[misc]
    """Makes them."""

    protocol = Protocol
