"""The bus: what one gateway tells another, over the channel layer.

Everything posted to a peer in one turn of the loop goes in one send, numbered per sender and peer,
so that the receiver notices what got lost: the layer delivers at most once.  A number is used up
by what could not be sent, too.  An item is a tuple whose first element names its kind; only plain
values, since it is serialised by the layer.

Batches carry their sender's turn as well, a clock that counts what it has sent.  A peer that
repeats the turn it has heard tells what it knew then, without any clock of its own.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

MAX_BACKLOG = 50_000  # items per peer that wait for a slow Redis; more are dropped and missed
SEND_S = 2.0  # longer than any healthy Redis takes; what takes longer is lost
CLOSE_S = 1.0  # for the layer's connections after it could not give a channel

BusItem = tuple[Any, ...]
BATCH = "bus.batch"  # the message type: handled by the consumer method `bus_batch`
OUTSIDE = ""  # the sender of batches that nobody numbers


def batch(sender: str, number: int, items: list[BusItem], turn: int = 0) -> dict[str, Any]:
    """Return the channel layer's message for a batch."""
    return {"type": BATCH, "sender": sender, "number": number, "turn": turn, "items": items}


class Bus:
    """Sends batches of items to peers; `channel` is this process's own address.

    It has none before `open` has succeeded: nobody knows this process then, and it knows nobody.
    """

    def __init__(self, layer: Any, channel: str = "") -> None:
        self.channel = channel
        self._layer = layer
        self._is_open = asyncio.Event()
        if channel:
            self._is_open.set()
        self._outgoing: dict[str, list[BusItem]] = {}
        self._numbers: dict[str, int] = {}
        self._expected: dict[str, int] = {}
        self._heard: dict[str, int] = {}  # the turn of each sender's last batch
        self.turn = 0  # what is done in one turn is done before any batch of a later turn is sent
        self._sender: asyncio.Task[None] | None = None
        self._lost = 0  # items since the layer last took some
        self._is_closed = False

    async def open(self) -> None:
        """Take a channel, once.  Raises what the layer raises; the next call tries again."""
        if self.channel:
            return
        try:
            self.channel = await self._layer.new_channel()
        except BaseException:  # too late, too: half a subscription would stay
            with suppress(Exception):
                async with asyncio.timeout(CLOSE_S):
                    await self._layer.flush()
            raise
        self._is_open.set()

    async def receive(self) -> dict[str, Any]:
        """Return the next message that peers, or operators, have sent to this process."""
        await self._is_open.wait()
        message: dict[str, Any] = await self._layer.receive(self.channel)
        return message

    def post(self, channels: Iterable[str], item: BusItem) -> None:
        """Queue `item` for each of the peers' channels; nothing once the bus is closed."""
        if self._is_closed:
            return
        for channel in channels:
            waiting = self._outgoing.setdefault(channel, [])
            if len(waiting) < MAX_BACKLOG:
                waiting.append(item)
            else:
                self._skip_number(channel)
        if self._outgoing and self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._send_all())

    def received(self, message: dict[str, Any]) -> tuple[list[BusItem], bool]:
        """Return the items of a batch, and whether batches before it were lost."""
        sender, number = message["sender"], message["number"]
        items = [tuple(item) for item in message["items"]]
        if sender == OUTSIDE:
            return items, False
        self._heard[sender] = message.get("turn", 0)
        expected = self._expected.get(sender, 0)
        self._expected[sender] = number + 1
        return items, number != expected

    def heard(self, channel: str) -> int:
        """Return a peer's turn as it was in the last batch that came from there."""
        return self._heard.get(channel, 0)

    def forget(self, channel: str) -> None:
        """Drop what is kept about a peer that is gone."""
        self._outgoing.pop(channel, None)
        self._numbers.pop(channel, None)
        self._expected.pop(channel, None)
        self._heard.pop(channel, None)

    async def flush(self) -> None:
        """Wait until everything posted so far was handed to the layer."""
        if self._sender is not None:
            await asyncio.wait([self._sender])

    def close(self) -> None:
        """Send nothing from now on: the layer would open connections that nobody closes."""
        self._is_closed = True
        self._outgoing.clear()

    async def _send_all(self) -> None:
        try:
            while self._outgoing:
                outgoing, self._outgoing = self._outgoing, {}
                self.turn += 1
                for channel, items in outgoing.items():
                    await self._send(channel, items)
        finally:
            self._sender = None

    async def _send(self, channel: str, items: list[BusItem]) -> None:
        number = self._skip_number(channel)
        try:
            async with asyncio.timeout(SEND_S):
                await self._layer.send(channel, batch(self.channel, number, items, self.turn))
        except Exception as exc:  # noqa: BLE001  # whatever the layer's backend raises
            if not self._lost:
                log.warning("the channel layer takes nothing: %s", exc or type(exc).__name__)
            self._lost += len(items)
        else:
            if self._lost:
                log.warning("the channel layer is back; %d items for peers were lost", self._lost)
                self._lost = 0

    def _skip_number(self, channel: str) -> int:
        number = self._numbers.get(channel, 0)
        self._numbers[channel] = number + 1
        return number
