"""Bodies of HTTP requests while they arrive and until they are answered: so much of them at once.

They are held before anybody looks at who sends them, so one address has no more than a share.
"""

from collections import Counter

SHARE = 4  # addresses that it takes to fill it
FREE_BYTES = 16 * 1024  # of each body, which do not count: a login must get through


class Bodies:
    """Counts the bytes that are held, of all and by address."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held: Counter[str] = Counter()

    def take(self, address: str, size_bytes: int) -> bool:
        """Tell whether so much more of this address may be held, and count it then."""
        is_too_much = (
            self._held[address] + size_bytes > self._most_bytes // SHARE
            or self._held.total() + size_bytes > self._most_bytes
        )
        if not is_too_much:
            self._held[address] += size_bytes
        return not is_too_much

    def give_back(self, address: str, size_bytes: int) -> None:
        """Count so much no longer."""
        self._held[address] -= size_bytes
        if not self._held[address]:
            del self._held[address]


class Body:
    """What is held of one request.  `is_dropped`: there was no room for all of it."""

    def __init__(self, bodies: Bodies, address: str, limit_bytes: int) -> None:
        self._bodies = bodies
        self._address = address
        self._limit_bytes = limit_bytes
        self._length = 0
        self._counted = 0
        self.is_dropped = False

    def kept(self, piece: bytes) -> bytes:
        """Return what is to be kept of the next piece: nothing past the limit, or without room."""
        if self.is_dropped:
            return b""
        piece = piece[: self._limit_bytes - self._length]
        self._length += len(piece)
        more = max(0, self._length - FREE_BYTES) - self._counted
        if more and not self._bodies.take(self._address, more):
            self.is_dropped = True
            return b""
        self._counted += more
        return piece

    def forget(self) -> None:
        """Give back what it took; it may be called again."""
        if self._counted:
            self._bodies.give_back(self._address, self._counted)
        self._counted = 0
