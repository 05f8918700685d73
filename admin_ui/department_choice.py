"""The form field that picks a department: a search box that shows each with its path."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.functional import cached_property

from admin_ui.search_box import NumberedChoices
from admin_ui.tree import Place, company_outline
from im.models import IMDepart
from im.types import RowStatus

if TYPE_CHECKING:  # the type checker knows it as a generic class, Django does not
    ModelChoiceField = forms.ModelChoiceField[IMDepart]
else:
    ModelChoiceField = forms.ModelChoiceField

URL_NAME = "im_imdepart_choices"
# What Django's search box asks of a foreign key, which our references are not to it.
_FOREIGN_KEY = SimpleNamespace(
    model=IMDepart, name="parent", remote_field=SimpleNamespace(model=IMDepart)
)


class DepartmentChoices(AutocompleteJsonView):
    """Answers the search box: shown departments that match, by their paths."""

    @cached_property
    def places(self) -> dict[int, Place]:
        return company_outline()

    def process_request(self, request: HttpRequest) -> tuple[str, Any, Any, str]:
        """Return what to search for, where, for which field, and the column that identifies."""
        model_admin = admin.site.get_model_admin(IMDepart)
        return request.GET.get("term", ""), model_admin, IMDepart._meta.get_field("parent"), "id"

    def get_queryset(self) -> QuerySet[IMDepart]:
        return super().get_queryset().filter(status=RowStatus.SHOWN)

    def serialize_result(self, obj: Model, to_field_name: str) -> dict[str, str]:
        return {"id": str(obj.pk), "text": self.places[obj.pk].path}


def answer_choices(request: HttpRequest) -> HttpResponseBase:
    """Answer one search of the box; operators who may see departments may ask."""
    return DepartmentChoices.as_view(admin_site=admin.site)(request)


class DepartmentSelect(NumberedChoices, AutocompleteSelect):
    """The search box itself."""

    def get_url(self) -> str:
        return reverse(f"admin:{URL_NAME}")


class DepartmentField(ModelChoiceField):
    """Picks a department; the cleaned value is its row."""

    def __init__(self, **kwargs: Any) -> None:  # Any: Django's own signature
        widget = DepartmentSelect(_FOREIGN_KEY, admin.site, attrs={"style": "width: 24em"})
        super().__init__(queryset=IMDepart.objects.all(), widget=widget, **kwargs)

    def label_from_instance(self, obj: Model) -> str:
        return company_outline()[obj.pk].path
