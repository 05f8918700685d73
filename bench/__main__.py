"""`make bench`: all scenarios on SQLite, and on MariaDB with Redis where they are installed."""

import argparse
import sys
from pathlib import Path

from bench import html, report
from bench.servers import Ground
from bench.signals import end_orderly_on_sigterm
from bench.suite import Suite
from tests import services


def main() -> int:
    """Run, print the table, write the files; the exit status is 1 if something was lost."""
    end_orderly_on_sigterm()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="figures are medians of so many (1)")
    parser.add_argument("--backend", choices=("sqlite", "mariadb"), action="append")
    parser.add_argument("--output", type=Path, default=Path("var/bench"), help="(var/bench)")
    parser.add_argument(
        "--rows",
        type=int,
        nargs="*",
        default=[10_000, 1_000_000],
        help="of messages from which a page is read (10000 1000000); 10000000 takes minutes more",
    )
    parser.add_argument("--only-pages", action="store_true", help="read pages, nothing else")
    wish = parser.parse_args()
    suite = Suite(lambda text: print(text, file=sys.stderr, flush=True))
    for backend in wish.backend or _possible():
        with Ground(backend) as ground:
            for number in range(1, 0 if wish.only_pages else wish.runs + 1):
                print(f"--- {backend}, run {number} of {wish.runs}", file=sys.stderr, flush=True)
                suite.run(ground)
            suite.open_conversations(ground, sorted(wish.rows), wish.runs)
    found = report.report_of(suite.entries, wish.runs)
    wish.output.mkdir(parents=True, exist_ok=True)
    name = "pages" if wish.only_pages else "report"
    report.write_json(found, wish.output / f"{name}.json")
    html.write_page(found, wish.output / f"{name}.html")
    print(*report.table(found), sep="\n")
    print(f"written: {name}.json and {name}.html in {wish.output}")
    return int(any(entry["faults"] for entry in found["entries"]))


def _possible() -> list[str]:
    """Return the backends that are installed; say what is missing for the other."""
    missing = services.missing_for_mariadb() or services.missing_for_redis()
    if missing:
        print(f"SQLite only: {missing}", file=sys.stderr)
    return ["sqlite"] if missing else ["mariadb", "sqlite"]


if __name__ == "__main__":
    sys.exit(main())
