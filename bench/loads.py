"""The kinds of load.  Each runs in one or more worker processes, which share the people out."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Protocol, TypeVar

from bench.client import Client, Entrance
from bench.tally import Tally

LOGINS_AT_ONCE = 32  # while a load gets ready

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a load one worker does, and how it waits for the others."""

    entrance: Entrance
    worker: int  # from 0
    workers: int
    begin: Callable[[], Awaitable[float]]  # tells that all is ready; returns when to begin
    settled: Callable[[], Awaitable[float]]  # tells that what there is can be measured

    def of(self, things: Iterable[T]) -> list[T]:
        """Return this worker's part."""
        return list(things)[self.worker :: self.workers]


class Load(Protocol):
    """A kind of load with its numbers.

    `window` None: a fixed amount of work, measured from `share.begin` to `share.settled`.
    """

    @property
    def workers(self) -> int: ...

    @property
    def window(self) -> "Window | None": ...

    async def run(self, share: Share) -> Tally:
        """Do one worker's part."""

    def check(self, whole: Tally) -> None:
        """Add the faults that only all workers' counts show."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a load warms up and when it counts, in seconds."""

    warm_up_s: float = 1.0
    measured_s: float = 3.0

    async def through(self, begin: float, measure: Callable[[bool], None]) -> None:
        """Wait through it; `measure` is switched on and off at its ends."""
        await asyncio.sleep(begin + self.warm_up_s - monotonic())
        measure(True)
        await asyncio.sleep(begin + self.warm_up_s + self.measured_s - monotonic())
        measure(False)


USUAL = Window()


async def log_all_in(entrance: Entrance, people: Iterable[tuple[int, int]]) -> list[Client]:
    """Return connections of the people (number, client type), in this order."""
    gate = asyncio.Semaphore(LOGINS_AT_ONCE)

    async def one(number: int, client_type: int) -> Client:
        async with gate:
            return await entrance.log_in(number, client_type)

    return list(await asyncio.gather(*(one(*person) for person in people)))
