"""Discovery: which gateway somebody who asks this process shall go to."""

import asyncio
from contextlib import suppress

from django.conf import settings

from im.delivery.cluster.gateway_registry import Choice, choose, open_registry
from im.delivery.cluster.known_gateways import memory
from im.delivery.cluster.lease import WITHDRAW_S, turn_seconds
from im.delivery.node import Node, here


async def follow() -> None:
    """Keep what this process knows of gateways up to date, until cancelled.

    A web process has to know them before Redis is gone, asked by anybody or not.
    """
    try:
        while settings.REDIS_URL:
            if here() is None:  # else its lease does it
                await memory.refresh()
            await asyncio.sleep(turn_seconds())
    finally:
        if here() is None:
            with suppress(Exception):
                async with asyncio.timeout(WITHDRAW_S):
                    await open_registry().close()


async def choice() -> Choice:
    """Return the least loaded gateway; without Redis the one here, or one that was known last.

    Waits for Redis no longer than a second.
    """
    node = here()
    if node is not None:
        return choice_at(node)
    if not settings.REDIS_URL:
        return choose(await open_registry().live())
    await memory.refresh()
    return memory.choice()


def choice_at(node: Node) -> Choice:
    """Return the same as this node knows it: of its last turn."""
    if node.lease.is_down:
        own = choose([node.entry()])
        if own.gateway is not None:
            return own
    return node.known.choice()
