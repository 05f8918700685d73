"""Asking live gateways from outside the loop: the console's side of `control`."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from im.delivery.cluster.gateway_registry import Gateway, borrowed_registry
from im.delivery.cluster.known_gateways import memory
from im.delivery.node import Node, here
from im.delivery.remote.control import Plain, answer, question

log = logging.getLogger(__name__)

PATIENCE_S = 2.0  # somebody waits for a page
CLOSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Answers:
    """What gateways said, by gateway id; `silent` are those that were asked and did not answer.

    `gateways` is all that live.  `is_cut_off`: the registry can't be asked, so only the gateway of
    this process was, if it has one.
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


async def ask_from_loop(name: str, *arguments: Plain) -> Answers:
    """Ask all live gateways as `ask` does, but from a coroutine, on whatever loop."""
    node = here()
    if node is None:
        return await _ask(None, name, arguments, None) if settings.REDIS_URL else Answers()
    if node.loop is asyncio.get_running_loop():
        return await _ask(node, name, arguments, None)
    asked = asyncio.run_coroutine_threadsafe(_ask(node, name, arguments, None), node.loop)
    return await asyncio.wrap_future(asked)


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
    live, is_cut_off = await _live(node)
    if name is None:
        return Answers(gateways=tuple(live), is_cut_off=is_cut_off)
    asked = [gateway for gateway in live if only in (None, gateway.id)]
    said: dict[str, Plain] = {}
    if node is not None and node.gateway.id in {gateway.id for gateway in asked}:
        said[node.gateway.id] = answer(node, name, arguments)
    others = [gateway for gateway in asked if gateway.id not in said]
    if others and settings.REDIS_URL:
        said |= await _ask_others(others, name, arguments)
    silent = tuple(gateway for gateway in asked if gateway.id not in said)
    return Answers(said, tuple(live), silent, is_cut_off)


async def _live(node: Node | None) -> tuple[list[Gateway], bool]:
    """Return the live gateways, and whether the registry can't be asked."""
    alone = [] if node is None else [node.entry()]
    if memory.is_down if node is None else node.lease.is_down:
        return alone, True
    try:
        async with asyncio.timeout(PATIENCE_S), borrowed_registry() as registry:
            return await registry.live(), False
    except Exception:  # noqa: BLE001  # whatever Redis raises: the page says that it is away
        return alone, True


async def _ask_others(
    others: Sequence[Gateway], name: str, arguments: Sequence[Plain]
) -> dict[str, Plain]:
    layer = get_channel_layer()
    replies = _Replies(layer, len(others))
    try:
        async with asyncio.timeout(PATIENCE_S):
            await replies.start()
            for gateway in others:
                await layer.send(gateway.channel, question(name, arguments, replies.channel))
            await replies.complete.wait()
    except Exception as exc:  # noqa: BLE001  # too late, or whatever Redis raises: some are silent
        log.debug("not all gateways answered: %s", exc or "too late")
    await replies.stop()
    return replies.said


class _Replies:
    """A channel of its own for what a question's gateways say; `complete` when `count` have."""

    def __init__(self, layer: Any, count: int) -> None:
        self.said: dict[str, Plain] = {}
        self.complete = asyncio.Event()
        self.channel = ""
        self._layer = layer
        self._count = count
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.channel = await self._layer.new_channel("im.reply")
        self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Give the channel back: the layer does when nobody waits for it any more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening], timeout=CLOSE_S)

    async def _listen(self) -> None:
        while True:
            message = await self._layer.receive(self.channel)
            self.said[message["gateway"]] = message["said"]
            if len(self.said) >= self._count:
                self.complete.set()
