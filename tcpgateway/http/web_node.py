"""The node of a web process that has no gateway: started by its first WebSocket.

daphne runs no lifespan, and most of what it serves needs no node.  Such a node is entered in the
registry, for its peers to find, with port 0, which discovery leaves out.
"""

import asyncio
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from im.delivery.node import here
from im.peer_log import PeerLog
from tcpgateway.lifespan import Lifespan
from tcpgateway.server import capacity

peer_log = PeerLog(__name__)

Application = Any  # an ASGI application

_lifespan: Lifespan | None = None
_starting: asyncio.Lock | None = None
_is_over = False


def with_node(websocket: Application, lifespan: Application) -> Application:
    """Return the WebSocket application with a node, made by `lifespan`, running under it."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        try:
            await _ensure(lifespan)
        except ImproperlyConfigured as exc:  # no Redis, say; the next one may have more luck
            peer_log.error("whoever connects", "no WebSocket is taken: %s", exc)
        await websocket(scope, receive, send)

    return application


async def _ensure(lifespan: Application) -> None:
    global _lifespan, _starting
    if here() is not None or _is_over:
        return
    _starting = _starting or asyncio.Lock()
    async with _starting:
        if here() is None and _lifespan is None:
            gateway = {
                "host": "",
                "backup_host": "",
                "port": 0,
                "connections": 0,
                "capacity": capacity(with_web=True),
            }
            starting = Lifespan(lifespan, gateway)
            await starting.startup()
            _lifespan = starting


async def stop() -> None:
    """Stop the node, if there is one of ours, for good."""
    global _lifespan, _is_over
    _is_over = True
    if _lifespan is not None:
        ending, _lifespan = _lifespan, None
        await ending.shutdown()
