"""Counts of failed logins in this process's memory.

A batch of attempts is judged in order, each by what those before it left behind, and at once for
all threads: guesses that are made at the same time get no more tries.  What is kept is bounded: who
was untouched for longest is forgotten first.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from threading import Lock
from typing import TypeVar

from im.networks import UNKNOWN
from im.services.identity.login_limits import Attempt, Blocked, Limit, Limits, Verdict

NAMES_KEPT = 100_000  # names come from the wire
ADDRESSES_KEPT = 100_000
ADDRESSES_PER_NAME = 64  # failures from further ones count for the name and the address alone
KNOWN_PER_NAME = 8  # addresses a name has logged in from
KNOWN_S = 30 * 86_400
LISTED = 1_000  # names, and addresses, that operators are shown
EVERYWHERE = ""  # the address under which a name's failures from all addresses stand

Value = TypeVar("Value")


class _Tally:
    """Failures, and when the last one was."""

    __slots__ = ("failures", "last_at")

    def __init__(self) -> None:
        self.failures = 0
        self.last_at = 0.0

    def add(self, now: float) -> None:
        self.failures += 1
        self.last_at = now

    def wait_s(self, limit: Limit, now: float) -> float:
        return max(0.0, self.last_at + limit.wait_s(self.failures) - now)


class MemoryCounts:
    """Failures of one kind of login; threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = Lock()
        # The order is that of the last failure.
        self._names: OrderedDict[str, OrderedDict[str, _Tally]] = OrderedDict()
        self._addresses: OrderedDict[str, _Tally] = OrderedDict()
        self._known: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()

    def judge(self, limits: Limits, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Count these attempts; return what becomes of each."""
        with self._lock:
            now = self._clock()
            self._forget_old(now - limits.window_s)
            return [self._judge(limits, attempt, now) for attempt in attempts]

    def forgive(self, name: str) -> None:
        """Forget all about a name, the addresses it is known at included."""
        with self._lock:
            self._names.pop(name, None)
            self._known.pop(name, None)

    def forgive_address(self, address: str) -> None:
        """Forget the failures of an address."""
        with self._lock:
            self._addresses.pop(address, None)

    def blocked(self, limits: Limits) -> list[Blocked]:
        """Return who has failed more often than is allowed, the newest first."""
        with self._lock:
            now = self._clock()
            self._forget_old(now - limits.window_s)
            found = [
                Blocked(name, address, tally.failures, tally.last_at, tally.wait_s(limit, now))
                for name, address, tally, limit in self._tallies(limits)
                if limit.is_exceeded(tally.failures)
            ]
        return sorted(found, key=lambda one: -one.last_at)

    def _tallies(self, limits: Limits) -> Iterator[tuple[str, str, _Tally, Limit]]:
        for name, tallies in islice(reversed(self._names.items()), LISTED):
            for address, tally in tallies.items():
                yield name, address, tally, limits.pair if address else limits.name
        for address, tally in islice(reversed(self._addresses.items()), LISTED):
            yield "", address, tally, limits.address

    def _judge(self, limits: Limits, attempt: Attempt, now: float) -> Verdict:
        name, address, is_right = attempt
        tallies = self._names.get(name) or OrderedDict()
        counted = [(tallies.get(address), limits.pair)]
        known = self._known.get(name) or OrderedDict()
        if known.get(address, -math.inf) <= now - KNOWN_S:
            counted.append((tallies.get(EVERYWHERE), limits.name))
            counted.append((self._addresses.get(address), limits.address))
        if any(tally and tally.wait_s(limit, now) for tally, limit in counted):
            return Verdict.BLOCKED
        if is_right:
            self._succeeded(name, address, now)
            return Verdict.ADMITTED
        self._failed(name, address, now)
        return Verdict.WRONG

    def _succeeded(self, name: str, address: str, now: float) -> None:
        known = self._known.setdefault(name, OrderedDict())
        known[address] = now
        _bound(known, address, KNOWN_PER_NAME)
        _bound(self._known, name, NAMES_KEPT)
        tallies = self._names.get(name) or OrderedDict()
        mine = tallies.get(address)
        if mine is None:
            return
        for tally in (tallies.get(EVERYWHERE), self._addresses.get(address)):
            if tally is not None:  # their own mistakes count nowhere any more
                tally.failures = max(0, tally.failures - mine.failures)
        del self._names[name][address]

    def _failed(self, name: str, address: str, now: float) -> None:
        tallies = self._names.setdefault(name, OrderedDict())
        tallies.setdefault(EVERYWHERE, _Tally()).add(now)
        if address in tallies or len(tallies) <= ADDRESSES_PER_NAME:
            tallies.setdefault(address, _Tally()).add(now)
        _bound(self._names, name, NAMES_KEPT)
        if address != UNKNOWN:
            self._addresses.setdefault(address, _Tally()).add(now)
            _bound(self._addresses, address, ADDRESSES_KEPT)

    def _forget_old(self, horizon: float) -> None:
        _drop_while(self._names, lambda tallies: tallies[EVERYWHERE].last_at < horizon)
        _drop_while(self._addresses, lambda tally: tally.last_at < horizon)


def _bound(kept: OrderedDict[str, Value], newest: str, most: int) -> None:
    kept.move_to_end(newest)
    if len(kept) > most:
        kept.popitem(last=False)


def _drop_while(kept: OrderedDict[str, Value], is_old: Callable[[Value], bool]) -> None:
    while kept and is_old(kept[next(iter(kept))]):
        kept.popitem(last=False)
