"""Roles: what each kind of operator may do.  The one place that decides it.

A right is one of Django's permissions: "im.change_imuser" for what a table's pages ask by
themselves, or one of PAGE_RIGHTS for what no table has.  A department manager has his rights in his
part of the tree only; `admin_ui.scope` sees to that.
"""

from collections.abc import Iterator, Mapping
from functools import cache

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """What kind of operator somebody is; without one he can't log in."""

    OWNER = "owner", _("owner")
    OPERATOR = "operator", _("operator")
    AUDITOR = "auditor", _("auditor")
    PERSONNEL = "personnel", _("personnel")  # people and departments, without passwords
    MANAGER = "manager", _("department manager")
    NONE = "", _("none")


# Tables and what is done with them: v(iew), a(dd), c(hange), d(elete).
_ACTIONS = {"v": "view", "a": "add", "c": "change", "d": "delete"}

# Rights that belong to pages, not to tables.
VIEW_DASHBOARD = "admin_ui.view_dashboard"
VIEW_CONVERSATIONS = "admin_ui.view_conversations"  # find messages, without their content
VIEW_CONTENT = "admin_ui.view_content"  # read what was said; asks for a reason
VIEW_LIVE = "admin_ui.view_live"
CONTROL_LIVE = "admin_ui.control_live"  # disconnect, drain, broadcast
EXPORT_PEOPLE = "admin_ui.export_people"
IMPORT_PEOPLE = "admin_ui.import_people"
SET_PASSWORDS = "admin_ui.set_passwords"  # who does can log in as that person
VIEW_BLOCKED_LOGINS = "admin_ui.view_blocked_logins"
LET_IN_AGAIN = "admin_ui.let_in_again"  # whose logins wait after wrong passwords

PAGE_RIGHTS: Mapping[Role, frozenset[str]] = {
    Role.OWNER: frozenset(
        {
            VIEW_DASHBOARD,
            VIEW_CONVERSATIONS,
            VIEW_CONTENT,
            VIEW_LIVE,
            CONTROL_LIVE,
            EXPORT_PEOPLE,
            IMPORT_PEOPLE,
            SET_PASSWORDS,
            VIEW_BLOCKED_LOGINS,
            LET_IN_AGAIN,
        }
    ),
    Role.OPERATOR: frozenset(
        {
            VIEW_DASHBOARD,
            VIEW_CONVERSATIONS,
            VIEW_LIVE,
            CONTROL_LIVE,
            EXPORT_PEOPLE,
            IMPORT_PEOPLE,
            SET_PASSWORDS,
            VIEW_BLOCKED_LOGINS,
            LET_IN_AGAIN,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            VIEW_DASHBOARD,
            VIEW_CONVERSATIONS,
            VIEW_CONTENT,
            VIEW_LIVE,
            EXPORT_PEOPLE,
            VIEW_BLOCKED_LOGINS,
        }
    ),
    Role.PERSONNEL: frozenset({EXPORT_PEOPLE, IMPORT_PEOPLE, VIEW_BLOCKED_LOGINS, LET_IN_AGAIN}),
    Role.MANAGER: frozenset({EXPORT_PEOPLE, IMPORT_PEOPLE, SET_PASSWORDS}),
    Role.NONE: frozenset(),
}

TABLE_RIGHTS: Mapping[Role, Mapping[str, str]] = {
    Role.OWNER: {
        "im.imuser": "vac",
        "im.imdepart": "vac",
        "im.imgroup": "vacd",  # d: dissolve
        "im.imdiscovery": "vac",
        "admin_ui.operator": "vac",
        "admin_ui.auditentry": "v",
        "axes.accessattempt": "vd",
    },
    Role.OPERATOR: {
        "im.imuser": "vac",
        "im.imdepart": "vac",
        "im.imgroup": "vacd",  # d: dissolve
        "im.imdiscovery": "vac",
    },
    Role.AUDITOR: {
        "im.imuser": "v",
        "im.imdepart": "v",
        "im.imgroup": "v",
        "im.imdiscovery": "v",
        "admin_ui.operator": "v",
        "admin_ui.auditentry": "v",
        "axes.accessattempt": "v",
    },
    Role.PERSONNEL: {"im.imuser": "vac", "im.imdepart": "vac"},
    Role.MANAGER: {"im.imuser": "vac", "im.imdepart": "vac"},
    Role.NONE: {},
}


@cache
def rights_of(role: Role) -> frozenset[str]:
    """Return all rights of a role, as Django writes permissions."""
    return PAGE_RIGHTS[role] | frozenset(_table_rights(TABLE_RIGHTS[role]))


def _table_rights(tables: Mapping[str, str]) -> Iterator[str]:
    for label, letters in tables.items():
        app, model = label.split(".")
        yield from (f"{app}.{_ACTIONS[letter]}_{model}" for letter in letters)
