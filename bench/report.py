"""What is said of the results: JSON, and one page for a browser that needs nothing else."""

import json
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import medians
from bench.suite import Entry

Report = dict[str, Any]  # as it stands in the JSON


def report_of(entries: Sequence[Entry], runs: int) -> Report:
    """Return the report; entries with faults carry them, and no figures."""
    return {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "runs": runs,
        "entries": [_entry(entry) for entry in entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    faults = [run.faults for run in entry.runs if run.faults]
    return {
        "name": entry.scenario.name,
        "title": entry.scenario.title,
        "unit": entry.scenario.unit,
        "backend": entry.backend,
        "gateways": entry.gateways,
        "limit": entry.limit,
        "goals": entry.scenario.goals if entry.gateways == 1 else {},
        "faults": faults,
        "median": {} if faults else medians(entry.runs),
        "cpu_us_of": {} if faults else _cpu_of(entry),
        "runs": [] if faults else [run.metrics for run in entry.runs],
        "counts": [run.counts for run in entry.runs],
    }


def _cpu_of(entry: Entry) -> dict[str, float]:
    """Return what each server used per operation, in the middle run."""
    ordered = sorted(entry.runs, key=lambda run: run.metrics.get("cpu_us", 0.0))
    return ordered[len(ordered) // 2].cpu_us_of


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo").read_text()
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cores": cpu.count("processor\t:"),
        "cpu": next(line.split(": ")[1] for line in cpu.splitlines() if "model name" in line),
        "memory_gib": round(memory_kib / 1024**2),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "python": platform.python_version(),
    }


def write_json(report: Report, path: Path) -> None:
    """Write the report."""
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


# --- the table --------------------------------------------------------------------------------


def table(report: Report) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| scenario | servers | rate | p50 / p99 ms | CPU each | goal |"
    yield "|---|---|--:|--:|--:|---|"
    for entry in report["entries"]:
        yield "| " + " | ".join(_cells(entry)) + " |"


def _cells(entry: dict[str, Any]) -> Iterator[str]:
    median = entry["median"]
    yield entry["title"]
    yield {"mariadb": "MariaDB", "sqlite": "SQLite"}[entry["backend"]] + (
        f", {entry['gateways']} gateways" if entry["gateways"] > 1 else ""
    )
    if entry["faults"]:
        yield from ("faults", "–", "–", str(entry["faults"][0]))
        return
    yield f"{median['rate']:,.0f}/s" if "rate" in median else "–"
    yield f"{median['p50_ms']:,.1f} / {median['p99_ms']:,.1f}"
    yield f"{median['cpu_us']:,.4g} µs" if "cpu_us" in median else "–"
    yield "; ".join(_goal(name, bound, median) for name, bound in entry["goals"].items()) or "–"


NAMES = {
    "rate": ("", "/s"),
    "cpu_us": ("", " µs"),
    "p50_ms": ("p50 ", " ms"),
    "p99_ms": ("p99 ", " ms"),
    "p100_ms": ("longest ", " ms"),
    "connection_kib": ("", " KiB each"),
    "private_mib": ("", " MiB in all"),
    "writes": ("", " writes"),
}


def _goal(name: str, bound: float, median: dict[str, float]) -> str:
    before, after = NAMES[name]
    is_met = median[name] >= bound if name == "rate" else median[name] <= bound
    sign = "≥" if name == "rate" else "≤"
    shown = "" if name in ("rate", "cpu_us", "p50_ms", "p99_ms") else f" ({median[name]:,.4g})"
    return f"{before}{sign} {bound:,.10g}{after}{shown} {'✓' if is_met else '✗'}"
