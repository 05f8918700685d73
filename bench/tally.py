"""What a load counts: work done in the measured time, how long it took, and what went wrong."""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PERCENTILES = (50, 95, 99, 100)


@dataclass(slots=True)
class Tally:
    """The counts of one worker, or of all of them.

    `done` are the operations of the measured time, `seconds` each one's time; `other_seconds` are
    times of another kind (until the ACK, where `seconds` is until the delivery).  `faults` counts
    what must not happen: figures with faults are not shown.  `said` and `heard` are for checks
    that no worker can make alone.
    """

    done: int = 0
    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    other_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    said: Counter[int] = field(default_factory=Counter)  # by the author
    heard: Counter[tuple[int, int]] = field(default_factory=Counter)  # (author, messages): hearers

    def took(self, seconds: float) -> None:
        """Count one operation."""
        self.done += 1
        self.seconds.append(seconds)


def total(tallies: Iterable[Tally]) -> Tally:
    """Return the sum."""
    whole = Tally()
    for tally in tallies:
        whole.done += tally.done
        whole.seconds += tally.seconds
        whole.other_seconds += tally.other_seconds
        whole.counts += tally.counts
        whole.faults += tally.faults
        whole.said += tally.said
        whole.heard += tally.heard
    return whole


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50 to p100 in milliseconds; nothing for no times."""
    ordered = sorted(seconds)
    return {
        f"p{percent}_ms": round(
            ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1e3, 3
        )
        for percent in PERCENTILES
        if ordered
    }
