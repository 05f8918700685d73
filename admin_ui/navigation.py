"""The sidebar: its sections, and who sees which of their lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sidebar; `icon` is a Material symbol, `url_name` is in the admin's space."""

    title: Any  # translated lazily
    icon: str
    url_name: str
    permission: str


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading."""

    title: Any  # translated lazily
    lines: Sequence[Line]


DASHBOARD = Line(_("Dashboard"), "monitoring", "dashboard", "admin_ui.view_dashboard")
SECTIONS: tuple[Section, ...] = (
    Section(
        _("People"),
        (
            Line(_("Users"), "person", "im_imuser_changelist", "im.view_imuser"),
            Line(_("Departments"), "account_tree", "im_imdepart_changelist", "im.view_imdepart"),
            Line(_("Blocked logins"), "lock", "blocked_logins", "admin_ui.view_blocked_logins"),
        ),
    ),
    Section(
        _("Groups"),
        (Line(_("Groups"), "groups", "im_imgroup_changelist", "im.view_imgroup"),),
    ),
    Section(
        _("Conversations"),
        (Line(_("Find messages"), "forum", "conversations", "admin_ui.view_conversations"),),
    ),
    Section(
        _("Live"),
        (
            DASHBOARD,
            Line(_("Gateways and users"), "sensors", "live", "admin_ui.view_live"),
        ),
    ),
    Section(
        _("System"),
        (
            Line(
                _("Discovery links"),
                "explore",
                "im_imdiscovery_changelist",
                "im.view_imdiscovery",
            ),
            Line(_("Operators"), "badge", "admin_ui_operator_changelist", "admin_ui.view_operator"),
            Line(
                _("Failed logins of operators"),
                "lock_clock",
                "axes_accessattempt_changelist",
                "axes.view_accessattempt",
            ),
            Line(
                _("Audit log"),
                "policy",
                "admin_ui_auditentry_changelist",
                "admin_ui.view_auditentry",
            ),
        ),
    ),
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar in the form unfold takes, without what this operator may not see."""
    sections = [(section.title, _open_lines(request, section)) for section in SECTIONS]
    seen = [(title, lines) for title, lines in sections if lines]
    return [
        {
            "title": title,
            "separator": place > 0,  # between sections
            "items": [
                {"title": line.title, "icon": line.icon, "link": _address(line)} for line in lines
            ],
        }
        for place, (title, lines) in enumerate(seen)
    ]


def home(request: HttpRequest) -> str:
    """Return the page an operator starts on: the dashboard, or the first he may see."""
    lines = [line for section in SECTIONS for line in _open_lines(request, section)]
    return _address(DASHBOARD if DASHBOARD in lines else lines[0])


def _open_lines(request: HttpRequest, section: Section) -> list[Line]:
    return [line for line in section.lines if request.user.has_perm(line.permission)]


def _address(line: Line) -> str:
    return reverse(f"admin:{line.url_name}")
