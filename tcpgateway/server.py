"""The TCP gateway: what daphne is for HTTP, for the PDU protocol.

It loads the ASGI application, runs its lifespan, and serves each port with the consumer that the
application's ProtocolTypeRouter names for the port's scope type.
"""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from im import addresses
from im.delivery.node import here
from tcpgateway.connection import Connection
from tcpgateway.lifespan import Lifespan
from tcpgateway.outbox import Flush

log = logging.getLogger(__name__)

BACKLOG = 4096
PORT_HINT = "IM_HTTP_PORT, IM_TCP_PORT and IM_LOGIN_PORT choose others"
# Files, databases, Redis, the listeners: what is no connection of a client or of HTTP.
RESERVED_DESCRIPTORS = 256
HTTP_SHARE = 4  # HTTP gets this part of the descriptors at most, where there are few
# Of these: whoever asks where to connect is to be told that all is full.
SPARE_PLACES = {"tcp": 0, "tcp.login": 64}
# Closing everybody at once would bring everybody back at once.
CLOSE_STEP_S = 0.05


@dataclass(frozen=True, slots=True)
class Port:
    """A listening socket, and the scope type that says whose clients come in by it."""

    listener: socket.socket
    scope_type: str


@dataclass(frozen=True, slots=True)
class Address:
    """How clients reach this gateway, for discovery; no host: where they asked for it."""

    host: str
    backup_host: str
    port: int
    capacity: int


@dataclass(slots=True)
class GatewayServer:
    """Serves ports until it is drained; all on one event loop."""

    application: Any
    ports: Sequence[Port]
    address: Address
    loop: asyncio.AbstractEventLoop
    max_pdu_bytes: int = field(default_factory=lambda: settings.IM_MAX_PDU_BYTES)
    login_pdu_bytes: int = field(
        default_factory=lambda: min(settings.IM_LOGIN_PDU_BYTES, settings.IM_MAX_PDU_BYTES)
    )
    outbox_bytes: int = field(default_factory=lambda: settings.IM_OUTBOX_BYTES)
    flush: Flush = field(init=False)
    _connections: set[Connection] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _lifespan: Lifespan | None = None
    _retiring: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.flush = Flush(self.loop)

    async def start(self) -> None:
        """Start the application, then take clients.  Raises what the application's start raises."""
        gateway = {
            "host": self.address.host,
            "backup_host": self.address.backup_host,
            "port": self.address.port,
            "connections": 0,
            "capacity": self.address.capacity,
        }
        self._lifespan = Lifespan(self.application, gateway, self.retire)
        await self._lifespan.startup()
        for port in self.ports:
            make = _consumer_maker(self.application, port.scope_type)
            spare = SPARE_PLACES[port.scope_type]
            self._servers.append(
                await self.loop.create_server(
                    lambda make=make, spare=spare: Connection(self, make(), spare=spare),  # type: ignore[misc]
                    sock=port.listener,
                    backlog=BACKLOG,
                )
            )

    async def drain(self) -> None:
        """Take no more clients, finish what was taken, and close connections in a spread."""
        log.info("draining %d connections", len(self._connections))
        if not self._connections:
            self._empty.set()
        self._shut_doors()
        if self._lifespan is not None:
            await self._lifespan.shutdown()
        await self._send_away()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.IM_DRAIN_SECONDS):
                await self._empty.wait()
        for connection in list(self._connections):
            connection.abort()
        log.info("stopped")

    def retire(self) -> None:
        """Take no more clients and close connections in a spread; the process goes on, empty."""
        if self._retiring is None:
            log.info("retiring with %d connections", len(self._connections))
            self._shut_doors()
            self._retiring = self.loop.create_task(self._send_away())

    def _shut_doors(self) -> None:
        for server in self._servers:
            server.close()
        for port in self.ports:
            port.listener.close()

    async def _send_away(self) -> None:
        steps = max(1, int(settings.IM_DRAIN_SECONDS / CLOSE_STEP_S))
        waiting = list(self._connections)
        per_step = len(waiting) // steps + 1
        while waiting:
            for connection in waiting[:per_step]:
                connection.close()
            del waiting[:per_step]
            await asyncio.sleep(CLOSE_STEP_S)

    # --- for connections ----------------------------------------------------------------------

    def joined(self, connection: Connection, *, spare: int) -> bool:
        """Count a connection in, if there is room, or one of `spare` places beyond that.

        WebSockets take places, too.
        """
        self._connections.add(connection)
        self._empty.clear()
        node = here()
        taken = max(len(self._connections), node.connections + 1 if node is not None else 0)
        return taken <= self.address.capacity + spare

    def left(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()


def _consumer_maker(application: Any, scope_type: str) -> Any:
    """Return the consumer class named for `scope_type`."""
    route = getattr(application, "application_mapping", {}).get(scope_type)
    maker = getattr(route, "consumer_class", None)
    if maker is None:
        raise ImproperlyConfigured(
            f'ASGI_APPLICATION must route "{scope_type}" to a consumer itself: '
            "middleware around it hides the consumer class"
        )
    return maker


def open_ports(
    opened: contextlib.ExitStack, host: str, port: int, *, reuse_port: bool = False
) -> list[Port]:
    """Return the gateway's port and, unless it is switched off or taken, that of TCP discovery.

    One process of a host is enough for discovery.  `opened` closes the ports.  Raises
    ImproperlyConfigured as `listen` does.
    """
    ports = [Port(opened.enter_context(listen(host, port, reuse_port=reuse_port)), "tcp")]
    login_port: int = settings.IM_LOGIN_PORT
    if login_port:
        try:
            listener = opened.enter_context(listen(host, login_port, reuse_port=reuse_port))
        except PortTaken:
            log.warning(
                "IM_LOGIN_PORT %d is taken, by another gateway of this host perhaps: "
                "this process answers no discovery over TCP",
                login_port,
            )
        else:
            ports.append(Port(listener, "tcp.login"))
    return ports


class PortTaken(ImproperlyConfigured):
    """Somebody else listens there."""


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """Return a bound socket.  Raises ImproperlyConfigured, in words for people."""
    place = addresses.place(host, port)
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0][0]
        with contextlib.ExitStack() as on_error:
            listener = on_error.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if reuse_port:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            _notice_the_dead(listener)
            listener.bind((host, port))
            listener.listen(BACKLOG)
            on_error.pop_all()
    except OverflowError as exc:
        raise ImproperlyConfigured(f"can't listen on {place}: ports end at 65535") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            why = f"can't listen on {place}: {exc.strerror} ({PORT_HINT})"
            raise PortTaken(why) from exc
        raise ImproperlyConfigured(f"can't listen on {place}: {exc.strerror}") from exc
    listener.setblocking(False)
    return listener


