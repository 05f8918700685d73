"""Reaching live connections from outside the loop: from the console, HTTP views and commands.

Where this process hosts connections its node is asked; elsewhere the gateways are, over the channel
layer.  Without Redis and without a node there is nobody to reach.
"""

import asyncio
import logging
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from im.delivery import asking, questions
from im.delivery.bus import OUTSIDE, BusItem, batch
from im.delivery.known_gateways import memory
from im.delivery.node import here
from im.delivery.peers import DELIVER, END
from im.delivery.registry import Gateway, borrowed_registry
from im.delivery.sessions import Delivery, Ending
from im.types import DeviceClass

log = logging.getLogger(__name__)

PATIENCE_S = 3.0  # somebody waits for a page


def publish_from_thread(effects: Sequence[Delivery | Ending]) -> None:
    """Let `effects` happen on all gateways.  Call it from a thread, after COMMIT."""
    node = here()
    if node is not None:
        for effect in effects:
            node.loop.call_soon_threadsafe(node.apply, effect)
    elif settings.REDIS_URL:
        async_to_sync(_send_to_gateways)([_item(effect) for effect in effects])
    else:
        log.info("no gateway is reached: this process has none, and there is no REDIS_URL")


def online_devices(user_ids: Sequence[int]) -> dict[int, DeviceClass] | None:
    """Return with which devices each of the users is connected, anywhere; None: nobody knows.

    A process that hosts connections knows; others ask the gateways and wait for them a moment.
    Threads may ask, for a page's worth of ids.
    """
    node = here()
    if node is not None and not node.is_stopping:
        return {user_id: node.presence.devices_of(user_id) for user_id in user_ids}
    return _devices_elsewhere(user_ids) if settings.REDIS_URL else None


def _devices_elsewhere(user_ids: Sequence[int]) -> dict[int, DeviceClass] | None:
    """Ask all gateways; with one of them silent, nobody knows who is offline."""
    answers = asking.ask(questions.SESSIONS, 0, len(user_ids), list(user_ids))
    if answers.is_cut_off or answers.silent:
        return None
    devices = dict.fromkeys(user_ids, DeviceClass(0))
    for told in answers.said.values():
        for user_id, _, client_type, *_ in told:
            devices[user_id] |= DeviceClass.of(client_type)
    return devices


def _item(effect: Delivery | Ending) -> BusItem:
    if isinstance(effect, Ending):
        return (END, *effect.plain())
    return (DELIVER, *effect.plain())


async def _send_to_gateways(items: list[BusItem]) -> None:
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(PATIENCE_S):
            for gateway in await _gateways():
                await layer.send(gateway.channel, batch(OUTSIDE, 0, items))
    except Exception as exc:  # noqa: BLE001  # whatever Redis raises: the change itself is stored
        log.warning("%d items did not reach the gateways: %s", len(items), exc or "no answer")


async def _gateways() -> list[Gateway]:
    """Return those in the registry, or that were: some may be there though it has lost them."""
    async with borrowed_registry() as registry:
        live = await registry.live()
    return live or [one for one in memory.all() if one.channel]
