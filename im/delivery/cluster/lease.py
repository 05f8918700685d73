"""The lease: a gateway's entry in the registry, renewed turn by turn, and what it finds there."""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

from django.conf import settings
from redis.exceptions import AuthenticationError, NoPermissionError

from im.delivery.cluster.bus import Bus
from im.delivery.cluster.gateway_registry import TURNS, Gateway, open_registry
from im.delivery.cluster.known_gateways import KnownGateways

log = logging.getLogger(__name__)

MIN_TURN_S = 0.2
WITHDRAW_S = 2.0
START_S = 3.0  # for the first turn; a gateway without the registry is better than none


def turn_seconds() -> float:
    """Return how long a turn is."""
    return max(MIN_TURN_S, float(settings.IM_LEASE_SECONDS) / TURNS)


class Holder(Protocol):
    """Whose lease it is."""

    def entry(self) -> Gateway:
        """Return what the registry shall say."""

    def turn(self, live: list[Gateway], *, is_trusted: bool) -> None:
        """Called with the gateways found.  Not `is_trusted`: the registry has lost some lately."""

    def interrupted(self, since: float) -> None:
        """Called when the registry is back, or back with nothing in it; the loop's time."""


class Lease:
    """Renews the entry until it is stopped, and outlives the registry.

    `is_down`: the registry can't be reached, so who else is there is only remembered.
    """

    def __init__(self, holder: Holder, bus: Bus, known: KnownGateways) -> None:
        self._holder = holder
        self._bus = bus
        self._known = known
        self._registry = open_registry()
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._good_at = 0.0  # the last turn that worked
        self.is_down = False
        self._trusted_from = 0.0

    async def start(self) -> None:
        """Enter the registry, at once or when it is back.  Raises if it lets nobody in."""
        self._good_at = self._loop.time()
        try:
            _, live = await self._ask(START_S)
        except (AuthenticationError, NoPermissionError):
            raise  # no outage: the settings are wrong
        except Exception as exc:  # noqa: BLE001  # whatever Redis raises
            self._went_down(exc)
            self._holder.turn([self._holder.entry()], is_trusted=False)
        else:
            self._known.learn(live)
            self._holder.turn(live, is_trusted=True)
        self._task = self._loop.create_task(self._keep())

    async def withdraw(self) -> None:
        """Leave the registry; without it, the lease runs out."""
        if self._task is not None:
            self._task.cancel()
        with suppress(Exception):
            async with asyncio.timeout(WITHDRAW_S):
                await self._registry.withdraw(self._holder.entry().id)

    async def close(self) -> None:
        """Let go of the registry."""
        with suppress(Exception):
            await self._registry.close()

    async def _keep(self) -> None:
        turn_s = turn_seconds()
        while True:
            await asyncio.sleep(turn_s)
            try:
                was_in, live = await self._ask(turn_s)
            except Exception as exc:  # noqa: BLE001  # whatever Redis raises; the next turn may work
                self._went_down(exc)
                continue
            try:
                self._turned(live, is_whole=was_in and not self.is_down)
            except Exception:  # a bug; without a lease the gateway would be nobody's
                log.exception("a turn of the lease failed")

    async def _ask(self, seconds: float) -> tuple[bool, list[Gateway]]:
        """Renew the entry; return whether it was there, and all entries."""
        async with asyncio.timeout(seconds):
            await self._bus.open()  # before any peer hears of us
            was_in = await self._registry.announce(self._holder.entry())
            return was_in, await self._registry.live()

    def _went_down(self, error: Exception) -> None:
        if not self.is_down:
            why = str(error) or "no answer"
            log.warning("the gateway registry can't be reached: %s; going on alone", why)
        self.is_down = True
        self._known.add(self._holder.entry())

    def _turned(self, live: list[Gateway], *, is_whole: bool) -> None:
        now, good_at = self._loop.time(), self._good_at
        self._good_at, self.is_down = now, False
        if not is_whole:
            log.warning("the gateway registry is back, or had lost this gateway's lease")
            self._trusted_from = now + settings.IM_LEASE_SECONDS
        self._known.learn(live)
        self._holder.turn(live, is_trusted=now >= self._trusted_from)
        if not is_whole:
            self._holder.interrupted(good_at)
