"""Accounts of the original's console, the rows of IMAdmin, and ours that are made from them."""

import logging
from collections.abc import Iterator

from django.db import IntegrityError, transaction

from admin_ui import audit_log
from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMAdmin

log = logging.getLogger(__name__)

ENABLED = 0  # IMAdmin.status; the original never looked at it


def waiting_under(name: str) -> Iterator[IMAdmin]:
    """Yield the enabled rows of this very name that no account was made from yet."""
    for row in IMAdmin.objects.filter(uname=name, status=ENABLED).order_by("pk"):
        # The exact name: MySQL's comparison ignores capitals and trailing spaces.
        if row.uname == name and not Operator.objects.filter(old_admin_id=row.pk).exists():
            yield row


def take_over(row: IMAdmin, password: str | None) -> Operator | None:
    """Make an account from a row, with this password or (None) one that nobody has.

    All old operators could do everything; the first one owns the console.  Returns None when there
    is an account of that name already, whose password decides then.
    """
    is_first = not Operator.objects.filter(role=Role.OWNER, is_active=True).exists()
    operator = Operator(
        username=row.uname,
        old_admin_id=row.pk,
        role=Role.OWNER if is_first else Role.OPERATOR,
    )
    operator.set_password(password)
    try:
        with transaction.atomic():
            operator.save()
            audit_log.record(None, "add", operator, {"old_admin_id": row.pk})
    except IntegrityError:
        return None
    log.info("operator %s of the old console has an account now", row.pk)
    return operator
