"""Grants: what an operator may read for the reason he gave, for an hour.

A grant is signed, names its operator and travels in the address of the pages it opens, so that
nothing is read without a reason in the audit log and a link that is passed on opens nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from admin_ui import audit_log
from admin_ui.console import operator_of
from admin_ui.roles import VIEW_CONTENT
from im.services.messages.search import Selection

SECONDS = 3600
_SALT = "admin_ui.grants"


@dataclass(frozen=True, slots=True)
class Grant:
    """A selection of messages; `reason` is "" where no content is shown."""

    selection: Selection
    reason: str

    @property
    def shows_content(self) -> bool:
        """Tell whether content may be shown."""
        return bool(self.reason)


def give(request: HttpRequest, selection: Selection, reason: str) -> str:
    """Record that the operator searches for this, and return the grant to go on with."""
    if reason and not request.user.has_perm(VIEW_CONTENT):
        raise PermissionDenied
    wanted = {
        name: value
        for name, value in asdict(selection).items()
        if value and (name != "words" or reason)
    }
    audit_log.record(
        operator_of(request),
        "read messages" if reason else "find messages",
        "",
        wanted | ({"words": " ".join(selection.words)} if selection.words else {}),
        reason,
        address=audit_log.address_of(request),
    )
    plain = {"operator": request.user.pk, "reason": reason, **asdict(selection)}
    return signing.dumps(plain, salt=_SALT, compress=True)


def take(request: HttpRequest) -> Grant:
    """Return the grant a request brings along.  Raises PermissionDenied for none that is good."""
    text = request.GET.get("grant") or request.POST.get("grant") or ""
    try:
        plain = signing.loads(text, salt=_SALT, max_age=SECONDS)
    except signing.BadSignature as exc:
        raise PermissionDenied from exc
    if plain.pop("operator") != request.user.pk:
        raise PermissionDenied
    reason = plain.pop("reason")
    if reason and not request.user.has_perm(VIEW_CONTENT):
        raise PermissionDenied  # it was taken from him meanwhile
    return Grant(Selection(**_with_tuple(plain)), reason)


def _with_tuple(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {**plain, "words": tuple(plain["words"])}
