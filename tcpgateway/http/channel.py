"""An HTTP connection of twisted's with bounds: see `http_limits`, which decides.

One look at all connections each second replaces twisted's timeout, which any byte puts off.
"""

import asyncio
import logging
from typing import Any

from django.conf import settings
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from im import addresses
from im.networks import home_of
from tcpgateway.http.limits import Limits, Places, Progress

log = logging.getLogger(__name__)

FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# What is longer than an upload may be is thrown away, to be answered, but not without end.
LONGEST_BODIES = 16


class Channel(HTTPChannel):
    """One connection, from its first byte until it ends or becomes a WebSocket."""

    timeOut = None  # noqa: N815  # twisted's name

    def __init__(self, crowd: "Crowd", address: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address  # what it counts as; "" for a proxy
        self.is_counted = False
        self.progress = Progress(crowd.now())
        self._crowd = crowd
        self._sent = 0
        self._body = 0
        self.may_write = asyncio.Event()
        self.may_write.set()

    # --- from the transport -------------------------------------------------------------------

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()  # type: ignore[no-untyped-call]
        if not self._crowd.enter(self):
            transport: Any = self.transport
            transport.write(FULL)
            transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if not self.is_counted:
            return  # it was refused
        self.progress.received(len(data), self._crowd.now())
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def pauseProducing(self) -> None:  # noqa: N802
        """The client leaves 64 KiB of the answer unread."""
        self.may_write.clear()
        super().pauseProducing()  # type: ignore[no-untyped-call]

    def resumeProducing(self) -> None:  # noqa: N802
        """It has caught up."""
        self.may_write.set()
        super().resumeProducing()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802
        self.may_write.set()
        self._crowd.leave(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    # --- from the parser ----------------------------------------------------------------------

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        """A line that came with the request before begins the next one, too."""
        self.progress.received(0, self._crowd.now())
        super().lineReceived(line)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:  # noqa: N802
        self._body = 0
        self.progress.header_ended(self._crowd.now())
        super().allHeadersReceived()  # type: ignore[no-untyped-call]

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if not self._handlingRequest:
            self._body += len(data)
            if self._body > LONGEST_BODIES * settings.IM_SMALL_FILE_BYTES:
                self._crowd.end(self, "its body has no end")
                return
        super().rawDataReceived(data)

    def allContentReceived(self) -> None:  # noqa: N802
        self.progress.request_ended(self._crowd.now())
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:  # noqa: N802  # Any: twisted's
        self.progress.answer_ended(self._crowd.now())
        super().requestDone(request)  # type: ignore[no-untyped-call]

    # --- to the transport ---------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        self._sent += len(data)
        super().write(data)  # type: ignore[no-untyped-call]

    def writeSequence(self, iovec: Any) -> None:  # noqa: N802  # Any: twisted's
        self._sent += sum(map(len, iovec))
        super().writeSequence(iovec)  # type: ignore[no-untyped-call]

    # --- for the crowd ------------------------------------------------------------------------

    def became_websocket(self) -> None:
        """It is a client's connection from now on, and counted as such."""
        self._crowd.leave(self)

    def unsent(self) -> int:
        """Return how many bytes wait for the client to read."""
        transport: Any = self.transport
        if not hasattr(transport, "_tempDataLen"):  # twisted's own; it tells nobody, TLS hides it
            return 0
        waiting: int = len(transport.dataBuffer) - transport.offset + transport._tempDataLen
        return waiting

    def complaint(self, limits: Limits, now: float) -> str:
        """Return why it is to be ended, "" if it is not."""
        unsent = self.unsent()
        return self.progress.complaint(limits, now, unsent=unsent, sent=self._sent - unsent)


class Crowd:
    """All HTTP connections of a process."""

    def __init__(self, limits: Limits, clock: Any) -> None:  # Any: twisted's reactor, or a test's
        self._limits = limits
        self._clock = clock
        self._places = Places(limits)
        self._channels: set[Channel] = set()

    def now(self) -> float:
        """Return the time by the reactor's clock."""
        return float(self._clock.seconds())

    def enter(self, channel: Channel) -> bool:
        """Count a connection in, if there is a place for it."""
        channel.is_counted = self._places.enter(channel.address, self.now())
        if channel.is_counted:
            self._channels.add(channel)
        return channel.is_counted

    def leave(self, channel: Channel) -> None:
        """Count a connection out, once."""
        if channel in self._channels:
            self._channels.remove(channel)
            self._places.leave(channel.address)

    def look(self) -> None:
        """End the connections that take too long."""
        now = self.now()
        for channel in list(self._channels):
            why = channel.complaint(self._limits, now)
            if why:
                self.end(channel, why)

    def end(self, channel: Channel, why: str) -> None:
        """End a connection without a word."""
        log.debug("ending HTTP from %s: %s", channel.address or "a proxy", why)
        if channel.unsent():
            transport: Any = channel.transport
            transport.abortConnection()
        else:
            channel.loseConnection()  # type: ignore[no-untyped-call]


def address_of(peer: Any) -> str:  # Any: twisted's address
    """Return what a connection counts as."""
    host = str(getattr(peer, "host", ""))
    return home_of(host) if addresses.ip_of(host) else host
