"""Reaching live connections from outside the loop: from the console, HTTP views and commands.

Where this process hosts connections its node is asked; elsewhere the gateways are, over the channel
layer.  Without Redis and without a node there is nobody to reach.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from im.delivery.cluster.bus import OUTSIDE, BusItem, batch
from im.delivery.cluster.gateway_registry import Gateway, borrowed_registry
from im.delivery.cluster.known_gateways import memory
from im.delivery.cluster.peers import DELIVER, END
from im.delivery.local.sessions import Delivery, Ending
from im.delivery.node import Node, here
from im.delivery.remote import control, control_client
from im.delivery.remote.control_client import Answers
from im.types import DeviceClass

log = logging.getLogger(__name__)

PATIENCE_S = 3.0  # somebody waits for a page
OFFLINE = DeviceClass(0)


@dataclass(frozen=True, slots=True)
class Online:
    """With which devices users are connected; None: nobody knows.

    `answers` says which gateways could not be asked.  Those who were found all the same are online,
    maybe with more devices than are known.
    """

    devices: dict[int, DeviceClass | None]
    answers: Answers


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


def online_devices(user_ids: Sequence[int]) -> Online:
    """Return with which devices each of the users is connected, anywhere.

    A process that hosts connections knows, as long as its peers can tell it; others ask the
    gateways and wait for them a moment.  Threads may ask, for a page's worth of ids.
    """
    node = here()
    if node is not None and not node.is_stopping:
        return _devices_known_here(node, user_ids)
    if not settings.REDIS_URL:
        return Online(dict.fromkeys(user_ids), Answers())
    return _devices_elsewhere(user_ids)


def _devices_known_here(node: Node, user_ids: Sequence[int]) -> Online:
    """Without Redis only the node's own sessions count: what peers told is as old as the outage."""
    answers = control_client.gateways()
    if not answers.is_cut_off:
        return Online({one: node.presence.devices_of(one) for one in user_ids}, answers)
    return Online({one: node.sessions.devices_of(one) or None for one in user_ids}, answers)


def _devices_elsewhere(user_ids: Sequence[int]) -> Online:
    """Ask all gateways; with one of them silent, nobody knows who is offline."""
    answers = control_client.ask(control.SESSIONS, 0, len(user_ids), list(user_ids))
    found = dict.fromkeys(user_ids, OFFLINE)
    for told in answers.said.values():
        for user_id, _, client_type, *_ in told:
            found[user_id] |= DeviceClass.of(client_type)
    is_whole = not (answers.is_cut_off or answers.silent)
    return Online({one: found[one] if is_whole else found[one] or None for one in found}, answers)


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
