"""The lifeline between the supervisor and a worker: a socket pair that each sees the other end of.

A worker says once that it is ready.  When the supervisor is gone, however it ended, the worker's
end reads as closed and the worker drains: nobody serves on as an orphan.
"""

import asyncio
import socket
from collections.abc import Callable

READY = b"R"


class Lifeline:
    """The worker's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(False)

    def watch(self, loop: asyncio.AbstractEventLoop, orphaned: Callable[[], None]) -> None:
        """Call `orphaned` when the supervisor is gone."""

        def readable() -> None:  # the supervisor never writes
            loop.remove_reader(self._socket)
            orphaned()

        loop.add_reader(self._socket, readable)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of it."""
        loop.remove_reader(self._socket)
        self._socket.close()

    def say_ready(self) -> None:
        """Tell the supervisor that clients are taken."""
        try:
            self._socket.send(READY)
        except OSError:
            return  # it is gone: `watch` sees it
