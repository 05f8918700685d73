"""Deliveries that no client has acknowledged yet: how many went into the void, for operators.

Only a statistic, as in the original: some clients never acknowledge, and whoever missed a message
finds it by its id at the next sync.
"""

import time
from collections import deque

Key = tuple[int, int, int]  # session, author, message id


class UnackedDeliveries:
    """Counts deliveries that stay unacknowledged for `seconds`, at most `items` at a time."""

    def __init__(self, *, seconds: float, items: int) -> None:
        self.missed = 0
        self._seconds = seconds
        self._items = items
        self._pending: dict[Key, None] = {}
        self._due: deque[tuple[float, Key]] = deque()

    def __len__(self) -> int:
        """Return how many deliveries wait for their acknowledgement."""
        return len(self._pending)

    def add(self, session_id: int, author_id: int, msg_id: int) -> None:
        """Note a delivery."""
        if len(self._due) >= self._items:
            self._give_up_oldest()
        key = (session_id, author_id, msg_id)
        self._pending[key] = None
        self._due.append((time.monotonic() + self._seconds, key))

    def acknowledged(self, session_id: int, author_id: int, msg_id: int) -> None:
        """Strike a delivery off: the client has it."""
        self._pending.pop((session_id, author_id, msg_id), None)

    def count_missed(self) -> None:
        """Count what is overdue.  Call it every now and then."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        _, key = self._due.popleft()
        if key in self._pending:
            del self._pending[key]
            self.missed += 1
