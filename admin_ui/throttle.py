"""Failed logins: who is kept out for a while, and letting him in again."""

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from admin_ui.audit_log import Deed
from admin_ui.console import ReadOnlyAdmin


def locked_out(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """Answer a login that is refused unseen, after too many wrong ones."""
    minutes = int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)
    text = gettext("Too many failed logins. Try again in %(minutes)d minutes.")
    context = {"text": text % {"minutes": minutes}}
    return render(request, "admin_ui/locked_out.html", context, status=429)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    """Names and addresses with failed logins since the last good one."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time"]
    actions = ["let_in_again"]
    fields = ["username", "ip_address", "failures_since_start", "attempt_time", "user_agent"]

    @admin.action(description=_("Forget the failures: let them try again"), permissions=["delete"])
    def let_in_again(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        """Forget the failures of the chosen ones."""
        rows = list(queryset)
        with transaction.atomic():
            deeds = [Deed("let in again", row, target_name=str(row.username)) for row in rows]
            self.record_all(request, deeds)
            queryset.delete()
        text = ngettext("%d may try again.", "%d may try again.", len(rows))
        self.message_user(request, text % len(rows), messages.SUCCESS)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")

    def get_actions(self, request: HttpRequest) -> Any:  # Any: the stubs' own type is private
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # the one above says what it does
        return actions
