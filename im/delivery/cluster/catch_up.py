"""Repairs: what the bus lost is taken from the database.

A gateway that may have missed deliveries pushes to its own users what their conversations got
since then; clients drop what they have by its id.  Where it can't, connections are closed in a
spread, so that clients sync.  "Since" is a time here and a place in the tables there: marks, the
tables' newest ids, are taken every turn of the lease, so that the look back is a short range of a
primary key.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from im.delivery.local.sessions import Delivery
from im.errors import Overloaded

log = logging.getLogger(__name__)

T = TypeVar("T")

# Ids are given out before COMMIT: marks must be older than what they are to find by more than a
# transaction takes.
MARGIN_S = 3.0
GATHER_S = 0.3  # one look answers several gaps
LATE_GATHER_S = 1.0
KEPT_MARKS = 240  # ten minutes with the default lease
ATTEMPTS = 5
RETRY_S = 2.0
SLICE = 200  # deliveries per turn of the loop

Marks = tuple[int, ...]
Deliveries = Sequence[Delivery]


class Truth(Protocol):
    """The database, as far as repairs ask it; all methods run in a database thread."""

    def marks(self) -> Marks:
        """Return where the tables end now."""

    def missed(self, since: Marks, user_ids: Collection[int]) -> Deliveries:
        """Return what these users were to get since then.  Raises Overloaded if it is too much."""


class Host(Protocol):
    """What repairs need of the node."""

    def in_thread(
        self, work: Callable[[], T], done: Callable[[T | None, Exception | None], None]
    ) -> None:
        """Run database work in a thread."""

    def local_users(self) -> Collection[int]:
        """Return who is connected here."""

    def take_delivery(self, delivery: Delivery) -> None:
        """Deliver to connections here."""

    def resync_users(self, user_ids: Collection[int]) -> None:
        """Close the connections of some users."""

    def resync(self) -> None:
        """Close the connections of now in a spread."""


class Repairs:
    """Gathers what is to be repaired, and repairs it once.  Times are the loop's."""

    def __init__(self, host: Host, truth: Truth) -> None:
        self._host = host
        self._truth = truth
        self._loop = asyncio.get_running_loop()
        self._marks: deque[tuple[float, Marks]] = deque(maxlen=KEPT_MARKS)
        self._is_marking = False
        self._has_marks = asyncio.Event()
        self._since: float | None = None  # what is asked for
        self._late: dict[int, float] = {}  # users for whom alone is looked, since when
        self._is_running = False
        self._covered = (float("inf"), 0.0)  # the last look: from when on, and until when
        self.done = 0
        self.given_up = 0

    def mark(self) -> None:
        """Take marks, without waiting for them."""
        if self._is_marking:
            return
        self._is_marking = True

        def marked(marks: Any, error: Exception | None) -> None:
            self._is_marking = False
            if error is None:  # the time of now: a busy thread may have looked only a moment ago
                self._marks.append((self._loop.time(), marks))
                self._has_marks.set()

        self._host.in_thread(self._truth.marks, marked)

    async def marked(self) -> None:
        """Wait for the first marks, which must be older than the first client."""
        await self._has_marks.wait()

    def ask(self, since: float) -> None:
        """Ask for what may have been missed since then."""
        self._since = since if self._since is None else min(self._since, since)
        if not self._is_running:
            self._is_running = True
            self._loop.call_later(GATHER_S, self._begin, ATTEMPTS)

    def ask_for(self, user_id: int, since: float) -> None:
        """Ask for what one user may have missed since then."""
        if not self._late:
            self._loop.call_later(LATE_GATHER_S, self._look_for_late)
        self._late.setdefault(user_id, since)

    def _look_for_late(self) -> None:
        late, self._late = self._late, {}
        log.info("looking for what %d users may have missed who had just come", len(late))
        marks = self._marks_before(min(late.values()) - MARGIN_S)

        def found(deliveries: Deliveries | None, error: Exception | None) -> None:
            if error is not None:
                log.warning("%d who had just come are to sync: %s", len(late), error)
                self._host.resync_users(late)
                return
            for delivery in deliveries or ():
                self._host.take_delivery(delivery)

        if marks is None:
            self._host.resync_users(late)
        else:
            self._host.in_thread(lambda: self._truth.missed(marks, late.keys()), found)

    def _begin(self, attempts: int) -> None:
        asked, self._since = self._since, None
        assert asked is not None
        since = asked
        if self._covered[0] <= since:  # the last look has found what is older
            since = max(since, self._covered[1])
        users = self._host.local_users()
        marks = self._marks_before(since - MARGIN_S)
        if not users:
            self._end()
        elif marks is None:
            self._give_up("it is too long ago")
        else:
            found_at = self._loop.time()

            def found(deliveries: Deliveries | None, error: Exception | None) -> None:
                if error is None:
                    log.info("repairing %d deliveries", len(deliveries or ()))
                    self._covered = (min(since, asked), found_at)
                    self._deliver(list(deliveries or ()))
                elif attempts > 1 and not isinstance(error, Overloaded):
                    log.warning("what was missed can't be looked for yet: %s", error)
                    self._since = asked if self._since is None else min(self._since, asked)
                    self._loop.call_later(RETRY_S, self._begin, attempts - 1)
                else:
                    self._give_up(str(error))

            self._host.in_thread(lambda: self._truth.missed(marks, users), found)

    def _marks_before(self, moment: float) -> Marks | None:
        """Return the newest marks taken before then; None if there are none so old."""
        for taken_at, marks in reversed(self._marks):
            if taken_at <= moment:
                return marks
        if self._marks and len(self._marks) < KEPT_MARKS:
            return self._marks[0][1]  # taken before this gateway had clients
        return None

    def _deliver(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries[:SLICE]:
            self._host.take_delivery(delivery)
        if len(deliveries) > SLICE:
            self._loop.call_soon(self._deliver, deliveries[SLICE:])
            return
        self.done += 1
        self._end()

    def _give_up(self, reason: str) -> None:
        log.warning("what was missed can't be repaired (%s): clients are to sync", reason)
        self.given_up += 1
        self._host.resync()
        self._end()

    def _end(self) -> None:
        self._is_running = False
        if self._since is not None:
            self.ask(self._since)