def _notice_the_dead(listener: socket.socket) -> None:
    """Let the kernel find clients that vanished without a word; connections inherit this.

    An idle one is asked after IM_KEEPALIVE_SECONDS and gone after three silent answers; one that
    leaves data unacknowledged for that long is gone at once.
    """
    seconds: int = settings.IM_KEEPALIVE_SECONDS
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 4))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)


def capacity(*, with_web: bool) -> int:
    """Return how many clients this process can hold, as settings and system allow.

    `with_web`: it serves HTTP, too, whose connections have descriptors of their own.
    """
    files, reserved = _open_files(), RESERVED_DESCRIPTORS
    if with_web:
        reserved += http_capacity()
    allowed: int = settings.IM_MAX_CONNECTIONS
    if files - reserved < allowed:
        allowed = max(1, files - reserved)
        log.info("the open file limit of %d allows %d connections", files, allowed)
    return allowed


def http_capacity() -> int:
    """Return how many HTTP connections this process can hold, as settings and system allow."""
    return min(settings.IM_HTTP_CONNECTIONS, max(1, _open_files() // HTTP_SHARE))


def _open_files() -> int:
    """Return how many files this process may open, after having raised that as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def address(listener: socket.socket, *, with_web: bool = False) -> Address:
    """Return how discovery shall name a gateway that listens on `listener`.

    Raises ImproperlyConfigured where other processes are to name it, and can't know.
    """
    host, port = listener.getsockname()[:2]
    advertised: str = settings.IM_ADVERTISED_HOST or host
    if addresses.is_everywhere(advertised):
        if settings.REDIS_URL:
            raise ImproperlyConfigured(
                f"the gateway listens on {addresses.place(host, port)}, which is no address for "
                "clients: IM_ADVERTISED_HOST has to say how they reach it"
            )
        advertised = ""
    backup = settings.IM_ADVERTISED_HOST_BACKUP or advertised
    return Address(advertised, backup, port, capacity(with_web=with_web))
