"""The throttles of logins: one for people, one for the console's operators.

With Redis all processes count together; while it is away, and without it, each for itself.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from im.services.identity.login_counts import MemoryCounts
from im.services.identity.login_limits import (
    Attempt,
    Blocked,
    Limits,
    Verdict,
    console_limits,
    people_limits,
)
from im.services.identity.shared_login_counts import SharedCounts

log = logging.getLogger(__name__)

REDIS_TIMEOUT_S = 1.0
REST_S = 5.0  # after a failure: a Redis that hangs must not hold up every login

Counts = MemoryCounts | SharedCounts
T = TypeVar("T")


class Throttle:
    """Judges attempts where they are counted; use it from any thread, never on a loop."""

    def __init__(self, kind: str, limits: Callable[[], Limits]) -> None:
        self._limits = limits
        self._memory = MemoryCounts()
        self._shared = _shared_counts(f"im:{kind}:") if settings.REDIS_URL else None
        self._rests_until = 0.0

    def judge(self, attempts: Sequence[Attempt]) -> list[Verdict]:
        """Count these attempts, which were checked, in order; return what becomes of each."""
        if not attempts:
            return []
        return self._in_counts(lambda counts: counts.judge(self._limits(), attempts))

    def forgive(self, name: str) -> None:
        """Forget a name's failures, for it has a new password or somebody says so."""
        self._memory.forgive(name)  # what was counted while Redis was away
        self._in_counts(lambda counts: counts.forgive(name))

    def forgive_address(self, address: str) -> None:
        """Forget an address's failures."""
        self._memory.forgive_address(address)
        self._in_counts(lambda counts: counts.forgive_address(address))

    def blocked(self) -> list[Blocked]:
        """Return whom failures make wait, the newest first; of thousands the newest ones."""
        return self._in_counts(lambda counts: counts.blocked(self._limits()))

    @property
    def is_resting(self) -> bool:
        """Whether Redis failed so lately that it is not asked."""
        return time.monotonic() < self._rests_until

    def _in_counts(self, ask: Callable[[Counts], T]) -> T:
        if self._shared is not None and not self.is_resting:
            try:
                return ask(self._shared)
            except RedisError as exc:
                self._rests_until = time.monotonic() + REST_S
                log.warning("failed logins are counted by each process for itself: %s", exc)
        return ask(self._memory)


@cache
def of_people() -> Throttle:
    """Return the throttle of the messenger's logins, by TCP, WebSocket and HTTP."""
    return Throttle("logins", people_limits)


@cache
def of_console() -> Throttle:
    """Return the throttle of the console's logins."""
    return Throttle("console", console_limits)


def forgive_on_commit(names: Collection[str]) -> None:
    """Forget the failures of people who get new passwords in this transaction."""

    def forgive() -> None:
        for name in names:
            of_people().forgive(name)

    if names:
        transaction.on_commit(forgive)


def _shared_counts(prefix: str) -> SharedCounts:
    redis = Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )
    return SharedCounts(redis, prefix)
