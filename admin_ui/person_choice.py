"""Form fields that pick people: a search box that shows each with nickname and login name."""

from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from admin_ui.search_box import NumberedChoices
from im.models import IMUser
from im.types import UserStatus

URL_NAME = "im_imuser_choices"
WIDTH = {"style": "width: 100%; max-width: 42rem"}
# What Django's search box asks of a foreign key, which our references are not to it.
_FOREIGN_KEY = SimpleNamespace(
    model=IMUser, name="user", remote_field=SimpleNamespace(model=IMUser)
)


class PersonChoices(AutocompleteJsonView):
    """Answers the search box: people who did not leave, among those the operator sees."""

    def process_request(self, request: HttpRequest) -> tuple[str, Any, Any, str]:
        """Return what to search for, where, for which field, and the column that identifies."""
        model_admin = admin.site.get_model_admin(IMUser)
        return request.GET.get("term", ""), model_admin, IMUser._meta.get_field("depart"), "id"

    def get_queryset(self) -> QuerySet[IMUser]:
        return super().get_queryset().exclude(status=UserStatus.LEFT)

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return {"id": str(obj.pk), "text": label(obj)}


def answer_choices(request: HttpRequest) -> HttpResponseBase:
    """Answer one search of the box; operators who may see people may ask."""
    return PersonChoices.as_view(admin_site=admin.site)(request)


def label(row: IMUser) -> str:
    """Return how a person is named where only one line is left."""
    return f"{row.nick} ({row.name})"


class _Select(NumberedChoices, AutocompleteSelect):
    def get_url(self) -> str:
        return reverse(f"admin:{URL_NAME}")


class _SelectMultiple(NumberedChoices, AutocompleteSelectMultiple):
    def get_url(self) -> str:
        return reverse(f"admin:{URL_NAME}")


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in stubs only
    """Picks a person; the cleaned value is the row."""

    def __init__(self, **kwargs: Any) -> None:  # Any: Django's own signature
        widget = _Select(_FOREIGN_KEY, admin.site, attrs=WIDTH)
        super().__init__(queryset=IMUser.objects.all(), widget=widget, **kwargs)

    def label_from_instance(self, obj: Any) -> str:  # Any: a row of IMUser
        return label(obj)


class PeopleField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # as above
    """Picks several people; the cleaned value is a QuerySet."""

    def __init__(self, **kwargs: Any) -> None:  # Any: Django's own signature
        widget = _SelectMultiple(_FOREIGN_KEY, admin.site, attrs=WIDTH)
        super().__init__(queryset=IMUser.objects.all(), widget=widget, **kwargs)

    def label_from_instance(self, obj: Any) -> str:  # Any: a row of IMUser
        return label(obj)
