"""What the report shows, and what it keeps to itself."""

from bench.figures import Figures
from bench.html import curves
from bench.page import merged, written_part
from bench.report import report_of, table
from bench.scenarios import QUIET_TALK, TALK, at_share
from bench.suite import Entry


def figures(rate: float, p99_ms: float = 90.0, **faults: int) -> Figures:
    metrics = {
        "rate": rate,
        "cpu_us": 50.0,
        "p50_ms": 10.0,
        "p95_ms": 50.0,
        "p99_ms": p99_ms,
        "foreign_cores": 0.1,
    }
    return Figures(metrics, {"sent": 7}, {"gateway": 40.0, "mariadbd": 10.0}, faults)


def entry(*runs: Figures, share: float = 0.0) -> Entry:
    scenario = at_share(share, 10_000) if share else TALK
    return Entry(scenario, "mariadb", 1, 0, list(runs))


def test_figures_are_medians_with_their_goal() -> None:
    report = report_of([entry(figures(9_700), figures(19_400), figures(1_000))], 3)

    [_, _, line] = table(report)

    assert "| 9,700/s | 10.0 / 90.0 | 50 µs |" in line
    assert "≥ 8,000/s ✓" in line


def test_a_goal_that_is_missed_is_marked() -> None:
    report = report_of([entry(figures(6_000, p99_ms=140.0), share=0.6)], 1)

    [_, _, line] = table(report)

    assert "p99 ≤ 100 ms ✗" in line


def test_no_figure_is_shown_where_something_was_lost() -> None:
    report = report_of([entry(figures(9_700), figures(9_800, lost=3))], 2)

    [_, _, line] = table(report)

    assert "lost" in line
    assert "9,7" not in line
    assert report["entries"][0]["median"] == {}


def test_the_page_names_machine_runs_and_foreign_load() -> None:
    part = written_part(report_of([entry(figures(9_700))], 1))

    assert "medians of 1 run(s)" in part
    assert "other work on the machine used 0.1 cores" in part


def test_the_curve_goes_through_the_open_loops_by_rate() -> None:
    closed = entry(figures(14_000))
    entries = [entry(figures(10_000), share=0.8), closed, entry(figures(2_000), share=0.2)]
    quiet = Entry(QUIET_TALK, "mariadb", 1, 0, [figures(50)])

    [(name, svg)] = curves(report_of([*entries, quiet], 1))

    assert name == "latency.svg"
    assert svg.count("<circle") == 3 * 3  # points by percentiles
    assert [label for label in ("0", "2,500", "10,000") if f">{label}<" in svg] == [
        "0",
        "2,500",
        "10,000",
    ]


def test_reports_of_one_machine_are_put_together() -> None:
    first = report_of([entry(figures(9_700))], 5)
    second = report_of([entry(figures(1)), entry(figures(2_000), share=0.2)], 1)

    report = merged([first, second])

    assert [each["median"]["rate"] for each in report["entries"]] == [9_700, 2_000]
    assert report["runs"] == 5
