"""People whose logins wait after wrong passwords, and letting them in again."""

import math
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui import audit_log
from admin_ui.audit_log import Deed
from admin_ui.console import change_url, operator_of, readable_s
from admin_ui.roles import LET_IN_AGAIN, VIEW_BLOCKED_LOGINS
from admin_ui.site import console_page
from im.models import IMUser
from im.services.identity import login_throttle
from im.services.identity.login_limits import Blocked


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; `person` is None for a name that nobody has, and for an address.

    `wait_s` 0: they may try now, and wait again after the next failure.
    """

    name: str
    address: str
    person: IMUser | None
    page: str
    failures: int
    last: str
    wait_s: int


@console_page("blocked/", name="blocked_logins", permission=VIEW_BLOCKED_LOGINS)
def blocked_logins(request: HttpRequest) -> HttpResponseBase:
    """Show who failed to log in more often than is allowed; forget the failures of one."""
    if request.method == "POST":
        return _let_in_again(request)
    throttle = login_throttle.of_people()
    was_resting = throttle.is_resting
    found = throttle.blocked()
    people = _people({one.name for one in found})
    context = {
        "rows": [_row(one, people.get(one.name)) for one in found],
        "is_partial": was_resting or throttle.is_resting,
        "may_let_in": request.user.has_perm(LET_IN_AGAIN),
    }
    site: Any = admin.site
    context = site.page_context(request, _("Blocked logins"), **context)
    return TemplateResponse(request, "admin_ui/blocked_logins.html", context)


def _let_in_again(request: HttpRequest) -> HttpResponseBase:
    if not request.user.has_perm(LET_IN_AGAIN):
        raise PermissionDenied
    name, address = request.POST.get("name", ""), request.POST.get("address", "")
    person = _people({name}).get(name)
    deed = Deed("let in again", person or "", {}, target_name=name or address)
    where = audit_log.address_of(request)
    audit_log.record_all(operator_of(request), [deed], address=where)
    throttle = login_throttle.of_people()
    if name:
        throttle.forgive(name)
    else:
        throttle.forgive_address(address)
    if throttle.is_resting:
        text = gettext("Redis does not answer: only this process lets %s in again.")
        messages.warning(request, text % (name or address))
    else:
        messages.success(request, gettext("%s may try again.") % (name or address))
    return redirect("admin:blocked_logins")


def _people(names: set[str]) -> dict[str, IMUser]:
    return {row.name: row for row in IMUser.objects.filter(name__in=names).order_by("id")}


def _row(one: Blocked, person: IMUser | None) -> Row:
    return Row(
        one.name,
        one.address,
        person,
        change_url(IMUser, person.pk) if person else "",
        one.failures,
        readable_s(int(one.last_at)),
        math.ceil(one.wait_s),
    )
