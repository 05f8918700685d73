"""The page of the audit log: read, filtered, never changed."""

from datetime import UTC, date, datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from admin_ui.audit_texts import ACTIONS, action_name, detail_html
from admin_ui.console import ReadOnlyAdmin
from admin_ui.filters import DayRangeFilter, DropdownFilter, day_start
from admin_ui.models import AuditEntry


class ActionFilter(DropdownFilter):
    """Narrows the log to one kind of action."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(name, text) for name, text in ACTIONS.items()]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() in ACTIONS else queryset


class TimeFilter(DayRangeFilter):
    """Narrows the log to a range of days."""

    title = _("time")
    parameter_name = "at"

    def in_column(self, day: date) -> datetime:
        return datetime.fromtimestamp(day_start(day), UTC)


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Who did what, newest first."""

    list_display = ["number", "at", "operator", "what", "target_name", "detail_text", "reason"]
    list_display_links = ["number"]
    list_filter = [ActionFilter, TimeFilter]
    search_fields = ["operator", "target", "target_name", "reason"]
    ordering = ["-number"]
    fields = [
        "number", "at", "operator", "address", "what", "target", "target_name", "detail_text",
        "reason", "hash",
    ]  # fmt: skip

    @admin.display(description=_("action"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        return format_html("{}", action_name(entry))

    @admin.display(description=_("detail"))
    def detail_text(self, entry: AuditEntry) -> str:
        return detail_html(entry)
