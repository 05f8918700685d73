"""Filters of lists: choices by number, and ranges of days over columns of unix seconds."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext_lazy as _

from admin_ui import theme
from im.types import RowStatus

if TYPE_CHECKING:
    DropdownFilter = admin.SimpleListFilter
else:
    DropdownFilter = theme.DropdownFilter

Choices = Sequence[tuple[int, Any]]  # numbers and their names; Any: translated lazily
SHOWN_OR_HIDDEN: Choices = [(RowStatus.SHOWN, _("shown")), (RowStatus.REMOVED, _("hidden"))]


class ChoiceFilter(DropdownFilter):
    """Narrows a list to rows whose column `parameter_name` has the chosen number."""

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


def name_of(number: int | None, choices: Choices) -> Any:  # Any: translated lazily
    """Return a number's name; adopted rows may hold numbers that have none."""
    return dict(choices).get(number or 0, number)


def day_start(day: date) -> int:
    """Return the unix second at which a day begins in the console's time zone."""
    return int(datetime.combine(day, time.min, get_current_timezone()).timestamp())


class PeriodFilter(DropdownFilter):
    """Narrows a list to rows whose column of unix seconds lies in the last days."""

    days: Sequence[tuple[int, Any]] = (
        (1, _("today")),
        (7, _("the last 7 days")),
        (30, _("the last 30 days")),
        (365, _("the last 365 days")),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(number), text) for number, text in self.days]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        chosen = next((days for days, _text in self.days if str(days) == self.value()), None)
        if chosen is None:
            return queryset
        since = day_start(localdate() - timedelta(days=chosen - 1))
        return queryset.filter(**{f"{self.parameter_name}__gte": since})
