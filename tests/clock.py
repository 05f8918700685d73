"""A loop whose clock jumps: what waits for a timer waits no longer than it has to."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that, having nothing to do, moves its clock to the next timer at once.

    While there is no timer it waits for sockets and threads as any loop does.
    """

    def __init__(self) -> None:
        self._clock_s = 1000.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        return self._clock_s

    def _jump(self, seconds: float) -> None:
        self._clock_s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self._jump(max(timeout, 0))
        return ready


def run_jumping(test: Coroutine[Any, Any, None]) -> None:  # Any: a coroutine's other ends
    """Run a coroutine on a JumpingLoop."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(test)
