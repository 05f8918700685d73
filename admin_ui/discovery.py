"""Pages of the links on the clients' discovery page."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from admin_ui.edit_pages import CardAdmin, CardForm, number_choice
from admin_ui.filters import SHOWN_OR_HIDDEN, ShownFilter, name_of
from im.models import IMDiscovery
from im.services.directory import discovery_links
from im.services.directory.discovery_links import TEXTS, ItemCard
from im.services.validation import MAX_PRIORITY, Problem
from im.types import RowStatus

MAX_CHARS = {rule.field: rule.max_chars for rule in TEXTS}


class DiscoveryForm(CardForm):
    """One link; all it does is make an ItemCard."""

    item_name = forms.CharField(label=_("Name"), max_length=MAX_CHARS["item_name"])
    item_url = forms.CharField(
        label=_("Address"),
        max_length=MAX_CHARS["item_url"],
        widget=forms.URLInput(attrs={"size": 60}),
        help_text=_("Clients open it in a window of their own."),
    )
    item_priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=MAX_PRIORITY,
        initial=0,
        help_text=_("Links are listed from low to high."),
    )
    status = number_choice(SHOWN_OR_HIDDEN, _("Visibility"), RowStatus.SHOWN)

    def card(self) -> ItemCard:
        """Return what the operator entered."""
        return ItemCard(
            item_name=self.cleaned_data["item_name"],
            item_url=self.cleaned_data["item_url"],
            item_priority=self.cleaned_data["item_priority"],
            status=self.cleaned_data["status"],
        )

    def problems(self) -> Sequence[Problem]:
        if self.instance.pk is None:
            return discovery_links.check_new_item(self.card())
        seen = self.cleaned_data["seen"]
        return discovery_links.check_item(self.instance.pk, self.card(), seen=seen)


@admin.register(IMDiscovery)
class DiscoveryAdmin(CardAdmin):
    """The links clients show on their discovery page."""

    form = DiscoveryForm
    list_display = ["item_name", "item_url", "item_priority", "visibility", "updated_at"]
    list_filter = [ShownFilter]
    search_fields = ["item_name", "item_url"]
    ordering = ["item_priority", "id"]
    actions = ["hide"]
    fields = [
        "item_name",
        "item_url",
        "item_priority",
        "status",
        "created_at",
        "updated_at",
        "seen",
    ]
    readonly_fields = ["created_at", "updated_at"]

    def write(self, form: DiscoveryForm, row_id: int | None) -> int:
        if row_id is None:
            return discovery_links.create_item(form.card()).item_id
        seen = form.cleaned_data["seen"]
        return discovery_links.change_item(row_id, form.card(), seen=seen).item_id

    @admin.display(description=_("visibility"), ordering="status")
    def visibility(self, row: IMDiscovery) -> Any:  # Any: translated lazily
        return name_of(row.status, SHOWN_OR_HIDDEN)

    @admin.action(description=_("Hide from the discovery page"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[IMDiscovery]) -> None:
        """Hide the chosen ones."""
        rows = list(queryset)
        for row in rows:
            with transaction.atomic():
                discovery_links.hide_item(row.pk)
                self.record(request, "hide", row)
        text = ngettext("%d link is hidden.", "%d links are hidden.", len(rows))
        self.message_user(request, text % len(rows), messages.SUCCESS)
