"""How audit entries read: the names of actions and fields in the operator's language."""

from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from admin_ui.models import AuditEntry
from admin_ui.punctuation import labelled, listed

# What operators do.  Recorded by these names for ever; who adds an action adds its line.
ACTIONS: dict[str, Any] = {  # Any: translated lazily
    "add": _("added"),
    "change": _("changed"),
    "delete": _("deleted"),
    "hide": _("hidden"),
    "move": _("moved"),
    "move people": _("people moved"),
    "leave": _("marked as left"),
    "offboard": _("offboarded"),
    "password": _("new password"),
    "import": _("imported"),
    "export": _("exported"),
    "add members": _("members added"),
    "remove members": _("members taken out"),
    "hand over": _("handed over"),
    "dissolve": _("dissolved"),
    "find messages": _("messages looked for"),
    "read messages": _("messages searched and read"),
    "read conversation": _("conversation read"),
    "hear voice": _("voice message heard"),
    "disconnect": _("disconnected"),
    "drain": _("gateway drained"),
    "announce": _("announcement"),
    "log in": _("logged in"),
    "log out": _("logged out"),
    "second factor on": _("second factor switched on"),
    "second factor off": _("second factor switched off"),
    "recovery codes": _("new recovery codes"),
    "let in again": _("login allowed again"),
}

# What details are about that are no columns of the row concerned.
DETAILS: dict[str, Any] = {  # Any: translated lazily
    "people": _("people concerned"),
    "rows": _("rows"),
    "file": _("file"),
    "new": _("new"),
    "changed": _("changed"),
    "unchanged": _("unchanged"),
    "refused": _("refused"),
    "not stored": _("not stored"),
    "to": _("new department"),
    "groups left": _("groups left"),
    "groups handed over": _("groups handed over"),
    "successor": _("successor"),
    "old_admin_id": _("id in the old console"),
    "owner": _("creator"),
    "depart": _("department"),
}

_NOTHING = ["", ""]  # older imports recorded so that a password, of course not shown, was set


def action_name(entry: AuditEntry) -> Any:  # Any: translated lazily
    """Return what was done, in words."""
    return ACTIONS.get(entry.action, entry.action)


def detail_html(entry: AuditEntry) -> str:
    """Return what an entry says beyond its action, a line each."""
    return format_html_join(
        "\n",
        f"<div>{labelled('{}', '<b>{}</b>')}</div>",
        (
            (_label(entry, name), _value(value))
            for name, value in entry.changes
            if value != _NOTHING
        ),
    )


def _label(entry: AuditEntry, name: str) -> Any:
    if name in DETAILS:
        return DETAILS[name]
    model = entry.target.partition(":")[0]
    try:
        return apps.get_model(model)._meta.get_field(name).verbose_name
    except (LookupError, ValueError, FieldDoesNotExist, AttributeError):
        return name


def _value(value: Any) -> str:
    """Return a recorded value; a pair is a change."""
    if isinstance(value, list) and len(value) == 2:
        return f"{_shown(value[0])} → {_shown(value[1])}"
    if isinstance(value, list):
        return listed(map(_shown, value))
    return _shown(value)


def _shown(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)
