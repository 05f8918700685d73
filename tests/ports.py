"""Ports for the servers that tests start."""

import random
import socket
import threading
from contextlib import suppress

# Below those that the kernel gives to outgoing connections, of which tests make thousands: a port
# of theirs could be taken between the look and the server's start.
RANGE = range(10_000, 32_000)

_lock = threading.Lock()
_next = random.SystemRandom().choice(RANGE)  # test processes run side by side


def free_port() -> int:
    """Return a TCP port that nobody listens on; each time another one."""
    global _next
    with _lock:
        for _ in RANGE:
            port, _next = _next, _next + 1 if _next + 1 in RANGE else RANGE.start
            with suppress(OSError), socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError(f"no free port from {RANGE.start} to {RANGE.stop}")
