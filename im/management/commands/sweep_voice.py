"""`manage.py sweep_voice`: delete voice whose message was never stored, and half-written files."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from im.services.media import small_files
from im.services.messages import orphaned_voice

HOUR_S = 3600


class Command(BaseCommand):
    """Safe beside a running server, and to be interrupted at any time."""

    help = "Delete voice that belongs to no message: what refused or lost messages left behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--hours", type=int, default=24, help="leave alone what is younger (24; at least 1)"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if options["hours"] < 1:
            raise CommandError("--hours must be at least 1: younger voice may be on its way")
        seen = deleted = 0
        for rows, orphans in orphaned_voice.sweep(options["hours"] * HOUR_S):
            seen, deleted = seen + rows, deleted + orphans
        unfinished = small_files.sweep_unfinished(options["hours"] * HOUR_S)
        self.stdout.write(f"{deleted} of {seen} voice messages belonged to no message, deleted")
        if unfinished:
            self.stdout.write(f"{unfinished} unfinished files deleted")
