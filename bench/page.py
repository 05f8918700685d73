"""Writes the figures into docs/performance.md: python -m bench.page var/bench/*.json."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.html import curves
from bench.report import Report, table

DOCS = Path(__file__).resolve().parent.parent / "docs"
BEGIN = "<!-- written by: python -m bench.page -->"
END = "<!-- end of the written part -->"


def written_part(report: Report) -> str:
    """Return the part as it should stand between the two marks."""
    machine = report["machine"]
    foreign = sorted(
        max(0.0, run["foreign_cores"])  # clocks that tick by hundredths make it negative
        for entry in report["entries"]
        for run in entry["runs"]
        if "foreign_cores" in run
    )
    middle = foreign[len(foreign) // 2] if foreign else 0.0
    taken = (
        f"Taken {report['taken'][:10]} on {machine['cores']} cores ({machine['cpu']}), "
        f"{machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']}; "
        f"medians of {report['runs']} run(s); other work on the machine used {middle:.1f} cores "
        f"in the middle run, {foreign[-1] if foreign else 0:.1f} in the worst. "
        "Nothing was lost, doubled or out of order."
    )
    pictures = [f"![{name.removesuffix('.svg')}](images/{name})" for name, _ in curves(report)]
    return "\n".join(["", taken, "", *table(report), "", *pictures, ""])


def merged(reports: Sequence[Report]) -> Report:
    """Return the first report, with the entries that only others have behind its own."""
    entries: dict[tuple[str, str, int], dict[str, Any]] = {}
    for report in reports:
        for entry in report["entries"]:
            entries.setdefault((entry["name"], entry["backend"], entry["gateways"]), entry)
    return reports[0] | {"entries": list(entries.values())}


def main(*sources: str) -> None:
    """Write the part and the pictures, of one report or of several from one machine."""
    reports: list[Report] = [json.loads(Path(source).read_text()) for source in sources]
    reports.sort(key=lambda each: -len(each["entries"]))
    report = merged(reports)
    if any(entry["faults"] for entry in report["entries"]):
        sys.exit("there were faults: such figures are not published")
    page = DOCS / "performance.md"
    before, begin, rest = page.read_text().partition(BEGIN)
    assert begin, f"{page} has no line {BEGIN}"
    page.write_text(before + BEGIN + written_part(report) + END + rest.partition(END)[2])
    for name, svg in curves(report):
        (DOCS / "images" / name).write_text(svg)


if __name__ == "__main__":
    main(*sys.argv[1:])
