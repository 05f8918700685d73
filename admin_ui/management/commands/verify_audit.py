"""`manage.py verify_audit`: tells whether the audit log is what was written."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from admin_ui import audit_log
from admin_ui.models import AuditHead

MAX_COMPLAINTS = 20


class Command(BaseCommand):
    """Ends with status 1 when entries were edited, deleted, reordered or cut off."""

    help = (
        "Check the chain of the audit log. Who could write to the database could make a whole new "
        "chain: keep the last number and hash elsewhere, and give them with --known next time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--known", metavar="NUMBER:HASH", help="an entry noted earlier")

    def handle(self, *args: Any, known: str | None = None, **options: Any) -> None:
        complaints = list(audit_log.flaws())
        if known and not audit_log.has_entry(known):
            complaints.append(f"there is no entry {known}")
        for complaint in complaints[:MAX_COMPLAINTS]:
            self.stderr.write(complaint)
        if complaints:
            raise CommandError(f"the audit log was tampered with ({len(complaints)} complaints)")
        head = AuditHead.objects.filter(pk=audit_log.HEAD_ID).first()
        end = f"{head.number}:{head.hash}" if head else "0:"
        self.stdout.write(f"the audit log is whole; its end is {end}")
