"""How many HTTP connections there may be, and how long each may take for what it does.

The server's own time is not limited: a view takes what it takes.  What the client does is: opening
connections, sending a request, leaving one open, reading the answer.  All times are seconds of the
clock that the caller reads.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto

log = logging.getLogger(__name__)

QUIET_S = 10.0  # between two lines about connections that are refused


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of HTTP.  `bytes_per_s` is the least that a body or an answer must move by."""

    connections: int
    connections_per_address: int
    header_s: float
    idle_s: float
    bytes_per_s: int


class Places:
    """Counts connections, all of them and those of each address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._per_address: Counter[str] = Counter()
        self._refused = 0
        self._said_at = -QUIET_S

    @property
    def taken(self) -> int:
        """How many connections there are."""
        return self._per_address.total()

    def enter(self, address: str, now: float) -> bool:
        """Count a connection in, if there is a place for it; an address of "" has no own bound."""
        if self.taken >= self._limits.connections or (
            address and self._per_address[address] >= self._limits.connections_per_address
        ):
            self._refuse(address, now)
            return False
        self._per_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count a connection out."""
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def _refuse(self, address: str, now: float) -> None:
        self._refused += 1
        if now - self._said_at < QUIET_S:
            return
        log.warning(
            "no room for HTTP from %s: %d connections, %d of its own; %d refused of late",
            address or "a proxy",
            self.taken,
            self._per_address[address],
            self._refused,
        )
        self._refused, self._said_at = 0, now


class _Phase(Enum):
    IDLE = auto()  # between requests
    HEADER = auto()
    BODY = auto()
    ANSWER = auto()


class Progress:
    """What one connection is at, and whether it takes too long for it.

    Tell it what happens; `complaint` says why the connection is to be ended, "" if it is not.
    """

    __slots__ = ("_began", "_moved", "_phase", "_unread_since")

    def __init__(self, now: float) -> None:
        self._phase = _Phase.HEADER  # who connects has something to say
        self._began = now
        self._moved = 0  # bytes, since then or since the last look
        self._unread_since: float | None = None

    def received(self, count: int, now: float) -> None:
        """Bytes have come."""
        if self._phase is _Phase.IDLE:
            self._begin(_Phase.HEADER, now)
        elif self._phase is _Phase.BODY:
            self._moved += count

    def header_ended(self, now: float) -> None:
        """The header is whole."""
        self._begin(_Phase.BODY, now)

    def request_ended(self, now: float) -> None:
        """So is the body; the answer is being made."""
        self._begin(_Phase.ANSWER, now)

    def answer_ended(self, now: float) -> None:
        """All of the answer is written, as far as the client has read."""
        self._begin(_Phase.IDLE, now)

    def complaint(self, limits: Limits, now: float, *, unsent: int, sent: int) -> str:
        """Return why it takes too long.

        `unsent` bytes wait for the client to read, `sent` have left since the connection began.
        """
        if unsent:
            return self._reading(limits, now, sent)
        self._unread_since = None
        lasted = now - self._began
        if self._phase is _Phase.HEADER and lasted > limits.header_s:
            return "no whole header in time"
        if self._phase is _Phase.IDLE and lasted > limits.idle_s:
            return "idle"
        due = limits.bytes_per_s * (lasted - limits.header_s)
        if self._phase is _Phase.BODY and self._moved < due:
            return "its body comes too slowly"
        return ""

    def _reading(self, limits: Limits, now: float, sent: int) -> str:
        """Look at the answer's way, span by span, each as long as a header may take."""
        if self._unread_since is None:
            self._unread_since, self._moved = now, sent
        lasted = now - self._unread_since
        if lasted <= limits.header_s:
            return ""
        if sent - self._moved < limits.bytes_per_s * lasted:
            return "it reads too slowly"
        self._unread_since, self._moved = now, sent
        return ""

    def _begin(self, phase: _Phase, now: float) -> None:
        self._phase, self._began, self._moved = phase, now, 0
