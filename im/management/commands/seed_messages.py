"""`manage.py seed_messages`: fill the database with made-up conversations of people it has."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from im.errors import Refused
from im.services.setup.seed_messages import Seeder

MESSAGES_PER_PAIR = 100


class Command(BaseCommand):
    """Adds messages in short transactions, each consistent by itself."""

    help = "Add made-up messages between people and in groups (seed_demo makes those)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--messages", type=int, required=True, help="how many")
        parser.add_argument("--days", type=int, default=365, help="spread over so many (365)")
        parser.add_argument("--pairs", type=int, help="people who talk (messages / 100)")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        count, days = options["messages"], options["days"]
        pairs = options["pairs"] or max(1, count // MESSAGES_PER_PAIR)
        if count < 1 or days < 1 or pairs < 1:
            raise CommandError("--messages, --days and --pairs must be at least 1")
        started = time.monotonic()
        try:
            seeder = Seeder(count, days=days, until=int(time.time()), pairs=pairs)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        with tqdm(total=count, desc="messages", disable=None) as progress:
            for done in seeder.run():
                progress.update(done - progress.n)
        self.stdout.write(f"{count} messages in {time.monotonic() - started:.1f} s")
