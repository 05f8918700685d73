"""Asking live gateways from outside the loop: the console's side of `im.delivery.questions`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from im.delivery.node import Node, here
from im.delivery.questions import Plain, answer, question
from im.delivery.registry import Gateway, open_registry

PATIENCE_S = 2.0  # somebody waits for a page


@dataclass(frozen=True, slots=True)
class Answers:
    """What gateways said, by gateway id; `silent` are those that were asked and did not answer.

    `gateways` is all that live.  `is_cut_off`: the registry can't be asked, so nobody was.
    """

    said: dict[str, Plain] = field(default_factory=dict)
    gateways: tuple[Gateway, ...] = ()
    silent: tuple[Gateway, ...] = ()
    is_cut_off: bool = False


def gateways() -> Answers:
    """Return the live gateways without asking them anything."""
    return _run(None, (), None)


def ask(name: str, *arguments: Plain, only: str | None = None) -> Answers:
    """Ask all live gateways, or the one of this id, and wait PATIENCE_S at most.

    Call it from a thread.  The node of this process answers itself; without Redis there is no
    other.
    """
    return _run(name, arguments, only)


def _run(name: str | None, arguments: Sequence[Plain], only: str | None) -> Answers:
    node = here()
    if node is not None:
        asked = asyncio.run_coroutine_threadsafe(_ask(node, name, arguments, only), node.loop)
        return asked.result(3 * PATIENCE_S)
    if not settings.REDIS_URL:
        return Answers()
    answers: Answers = async_to_sync(_ask)(None, name, arguments, only)
    return answers


async def _ask(
    node: Node | None, name: str | None, arguments: Sequence[Plain], only: str | None
) -> Answers:
    registry = open_registry()
    try:
        async with asyncio.timeout(PATIENCE_S):
            live = await registry.live()
    except Exception:  # noqa: BLE001  # whatever Redis raises: the page says that it is away
        return Answers(is_cut_off=True)
    finally:
        if node is None:
            await registry.close()
    if name is None:
        return Answers(gateways=tuple(live))
    asked = [gateway for gateway in live if only in (None, gateway.id)]
    said: dict[str, Plain] = {}
    if node is not None and node.gateway.id in {gateway.id for gateway in asked}:
        said[node.gateway.id] = answer(node, name, arguments)
    others = [gateway for gateway in asked if gateway.id not in said]
    if others and settings.REDIS_URL:
        said |= await _ask_others(others, name, arguments)
    silent = tuple(gateway for gateway in asked if gateway.id not in said)
    return Answers(said, tuple(live), silent)


async def _ask_others(
    others: Sequence[Gateway], name: str, arguments: Sequence[Plain]
) -> dict[str, Plain]:
    layer = get_channel_layer()
    said: dict[str, Plain] = {}
    try:
        async with asyncio.timeout(PATIENCE_S):
            reply_to = await layer.new_channel("im.reply")
            for gateway in others:
                await layer.send(gateway.channel, question(name, arguments, reply_to))
            while len(said) < len(others):
                message = await layer.receive(reply_to)
                said[message["gateway"]] = message["said"]
    except Exception:  # noqa: BLE001  # too late, or whatever Redis raises: some are silent
        return said
    return said
