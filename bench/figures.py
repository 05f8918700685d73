"""Figures of one run, made of what was measured; and their medians."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.tally import percentiles
from bench.workers import Measured

MEBIBYTE = 1 << 20
# Shorter windows measure how the load begins and ends: 500 writers who wait 2.8 s each, seen for
# 2 s, were reported with a twentieth of their rate.
WAITS_PER_WINDOW = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run has shown, by metric; `faults` says why they must not be believed.

    rate (operations per second, not for crowds), cpu_us (of all servers, per operation), p50_ms …
    p100_ms, ack_p50_ms …, foreign_cores, generator_cores; for crowds also connection_kib and
    private_mib (of the gateway) and writes (its system calls).
    """

    metrics: dict[str, float]
    counts: dict[str, int] = field(default_factory=dict)
    cpu_us_of: dict[str, float] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)


def figures_of(measured: Measured) -> Figures:
    """Return the figures of a run."""
    tally, before, after = measured.tally, measured.before, measured.after
    done = max(1, tally.done)
    cpu_us_of = {
        label: round((after.cpu_s[label] - before.cpu_s[label]) / done * 1e6, 2)
        for label in after.cpu_s
    }
    acks = percentiles(tally.other_seconds)
    metrics = {
        **({"rate": round(tally.done / measured.seconds, 1)} if measured.load.window else {}),
        **percentiles(tally.seconds),
        **{f"ack_{name}": value for name, value in acks.items()},
        "foreign_cores": round(measured.foreign_cores, 2),
        "generator_cores": round(measured.generator_s / measured.seconds, 2),
        **_of_gateway(measured, done),
    }
    if cpu_us_of:
        metrics["cpu_us"] = round(sum(cpu_us_of.values()), 2)
    faults = {reason: count for reason, count in tally.faults.items() if count}
    if measured.load.window and _is_too_short(measured.seconds, metrics):
        faults[f"the window of {measured.seconds:.1f} s is too short for its waits"] = 1
    if not tally.done:
        faults["operations done"] = 0
    return Figures(metrics, dict(tally.counts), cpu_us_of, faults)


def _is_too_short(window_s: float, metrics: dict[str, float]) -> bool:
    """Tell whether a usual wait is no small part of the window, so that its rate means nothing."""
    wait_s = metrics.get("p50_ms", 0.0) / 1e3
    return window_s < WAITS_PER_WINDOW * wait_s


def _of_gateway(measured: Measured, done: int) -> dict[str, float]:
    """Return memory and writes, which only mean something where connections stay."""
    if measured.load.window is not None or "gateway" not in measured.after.cpu_s:
        return {}
    before, after = (usage.private_bytes["gateway"] for usage in (measured.before, measured.after))
    return {
        "connection_kib": round((after - before) / done / 1024, 2),
        "private_mib": round(after / MEBIBYTE, 1),
        "writes": measured.after.writes["gateway"] - measured.before.writes["gateway"],
    }


def medians(runs: Sequence[Figures]) -> dict[str, float]:
    """Return the median of every metric."""
    return {name: round(median(run.metrics[name] for run in runs), 3) for name in runs[0].metrics}
