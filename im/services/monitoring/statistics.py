"""Figures by the hour: counted in memory where things happen, added to the tables now and then.

Every process counts for itself and adds what it has to `im_stat` once a minute and at its end; a
process that is killed takes its last minute with it.  Nothing here scans messages.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import accumulate

from django.db.models import Sum
from django.db.transaction import atomic
from django.utils.timezone import localtime

from im.models import Statistic
from im.storage.sql import merge_rows
from im.types import AUDIO_TYPES, MessageStored, SessionType

HOUR_S = 3600
# Milliseconds: upper bounds of the spans latencies are counted in; beyond the last is one more.
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
BEYOND_MS = 60_000


class Kind(IntEnum):
    """What is counted.  The numbers are in the table."""

    SINGLE = 1  # texts to a user
    GROUP = 2  # texts to a group
    VOICE = 3
    LOGINS = 4
    FAILED_LOGINS = 5
    ONLINE = 6  # the most users at a time, not a sum
    LATENCY = 7  # messages by the time until they were stored and passed on; subject: its span
    OF_GROUP = 8  # messages of one group in a day: `hour` is that day's midnight


MESSAGES = (Kind.SINGLE, Kind.GROUP, Kind.VOICE)
_Key = tuple[int, int, int]  # kind, hour, subject

_lock = threading.Lock()
_sums: Counter[_Key] = Counter()
_peaks: dict[_Key, int] = {}
_latencies = [0] * (len(LATENCY_BOUNDS_MS) + 1)  # the loop's alone
_stored = 0


# --- counting ---------------------------------------------------------------------------------


def add(kind: Kind, count: int = 1) -> None:
    """Count something that happened now; from any thread."""
    if count:
        with _lock:
            _sums[kind, _hour(), 0] += count


def peak(kind: Kind, value: int) -> None:
    """Note a height; the hour keeps its largest."""
    with _lock:
        key = kind, _hour(), 0
        _peaks[key] = max(value, _peaks.get(key, 0))


def count_stored(events: Iterable[object]) -> None:
    """Count the messages among what a committed batch brought about."""
    global _stored
    kinds: Counter[tuple[Kind, int]] = Counter()
    for event in events:
        if isinstance(event, MessageStored):
            is_group = event.session_type is SessionType.GROUP
            if event.message.msg_type in AUDIO_TYPES:
                kinds[Kind.VOICE, 0] += 1
            else:
                kinds[Kind.GROUP if is_group else Kind.SINGLE, 0] += 1
            if is_group:
                kinds[Kind.OF_GROUP, event.session_id] += 1
    if not kinds:
        return
    hour, day = _hour(), today()
    with _lock:
        for (kind, subject), count in kinds.items():
            _sums[kind, day if kind is Kind.OF_GROUP else hour, subject] += count
            _stored += count if kind is not Kind.OF_GROUP else 0


def note_latency(seconds: float) -> None:
    """Count the time a message took.  Call it on the loop: it is too often for a lock."""
    _latencies[bisect_left(LATENCY_BOUNDS_MS, seconds * 1000)] += 1


def stored() -> int:
    """Return how many messages this process has stored since it began."""
    return _stored


def flush() -> None:
    """Add what was counted to the tables.  What can't be written stays for the next time."""
    sums, peaks = _taken()
    try:
        with atomic(savepoint=False):
            _merge(sums, keep_largest=False)
            _merge(peaks, keep_largest=True)
    except Exception:
        with _lock:
            _sums.update(sums)
            for key, value in peaks.items():
                _peaks[key] = max(value, _peaks.get(key, 0))
        raise


def _taken() -> tuple[dict[_Key, int], dict[_Key, int]]:
    with _lock:
        for number, count in enumerate(_latencies):
            if count:
                bound = (*LATENCY_BOUNDS_MS, BEYOND_MS)[number]
                _sums[Kind.LATENCY, _hour(), bound] += count
                _latencies[number] -= count  # more may have come meanwhile
        sums, peaks = dict(_sums), dict(_peaks)
        _sums.clear()
        _peaks.clear()
    return sums, peaks


def _merge(figures: dict[_Key, int], *, keep_largest: bool) -> None:
    # In the order of their keys: two processes that add at once wait, and don't deadlock.
    rows = [(*key, value) for key, value in sorted(figures.items())]
    columns = ("kind", "hour", "subject", "value")
    merge_rows("im_stat", columns, rows, key=columns[:3], keep_largest=keep_largest)


def _hour() -> int:
    now = int(time.time())
    return now - now % HOUR_S


def today() -> int:
    """Return when today began, unix seconds."""
    midnight = localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp())


# --- reading ----------------------------------------------------------------------------------


def by_hour(kinds: Sequence[Kind], since: int, until: int) -> dict[Kind, dict[int, int]]:
    """Return the figures of each kind by the hour; hours without any are left out."""
    found: dict[Kind, dict[int, int]] = {kind: {} for kind in kinds}
    rows = Statistic.objects.filter(kind__in=kinds, subject=0, hour__gte=since, hour__lt=until)
    for kind, hour, value in rows.values_list("kind", "hour", "value"):
        found[Kind(kind)][hour] = value
    return found


def latencies(since: int, until: int) -> dict[int, int]:
    """Return how many messages took at most so many milliseconds, span by span."""
    return dict(_sums_of(Kind.LATENCY, since, until).order_by("subject"))


def percentile(spans: dict[int, int], share: float) -> int | None:
    """Return the upper bound, in milliseconds, of the fastest `share` of messages."""
    total = sum(spans.values())
    for bound, reached in zip(spans, accumulate(spans.values()), strict=True):
        if reached >= share * total:
            return bound
    return None


def top_groups(since: int, until: int, count: int) -> list[tuple[int, int]]:
    """Return (group id, messages) of the groups with the most in these days."""
    return list(_sums_of(Kind.OF_GROUP, since, until).order_by("-total", "subject")[:count])


def _sums_of(kind: Kind, since: int, until: int):  # type: ignore[no-untyped-def]  # a ValuesQuerySet
    rows = Statistic.objects.filter(kind=kind, hour__gte=since, hour__lt=until)
    return rows.values("subject").annotate(total=Sum("value")).values_list("subject", "total")
