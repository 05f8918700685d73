"""`manage.py changepassword`: Django's, for accounts of the old console as well."""

from typing import Any

from django.contrib.auth.management.commands import changepassword

from admin_ui import audit_log, old_accounts
from admin_ui.models import Operator


class Command(changepassword.Command):
    """Asks twice for an operator's new password."""

    help = (
        "Change an operator's password. Who has only an account of the original's console, a row "
        "of IMAdmin, gets one here first, and the old password is worth nothing from then on."
    )

    def handle(self, *args: Any, **options: Any) -> str | None:
        name = options["username"]
        if name and not Operator.objects.filter(username=name).exists():
            for row in old_accounts.waiting_under(name):
                old_accounts.take_over(row, None)
                break
        said: str | None = super().handle(*args, **options)
        if name:
            audit_log.record(None, "password", Operator.objects.get(username=name))
        return said
