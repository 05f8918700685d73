"""`manage.py move_message_ids`: take message ids ahead of those that clients know."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from im.errors import Refused
from im.services.messages import message_ids


class Command(BaseCommand):
    """After a restored backup, while no server runs."""

    help = "Add a number to all message ids, so that new messages get none that clients know."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--by",
            type=int,
            required=True,
            help="more than the highest id, and than any conversation has lost",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        try:
            moved = message_ids.move_ahead(options["by"])
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{moved} messages moved ahead by {options['by']}")
