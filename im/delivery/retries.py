"""A client's retry of a message it got no answer to: stored once, answered alike.

Windows clients send an unacknowledged message again after 5 s with the same sequence number.
"""

import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field

from im.delivery.sessions import Session


@dataclass(slots=True)
class Attempt:
    """One message of a sender: on its way while `msg_id` is 0, stored under it afterwards."""

    expires: float
    msg_id: int = 0
    waiting: list[Session] = field(default_factory=list)  # retries from other connections


class RetryMemory:
    """Remembers, per sender, the last `items` messages for `seconds`."""

    def __init__(self, *, items: int, seconds: float) -> None:
        self._items = items
        self._seconds = seconds
        self._senders: OrderedDict[int, OrderedDict[Hashable, Attempt]] = OrderedDict()

    def recall(self, sender_id: int, key: Hashable) -> Attempt | None:
        """Return the earlier attempt that `key` repeats, if it is remembered."""
        attempt = self._senders.get(sender_id, {}).get(key)
        return attempt if attempt and attempt.expires > time.monotonic() else None

    def remember(self, sender_id: int, key: Hashable) -> Attempt:
        """Note an attempt that begins now."""
        now = time.monotonic()
        attempts = self._senders.setdefault(sender_id, OrderedDict())
        self._senders.move_to_end(sender_id)
        attempt = attempts[key] = Attempt(now + self._seconds)
        if len(attempts) > self._items:
            attempts.popitem(last=False)
        self._forget_the_silent(now)
        return attempt

    def forget(self, sender_id: int, key: Hashable) -> None:
        """Drop an attempt that was not stored: its retry shall be."""
        self._senders.get(sender_id, OrderedDict()).pop(key, None)

    def _forget_the_silent(self, now: float) -> None:
        # Two per call: more go than can come, and no call does more work than that.
        for _ in range(2):
            sender_id, attempts = next(iter(self._senders.items()))
            newest = next(reversed(attempts.values()), None)
            if newest is not None and newest.expires > now:
                return
            del self._senders[sender_id]
            if not self._senders:
                return
