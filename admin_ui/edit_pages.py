"""What the pages of the company's own tables share.

A form only turns fields into a card; the services of `im.services` say what is wrong with it and
write it.  Rows are never deleted here, and times are shown, not edited.
"""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from im.dispatch import announce
from im.errors import Refused
from im.fields import CharColumn
from im.services.edits import Problem
from im.types import Event, RowStatus

if TYPE_CHECKING:  # the type checker knows these as generic classes, Django does not
    ModelForm = forms.ModelForm[Any]  # Any: bases for all our tables
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelForm, ModelAdmin = forms.ModelForm, admin.ModelAdmin

ROWS_PER_PAGE = 50  # one screen or two; each row costs a little template time

OF_STORED_ROWS = ("created_at", "updated_at", "seen")

Choices = Sequence[tuple[int, Any]]  # numbers and their names; Any: translated lazily
SHOWN_OR_HIDDEN: Choices = [(RowStatus.SHOWN, _("shown")), (RowStatus.REMOVED, _("hidden"))]


CharColumn.register_lookup(Lower)  # `__lower` in queries, for searches


class CardForm(ModelForm):
    """A form whose values are checked by a service, which names fields as the model does.

    `seen` carries the row's `updated` as the page showed it, so that two operators who edit the
    same row don't overwrite each other unknowingly.
    """

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    form_fields: ClassVar[dict[str, str]] = {}  # model field -> form field, where they differ

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # Any: ModelForm's own signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = self.instance.updated

    @abstractmethod
    def problems(self) -> Sequence[Problem]:
        """Ask the service what is wrong with the cleaned values."""

    def clean(self) -> None:
        """Show the service's problems beside the fields they concern."""
        super().clean()
        if self.errors:
            return
        for problem in self.problems():
            field = self.form_fields.get(problem.field, problem.field)
            self.add_error(field if field in self.fields else None, problem.text)


class CardAdmin(ModelAdmin):
    """Pages of one table whose rows services write."""

    list_per_page = ROWS_PER_PAGE
    show_facets = admin.ShowFacets.NEVER  # one count per choice, over everybody
    show_full_result_count = False
    view_on_site = False

    @abstractmethod
    def write(self, form: Any, row_id: int | None) -> int:  # Any: each page has its own form
        """Hand the form's card to the service and return the row's id; None adds a row."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        obj.pk = self.write(form, obj.pk if change else None)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what a service refuses after the form was checked, e.g. for a row that is gone."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return HttpResponseRedirect(list_url(self.model))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave out what only a stored row has on the page that adds one."""
        fields = super().get_fields(request, obj)
        return fields if obj else [field for field in fields if field not in OF_STORED_ROWS]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [f"{field}__lower__contains" for field in self.search_fields]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Search without regard to capitals, which our columns tell apart on MySQL."""
        return super().get_search_results(request, queryset, search_term.lower())

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=_("created"), ordering="created")
    def created_at(self, row: Any) -> str:  # Any: these columns are in all our tables
        return readable(row.created)

    @admin.display(description=_("updated"), ordering="updated")
    def updated_at(self, row: Any) -> str:
        return readable(row.updated)


def readable(unix_seconds: int) -> str:
    """Return a time of our tables as date and minute in the console's time zone."""
    return date_format(localtime(datetime.fromtimestamp(unix_seconds, UTC)), "Y-m-d H:i")


class ChoiceFilter(admin.SimpleListFilter):
    """Narrows a list to rows whose column `parameter_name` has the chosen number."""

    template = "admin_ui/select_filter.html"
    numbers: Choices = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(number), text) for number, text in self.numbers]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        if self.value() not in {str(number) for number, _text in self.numbers}:
            return queryset
        return queryset.filter(**{str(self.parameter_name): self.value()})


class ShownFilter(ChoiceFilter):
    """Narrows a list to shown or to hidden rows."""

    title = _("visibility")
    parameter_name = "status"
    numbers = SHOWN_OR_HIDDEN


def number_choice(choices: Choices, label: Any, initial: int) -> forms.TypedChoiceField:
    """Return a form field that offers numbers by name.  Any: the label is translated lazily."""
    return forms.TypedChoiceField(choices=choices, coerce=int, label=label, initial=initial)


def list_url(model: type[Model]) -> str:
    """Return the address of a table's list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def announce_on_commit(events: Sequence[Event]) -> None:
    """Tell connected clients what happened, once it is certain."""
    if events:
        transaction.on_commit(lambda: announce(events))


def changed_fields(*fields: str) -> list[dict[str, dict[str, list[str]]]]:
    """Return the history entry "changed these fields", in the form the admin can translate."""
    return [{"changed": {"fields": list(fields)}}]


def name_of(number: int | None, choices: Choices) -> Any:  # Any: translated lazily
    """Return a number's name; adopted rows may hold numbers that have none."""
    return dict(choices).get(number or 0, number)
