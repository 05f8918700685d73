"""The report as one page for a browser, with its curves; and the curves alone, for the docs."""

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from bench.charts import Line, chart
from bench.report import Report, table

STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;
color:#222}table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.3rem .6rem;
text-align:left}svg{max-width:40rem;display:block;margin:1rem 0}"""
PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def write_page(report: Report, path: Path) -> None:
    """Write the page."""
    path.write_text("\n".join(_page(report)))


def curves(report: Report) -> Iterator[tuple[str, str]]:
    """Yield (file name, SVG): latency by rate, and latency of each scenario by percentile."""
    paced = [entry for entry in report["entries"] if _is_on_the_curve(entry)]
    if paced:
        paced.sort(key=lambda entry: entry["median"]["rate"])
        lines = [
            Line(name.removesuffix("_ms"), [_point(entry, name) for entry in paced])
            for name in PERCENTILES
        ]
        title = "Until delivery, in an open loop (MariaDB, one gateway)"
        yield "latency.svg", chart(title, "messages per second", "ms", lines)


def _is_on_the_curve(entry: dict[str, Any]) -> bool:
    is_open = entry["name"].startswith("open") or entry["name"] == "quiet talk"
    return (
        is_open and entry["backend"] == "mariadb" and entry["gateways"] == 1 and not entry["faults"]
    )


def _point(entry: dict[str, Any], name: str) -> tuple[float, float]:
    return entry["median"]["rate"], entry["median"][name]


def _page(report: Report) -> Iterator[str]:
    yield "<!doctype html><meta charset=utf-8><title>Benchmark</title>"
    yield f"<style>{STYLE}</style><h1>Benchmark</h1>"
    machine = ", ".join(f"{name} {value}" for name, value in report["machine"].items())
    yield f"<p>{report['taken']}; medians of {report['runs']} run(s); {escape(machine)}.</p>"
    for _, svg in curves(report):
        yield svg
    yield "<table>"
    for number, line in enumerate(table(report)):
        if number != 1:  # Markdown's rule
            tag = "td" if number else "th"
            cells = line.strip("| ").split(" | ")
            yield "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
    yield "</table>"
