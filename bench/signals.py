"""How a benchmark ends that is told to: orderly, with the servers it has started."""

import signal
import sys
from types import FrameType

TERMINATED = 128 + signal.SIGTERM  # what shells make of it


def end_orderly_on_sigterm() -> None:
    """Let SIGTERM leave every `with` and `finally`, as Ctrl-C does; by default it would not."""
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(TERMINATED)
