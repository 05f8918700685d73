"""What the pages of the company's own tables share.

A form only turns fields into a card; the services of `im.services` say what is wrong with it and
write it.  Rows are never deleted here, and times are shown, not edited.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from admin_ui.console import CaselessSearch, ConsoleModelAdmin, list_url
from admin_ui.filters import Choices
from im.dispatch import announce
from im.errors import Refused
from im.services.validation import Problem
from im.types import Event

if TYPE_CHECKING:  # the type checker knows it as a generic class, Django does not
    ModelForm = forms.ModelForm[Any]  # Any: a base for all our tables
else:
    ModelForm = forms.ModelForm

OF_STORED_ROWS = ("created_at", "updated_at", "seen")


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


class CardAdmin(CaselessSearch, ConsoleModelAdmin):
    """Pages of one table whose rows services write."""

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

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def number_choice(choices: Choices, label: Any, initial: int) -> forms.TypedChoiceField:
    """Return a form field that offers numbers by name.  Any: the label is translated lazily."""
    return forms.TypedChoiceField(choices=choices, coerce=int, label=label, initial=initial)


def announce_on_commit(events: Sequence[Event]) -> None:
    """Tell connected clients what happened, once it is certain."""
    if events:
        transaction.on_commit(lambda: announce(events))
