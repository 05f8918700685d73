"""Connections that say nothing for too long are closed.

A wheel of one-second slots: a session stands in the slot of its earliest possible deadline and is
looked at only then.  Hearing from it costs an assignment, an idle connection nothing until then.
"""

import asyncio
from collections.abc import Callable

from im.delivery.local.sessions import Session

SLOT_S = 1.0


class SilenceWatch:
    """Calls `expired(session)` when `limit_s(session)` has passed since `session.heard_at`."""

    def __init__(
        self, limit_s: Callable[[Session], float], expired: Callable[[Session], None]
    ) -> None:
        self._limit_s = limit_s
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._slots: dict[int, list[Session]] = {}
        self._now = int(self._loop.time() / SLOT_S)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look at sessions."""
        self._timer = self._loop.call_later(SLOT_S, self._turn)

    def stop(self) -> None:
        """Look at no session any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._slots.clear()

    def add(self, session: Session) -> None:
        """Watch `session` until it expires or is closed."""
        due = max(self._now, int((session.heard_at + self._limit_s(session)) / SLOT_S)) + 1
        self._slots.setdefault(due, []).append(session)

    def _turn(self) -> None:
        self._timer = self._loop.call_later(SLOT_S, self._turn)
        now = self._loop.time()
        for slot in range(self._now + 1, int(now / SLOT_S) + 1):
            self._now = slot
            for session in self._slots.pop(slot, ()):
                if session.is_closed:
                    continue
                if now - session.heard_at > self._limit_s(session):
                    self._expired(session)
                else:
                    self.add(session)
