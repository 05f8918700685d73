"""daphne, with some habits mended.

An answer that announces it closes the connection: left open, an old client that reads until the
end would wait for a minute.  And a body is kept only as far as an upload may be long and there is
room (`bodies`), and left to Django: daphne hands all of it over at once, in memory, and twisted
would parse it first.
WebSockets end with the drain, not before it: what they sent is answered.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from daphne import cli, server
from daphne.http_protocol import HTTPFactory, WebRequest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from twisted.internet import endpoints
from twisted.internet.defer import Deferred

from im import addresses
from im.delivery.cluster import discovery
from im.delivery.node import here
from im.networks import home_of
from im.services.setup import instance_lock
from im.types import DeviceClass
from tcpgateway.http import web_node
from tcpgateway.http.bodies import Bodies, Body
from tcpgateway.http.channel import Channel, Crowd, address_of
from tcpgateway.http.forwarded import Proxies, rewrite
from tcpgateway.http.limits import Limits
from tcpgateway.http.websocket import Factory, Protocol
from tcpgateway.server import http_capacity

LOOK_S = 1.0  # between two looks at all connections; more often where a limit is shorter


class _Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: twisted's
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)
        self._body = Body(_bodies(), "", 0)

    def gotLength(self, length: int | None) -> None:  # noqa: N802  # twisted's name
        """Get ready for the body; of one that says it is too long nothing is kept."""
        super().gotLength(length)
        is_too_long = length is not None and length > settings.IM_SMALL_FILE_BYTES
        limit_bytes = 0 if is_too_long else settings.IM_SMALL_FILE_BYTES
        lines = self.requestHeaders.getRawHeaders("x-forwarded-for") or ()
        peer = addresses.ip_of(str(getattr(self.channel.getPeer(), "host", "")))
        address = home_of(self.server.proxies.client_behind(peer, lines))
        self._body = Body(_bodies(), address, limit_bytes)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802  # twisted's name
        """Keep a piece of the body; views see by its length that they have not got all."""
        super().handleContentChunk(self._body.kept(data))

    def process(self) -> Any:
        """Let the application answer; a request for a WebSocket leaves HTTP by it."""
        if self._body.is_dropped:
            self.setHeader(b"connection", b"close")
            return self.basic_error(503, b"Service Unavailable", "Too much is being uploaded.")
        if len(self.requestHeaders.getRawHeaders(b"host") or ()) > 1:
            return self.basic_error(400, b"Bad Request", "More than one Host")
        channel = self.channel
        done = super().process()
        if self.transport is None:  # daphne has given it away
            channel.became_websocket()
        return done

    async def writable(self) -> None:
        """Return when the client has read most of what it was sent, or is gone."""
        if self.channel is not None:
            await self.channel.may_write.wait()

    def finish(self) -> None:
        self._body.forget()
        if b"close" in (self.responseHeaders.getRawHeaders(b"connection") or ()):
            self.channel.persistent = False
        super().finish()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802  # twisted's name
        self._body.forget()
        super().connectionLost(reason)


@cache
def _bodies() -> Bodies:
    return Bodies(settings.IM_BODY_BYTES)


class _Factory(HTTPFactory):  # type: ignore[misc]
    def __init__(self, server: "Server") -> None:
        super().__init__(server)
        self._limits = Limits(
            connections=http_capacity(),
            connections_per_address=settings.IM_HTTP_CONNECTIONS_PER_ADDRESS,
            header_s=settings.IM_HTTP_HEADER_SECONDS,
            idle_s=settings.IM_HTTP_IDLE_SECONDS,
            bytes_per_s=settings.IM_HTTP_BYTES_PER_SECOND,
        )
        self._crowd = Crowd(self._limits, self.reactor)
        self._look_s = min(LOOK_S, self._limits.header_s / 4, self._limits.idle_s / 4)

    def startFactory(self) -> None:  # noqa: N802  # twisted's name
        """Begin to look at connections."""
        super().startFactory()
        self.reactor.callLater(self._look_s, self._look)

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802  # twisted's name; both are twisted's
        """Return what serves a connection; proxies bring many clients, and have no own bound."""
        is_proxy = self.server.proxies.trust(addresses.ip_of(str(getattr(addr, "host", ""))))
        channel = Channel(self._crowd, "" if is_proxy else address_of(addr))
        channel.requestFactory = _Request
        channel.factory = self
        return channel

    def _look(self) -> None:
        self._crowd.look()
        self.reactor.callLater(self._look_s, self._look)


class Server(server.Server):  # type: ignore[misc]
    """daphne's server.  `drain` is awaited before its connections are ended."""

    _following: asyncio.Future[None] | None = None
    drain: Callable[[], Awaitable[None]] = staticmethod(web_node.stop)

    def __init__(self, *args: Any, **options: Any) -> None:  # Any: daphne's
        # What it would make of the headers is anybody's word, port and all.
        said = bool(options.pop("proxy_forwarded_address_header", None))
        super().__init__(*args, proxy_forwarded_address_header=None, **options)
        self.proxies = Proxies(
            settings.IM_TRUSTED_PROXIES, are_all=said and not settings.IM_TRUSTED_PROXIES
        )

    def run(self) -> None:
        """Serve until a signal comes, unless another process has the database."""
        from twisted.internet import reactor  # which one was chosen by now

        try:
            instance_lock.claim()
        except ImproperlyConfigured as exc:
            sys.exit(f"configuration error: {exc}")
        reactor.callWhenRunning(self._follow_gateways)
        super().run()

    def _follow_gateways(self) -> None:
        self._following = asyncio.ensure_future(discovery.follow())

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Say whom it is for, and give WebSocket consumers their flow control."""
        rewrite(scope, self.proxies)
        protocol.client_addr = scope["client"]
        if scope["type"] == "websocket":
            scope["flow"] = protocol
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Pass a reply on, and have the application wait for a client that reads slowly."""
        await super().handle_reply(protocol, message)
        if message["type"] == "http.response.body" and message.get("more_body"):
            await protocol.writable()

    def kill_all_applications(self) -> Any:
        """Drain, then end what is left."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        node = here()
        sessions = node.sessions.all() if node is not None else []
        await self.drain()
        for session in sessions:
            if session.device is DeviceClass.WEB:
                session.leave()
        self.connections: dict[Any, dict[str, Any]] = {
            protocol: details
            for protocol, details in self.connections.items()
            if "application_instance" in details  # daphne's own trips over what has none
        }
        closing = [
            details["application_instance"]
            for protocol, details in self.connections.items()
            if isinstance(protocol, Protocol)
        ]
        if closing:
            await asyncio.wait(closing, timeout=settings.IM_DRAIN_SECONDS)
        await super().kill_all_applications().asFuture(asyncio.get_running_loop())


def _endpoint(reactor: Any, description: str) -> Any:
    """Return the endpoint; one of a descriptor by the family that its socket has."""
    kind, _, number = description.partition("=")
    if kind != "fd:fileno" or not number.isdigit():
        return endpoints.serverFromString(reactor, description)  # type: ignore[no-untyped-call]
    with socket.socket(fileno=os.dup(int(number))) as listener:
        family = listener.family
    return endpoints.AdoptedStreamServerEndpoint(reactor, int(number), family)  # type: ignore[no-untyped-call]


# Server.run() makes endpoints and factories, and the command a server, of these names: they ask
# nobody.
server.serverFromString = _endpoint
server.HTTPFactory = _Factory
server.WebSocketFactory = Factory
cli.CommandLineInterface.server_class = Server
