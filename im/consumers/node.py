"""The one consumer of a gateway process that is not a client: its life and its bus.

Driven by the ASGI lifespan: the gateway sends `lifespan.startup` before it takes clients and
`lifespan.shutdown` when it takes no more.  It listens on the process's channel on the channel layer
by itself: a stock consumer can't start while Redis is away.
"""

import asyncio
import contextlib
import logging
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer

from im import dispatch
from im.consumers.pulse import Pulse
from im.delivery.cluster.bus import Bus
from im.delivery.cluster.gateway_registry import Gateway, new_gateway_id
from im.delivery.cluster.known_gateways import memory
from im.delivery.node import Node
from im.delivery.remote.control import answer_message

log = logging.getLogger(__name__)

FLUSH_S = 3.0
DEAF_S = 0.1  # whoever sends nonsense again and again shall not take the loop


class NodeConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """Starts and stops the node, and hands it what peers send."""

    channel_layer_alias = "none: the bus takes a channel when there is Redis"

    _node: Node | None = None
    _pulse: Pulse | None = None
    _listening: asyncio.Task[None] | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the method of the message's type, without the stock one's hop to a thread.

        What comes over the bus can't end the node, whatever it is: a gateway without ears would
        keep its clients and its lease, and its peers would not notice.
        """
        kind = message["type"]
        if kind.startswith("lifespan."):
            await getattr(self, kind.replace(".", "_"))(message)
            return
        try:
            await getattr(self, kind.replace(".", "_"))(message)
        except Exception:
            log.exception("a message of the bus is lost: %s", kind)

    async def lifespan_startup(self, message: dict[str, Any]) -> None:
        """Start the node.  `scope["gateway"]` says how clients reach the process."""
        try:
            self.channel_layer = get_channel_layer()
            bus = Bus(self.channel_layer)
            gateway = Gateway(id=new_gateway_id(), channel="", **self.scope["gateway"])
            self._node = dispatch.open_node(bus, gateway, memory)
            self._listening = asyncio.create_task(self._listen(bus))
            self._node.retire = self.scope.get("retire")
            await self._node.start()
            self._pulse = Pulse(self._node)
            self._pulse.start()
        except Exception as exc:  # lifespan wants it told, not raised
            log.debug("the node could not start", exc_info=True)
            await self.send({"type": "lifespan.startup.failed", "message": str(exc)})
        else:
            await self.send({"type": "lifespan.startup.complete"})

    async def _listen(self, bus: Bus) -> None:
        while True:
            try:
                message = await bus.receive()
            except Exception:  # what can't be read as a message
                log.exception("something on the bus is lost")
                await asyncio.sleep(DEAF_S)
            else:
                await self.dispatch(message)

    async def lifespan_shutdown(self, message: dict[str, Any]) -> None:
        """Store and answer what was taken; after this no command is worked on."""
        assert self._node is not None
        await self._node.stop()
        if self._pulse is not None:
            await self._pulse.stop()
        # Closes its Redis connections while the loop still runs; later it would wait for ever.
        with contextlib.suppress(TimeoutError):  # Redis may not answer: the process ends anyway
            async with asyncio.timeout(FLUSH_S):
                await self.channel_layer.flush()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening], timeout=FLUSH_S)
        await self.send({"type": "lifespan.shutdown.complete"})
        raise StopConsumer

    async def bus_batch(self, message: dict[str, Any]) -> None:
        """Take what a peer sends."""
        if self._node is not None:
            self._node.receive(message)

    async def bus_question(self, message: dict[str, Any]) -> None:
        """Answer what an operator asks."""
        if self._node is not None:
            answer = answer_message(self._node, message)
            await self.channel_layer.send(message["reply_to"], answer)
