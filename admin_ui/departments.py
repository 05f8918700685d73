"""Pages of departments: the tree, and one department."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ALL_VAR, ORDER_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from admin_ui import scope
from admin_ui.confirm import confirmed
from admin_ui.console import ConsoleList, operator_of
from admin_ui.department_choice import URL_NAME, DepartmentField, answer_choices
from admin_ui.edit_pages import CardAdmin, CardForm, number_choice
from admin_ui.filters import SHOWN_OR_HIDDEN, ShownFilter, name_of
from admin_ui.tree import Place, company_outline, headcounts, totals
from im.errors import Refused
from im.models import IMDepart
from im.services.directory import users
from im.services.directory.department_closing import close_department
from im.services.directory.users import DEPARTMENT_TEXTS, DepartmentCard
from im.services.validation import MAX_PRIORITY, Problem
from im.types import RowStatus


@dataclass(frozen=True, slots=True)
class Listing:
    """What a line of the list shows beyond the row itself."""

    place: Place
    people: int
    people_total: int
    indented: bool  # stands below its parent; otherwise its path says where it belongs


class DepartmentList(ConsoleList):
    """The list in the order of the tree, until the operator asks for another one."""

    def read(self, request: HttpRequest) -> None:
        ChangeList.get_results(self, request)  # its rows are not read yet
        if ORDER_VAR in self.params:
            rows = list(self.result_list)
            places = company_outline()
        else:
            everything = list(self.queryset)
            places = company_outline()
            rows = self._page_in_tree_order(everything, list(places))
        own = headcounts()
        sums = totals(places, own)
        indented = self.params.keys() <= {ALL_VAR}
        for row in rows:
            row.listing = Listing(places[row.pk], own.get(row.pk, 0), sums[row.pk], indented)
        self.result_list = rows

    def _page_in_tree_order(self, rows: list[Any], order: list[int]) -> list[Any]:
        rank = {depart_id: index for index, depart_id in enumerate(order)}
        rows.sort(key=lambda row: rank[row.pk])
        if self.show_all or not self.multi_page:
            return rows
        start = (self.page_num - 1) * self.list_per_page
        return rows[start : start + self.list_per_page]


def listing_of(row: IMDepart) -> Listing:
    """Return what DepartmentList has hung on a row of its."""
    listing: Listing = row.listing  # type: ignore[attr-defined]  # an attribute of listed rows only
    return listing


class DepartmentForm(CardForm):
    """One department; all it does is make a DepartmentCard."""

    depart_name = forms.CharField(label=_("Name"), max_length=DEPARTMENT_TEXTS[0].max_chars)
    parent = DepartmentField(
        label=_("Part of"),
        required=False,
        help_text=_("Leave empty for the top of the company."),
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=0,
        max_value=MAX_PRIORITY,
        initial=0,
        help_text=_("Departments beside each other are listed from low to high."),
    )
    status = number_choice(SHOWN_OR_HIDDEN, _("Visibility"), RowStatus.SHOWN)
    form_fields = {"parent_id": "parent"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["parent"] = self.instance.parent_id or None

    def card(self) -> DepartmentCard:
        """Return what the operator entered."""
        parent: IMDepart | None = self.cleaned_data["parent"]
        return DepartmentCard(
            depart_name=self.cleaned_data["depart_name"],
            priority=self.cleaned_data["priority"],
            parent_id=parent.pk if parent else 0,
            status=self.cleaned_data["status"],
        )

    def problems(self) -> Sequence[Problem]:
        if self.instance.pk is None:
            return users.check_new_department(self.card())
        seen = self.cleaned_data["seen"]
        return users.check_department(self.instance.pk, self.card(), seen=seen)


class MoveForm(forms.Form):
    """Where departments go."""

    parent = DepartmentField(
        label=_("Part of"),
        required=False,
        help_text=_("Leave empty for the top of the company."),
    )


class DropForm(MoveForm):
    """What the page sends when a department was dropped."""

    seen = forms.IntegerField(required=False)


class CloseForm(forms.Form):
    """Where people go."""

    target = DepartmentField(label=_("Everybody goes to"))


@admin.register(IMDepart)
class DepartmentAdmin(CardAdmin):
    """The department tree."""

    form = DepartmentForm
    list_before_template = "admin_ui/tree_help.html"  # unfold's; the stock look has no dragging
    list_display = ["tree_name", "people", "people_total", "priority", "visibility", "updated_at"]
    list_display_links = ["tree_name"]
    list_filter = [ShownFilter]
    search_fields = ["depart_name"]
    ordering = ["id"]  # where nothing else is said; the list itself is in tree order
    actions = ["move", "close", "hide"]
    fields = ["depart_name", "parent", "priority", "status", "created_at", "updated_at", "seen"]
    readonly_fields = ["created_at", "updated_at"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DepartmentList

    def get_queryset(self, request: HttpRequest) -> QuerySet[IMDepart]:
        return scope.departments(operator_of(request), super().get_queryset(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody moves or closes the department he manages, only what is in it."""
        is_own_root = obj is not None and obj.pk == operator_of(request).depart_id
        return not is_own_root and super().has_change_permission(request, obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("choices/", view(answer_choices), name=URL_NAME),
            path("drop/", view(require_POST(self.drop)), name="im_imdepart_drop"),
            *super().get_urls(),
        ]

    def write(self, form: DepartmentForm, row_id: int | None) -> int:
        if row_id is None:
            return users.create_department(form.card()).depart_id
        seen = form.cleaned_data["seen"]
        return users.change_department(row_id, form.card(), seen=seen).depart_id

    @admin.display(description=_("department"), ordering="depart_name")
    def tree_name(self, row: IMDepart) -> str:
        listing = listing_of(row)
        if not listing.indented:
            return listing.place.path
        return format_html(
            '<span class="tree tree-{}" style="--depth: {}" data-department="{}" data-seen="{}">'
            "{}</span>",
            "top" if listing.place.depth == 0 else "below",
            listing.place.depth,
            row.pk,
            row.updated,
            row.depart_name,
        )

    @admin.display(description=_("people"))
    def people(self, row: IMDepart) -> int:
        return listing_of(row).people

    @admin.display(description=_("with sub-departments"))
    def people_total(self, row: IMDepart) -> int:
        return listing_of(row).people_total

    @admin.display(description=_("visibility"), ordering="status")
    def visibility(self, row: IMDepart) -> Any:
        return name_of(row.status, SHOWN_OR_HIDDEN)

    # --- moving and closing ---------------------------------------------------------------------

    def drop(self, request: HttpRequest) -> HttpResponse:
        """Take a department that was dragged onto another one, or onto the top (parent 0)."""
        form = DropForm(request.POST)
        row = self.get_object(request, request.POST.get("department", ""))
        if row is None or not self.has_change_permission(request, row):
            raise PermissionDenied
        scope.restrict(form, operator_of(request))
        if not form.is_valid():
            return JsonResponse({"error": gettext("There is no such department.")}, status=400)
        try:
            self._move(request, row, form.cleaned_data["parent"], form.cleaned_data["seen"])
        except Refused as refusal:
            return JsonResponse({"error": str(refusal)}, status=400)
        return JsonResponse({})

    @transaction.atomic
    def _move(
        self, request: HttpRequest, row: IMDepart, parent: IMDepart | None, seen: int | None = None
    ) -> None:
        parent_id = parent.pk if parent else 0
        card = DepartmentCard(row.depart_name, row.priority, parent_id, row.status)
        if users.change_department(row.pk, card, seen=seen).fields:
            self.record(request, "move", row, {"parent_id": [row.parent_id, parent_id]})

    @confirmed(_("Move to another department"), permissions=["change"], form_class=MoveForm)
    def move(self, request: HttpRequest, queryset: QuerySet[IMDepart], form: forms.Form) -> None:
        """Move the chosen ones with all that they contain; what dragging does, by keyboard."""
        for row in self._changeable(request, queryset):
            try:
                self._move(request, row, form.cleaned_data["parent"])
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            else:
                text = gettext("%(name)s is moved.") % {"name": row}
                self.message_user(request, text, messages.SUCCESS)

    @confirmed(
        _("Close: move everybody elsewhere, then hide"),
        permissions=["change"],
        form_class=CloseForm,
        note=_("Where do the people and the departments in it go?"),
    )
    def close(self, request: HttpRequest, queryset: QuerySet[IMDepart], form: forms.Form) -> None:
        """Close the chosen ones, a transaction each, or several for thousands of people."""
        target = form.cleaned_data["target"]
        for row in self._changeable(request, queryset):
            try:
                people = sum(self._close(request, row, target))
            except Refused as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.ERROR)
            else:
                text = gettext("%(name)s is closed; %(people)d people moved to %(target)s.")
                names = {"name": row, "people": people, "target": target}
                self.message_user(request, text % names, messages.SUCCESS)

    def _close(self, request: HttpRequest, row: IMDepart, target: IMDepart) -> Iterator[int]:
        """Close one; yield how many people each transaction has moved."""
        has_more = True
        while has_more:
            with transaction.atomic():
                closed = close_department(row.pk, target.pk)
                detail = {"people": closed.people, "to": target.pk}
                self.record(request, "move people" if closed.has_more else "hide", row, detail)
            has_more = closed.has_more
            yield closed.people

    def _changeable(self, request: HttpRequest, queryset: QuerySet[IMDepart]) -> list[IMDepart]:
        return [row for row in queryset if self.has_change_permission(request, row)]

    @admin.action(description=_("Hide from everybody's list"), permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[IMDepart]) -> None:
        """Hide the chosen ones, from the leaves up so that whole branches go in one step."""
        chosen = {row.pk: row for row in self._changeable(request, queryset)}
        hidden = 0
        for depart_id in reversed([key for key in company_outline() if key in chosen]):
            try:
                with transaction.atomic():
                    users.hide_department(depart_id)
                    self.record(request, "hide", chosen[depart_id])
            except Refused as refusal:
                self.message_user(request, f"{chosen[depart_id]}: {refusal}", messages.ERROR)
            else:
                hidden += 1
        if hidden:
            text = ngettext("%d department is hidden.", "%d departments are hidden.", hidden)
            self.message_user(request, text % hidden, messages.SUCCESS)
