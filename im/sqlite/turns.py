"""Who may begin a transaction that writes: one at a time, in order, the message writer first.

SQLite has one writer, and whoever finds it busy asks again after up to 0.1 s.  A thread that makes
one long transaction after the other begins the next one within microseconds, so that others, who
sleep meanwhile, would wait for the end of all of them.
"""

import threading
from collections import deque


class Turns:
    """The turns at one database, for the threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._first: deque[threading.Event] = deque()
        self._others: deque[threading.Event] = deque()

    def take(self, *, goes_first: bool, timeout_s: float) -> bool:
        """Wait for a turn; tell whether there was one within the time."""
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            called = threading.Event()
            queue = self._first if goes_first else self._others
            queue.append(called)
        if called.wait(timeout_s):
            return True
        with self._lock:
            if called.is_set():  # at this very moment
                return True
            queue.remove(called)
        return False

    def give_back(self) -> None:
        """End a turn, and begin the next one's."""
        with self._lock:
            queue = self._first or self._others
            if queue:
                queue.popleft().set()
            else:
                self._is_taken = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._first) + len(self._others)
