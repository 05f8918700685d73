"""What waits to be written to one connection.

Everything one turn of the loop queues leaves in one write.  A long part (a whole directory, shared
between connections) is written slice by slice as the client takes it, with what comes later behind
it, so that neither the loop nor anybody's memory notices.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

log = logging.getLogger(__name__)

SLICE_BYTES = 256 * 1024  # they take the loop about 0.1 ms
MAX_LONG_PARTS = 8  # nobody needs the directory more often than this at once
LONG_PART = -1  # is freed, instead of so many bytes

Pieces = Sequence[bytes | memoryview]


class Flush:
    """Writes, when a turn of the loop is over, what its outboxes have queued in it.

    One callback for all: at 10,000 messages a second one for each took 4 % of the loop's work.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._outboxes: list[Outbox] = []

    def later(self, outbox: "Outbox") -> None:
        """Flush `outbox` soon."""
        if not self._outboxes:
            self.loop.call_soon(self._flush)
        self._outboxes.append(outbox)

    def _flush(self) -> None:
        outboxes, self._outboxes = self._outboxes, []
        for outbox in outboxes:
            try:
                outbox.flush()
            except Exception:  # the others' shall be written all the same
                log.exception("a flush failed")


class Outbox:
    """Queues bytes for a transport; `put` tells when the client leaves too much unread.

    `limit_bytes` bounds what is queued for this connection alone; parts longer than a slice, and
    those put in pieces, are shared, so their number is bounded instead.
    """

    __slots__ = (
        "_backlog", "_backlog_bytes", "_ends", "_flush", "_is_congested", "_limit_bytes",
        "_long_parts", "_parts", "_transport",
    )  # fmt: skip

    def __init__(
        self,
        flush: Flush,
        transport: asyncio.Transport,
        *,
        limit_bytes: int,
    ) -> None:
        self._flush = flush
        self._transport = transport
        self._limit_bytes = limit_bytes
        self._parts: list[bytes | Pieces] = []  # this turn's
        # What a long part holds up, and what becomes free when that is written.
        self._backlog: deque[tuple[memoryview, int]] | None = None
        self._backlog_bytes = 0  # of the parts that are not long
        self._long_parts = 0
        self._is_congested = False
        self._ends = False

    def put(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._parts:
            self._flush.later(self)
        self._parts.append(data)
        if len(data) > SLICE_BYTES:
            self._long_parts += 1

    def put_shared(self, pieces: Pieces) -> None:
        """Queue a long part in pieces."""
        if not self._parts:
            self._flush.later(self)
        self._parts.append(pieces)
        self._long_parts += 1

    def is_overfull(self) -> bool:
        """Tell whether the client leaves more unread than it may."""
        unread = self._transport.get_write_buffer_size() + self._backlog_bytes
        return unread > self._limit_bytes or self._long_parts > MAX_LONG_PARTS

    def flush(self) -> None:
        """Write what this turn has queued, as far as nothing is in its way."""
        if self._transport.is_closing():
            self.clear()
        if not self._parts:
            return
        if self._backlog is None and not self._long_parts:
            self._transport.write(b"".join(self._parts))  # type: ignore[arg-type]  # no pieces
            self._parts.clear()
            return
        if self._backlog is None:
            self._backlog = deque()
        for part in self._parts:
            if not isinstance(part, bytes):
                self._backlog.extend((memoryview(piece), 0) for piece in part)
                self._backlog.append((memoryview(b""), LONG_PART))
            elif len(part) > SLICE_BYTES:
                self._backlog.append((memoryview(part), LONG_PART))
            else:
                self._backlog.append((memoryview(part), len(part)))
                self._backlog_bytes += len(part)
        self._parts.clear()
        self._pump()

    def end(self) -> None:
        """Close our side of the connection once everything queued is written."""
        self.flush()
        self._ends = True
        if self._backlog is None and not self._transport.is_closing():
            self._transport.write_eof()

    def clear(self) -> None:
        """Forget what is queued: nobody will read it."""
        self._parts.clear()
        self._backlog = None

    def congested(self, is_congested: bool) -> None:
        """Take note of the transport's pause_writing and resume_writing."""
        self._is_congested = is_congested
        if not is_congested:
            self._pump()

    def _pump(self) -> None:
        """Write a slice of the backlog, then let others have their turn."""
        backlog, room = self._backlog, SLICE_BYTES
        if backlog is None or self._transport.is_closing():
            return
        while room and backlog and not self._is_congested:
            room -= self._write(backlog, room)
        if not backlog:
            self._backlog = None
            if self._ends:
                self._transport.write_eof()
        elif not self._is_congested:
            self._flush.loop.call_soon(self._pump)

    def _write(self, backlog: deque[tuple[memoryview, int]], room: int) -> int:
        """Write the first part, or what there is room for; return how many bytes."""
        part, frees = backlog.popleft()
        if part:
            self._transport.write(part[:room])
        if len(part) > room:
            backlog.appendleft((part[room:], frees))
            return room
        if frees == LONG_PART:
            self._long_parts -= 1  # that was its end
        else:
            self._backlog_bytes -= frees
        return len(part)
