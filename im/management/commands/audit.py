"""`manage.py audit`: prove that the tables agree with each other, on a running server too."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from im.services import consistency
from im.services.consistency.findings import Check, Report


class Command(BaseCommand):
    """Prints a table of checks and the first findings of each; exits 1 if there is any."""

    help = (
        "Check that message ids, counters, unread counts, recent sessions and groups agree with "
        "the messages. Reads only, unless told to repair; exits 1 on any finding."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--repair",
            action="store_true",
            help="put right what can be derived, say what was changed, and check again",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        started = time.monotonic()
        if options["repair"]:
            self._repair()
        report = consistency.examine()
        for line in table(report):
            self.stdout.write(line)
        found = report.findings.total()
        took = f"in {time.monotonic() - started:.1f} s"
        if found:
            self.stdout.write(f"{found} finding{'s' * (found > 1)} {took}")
            sys.exit(1)
        self.stdout.write(f"nothing is wrong {took}")

    def _repair(self) -> None:
        count = 0
        for statement in consistency.repair():
            self.stdout.write(f"repaired: {statement}")
            count += 1
        self.stdout.write(f"{count} repairs; what follows is what is left\n\n")


def table(report: Report) -> list[str]:
    """Return the report as lines: the checks, then the first findings of each."""
    lines = [f"{'check':<22}{'rows':>12}{'findings':>12}"]
    lines += [f"{c:<22}{report.rows[c]:>12}{report.findings[c]:>12}" for c in Check]
    lines.append("")
    for check, examples in report.examples.items():
        lines += [f"{check}: {text}" for text in examples]
        more = report.findings[check] - len(examples)
        if more:
            lines.append(f"{check}: … and {more} more")
    return lines
