"""Filters of lists: choices by number, and ranges of days over columns of unix seconds."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.formats import get_format
from django.utils.timezone import get_current_timezone
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


class DayRangeFilter(admin.ListFilter):
    """Narrows a list to rows whose time, in the column `parameter_name`, lies in a range of days.

    Both ends are days of the console's time zone and belong to the range.  The stock look has no
    inputs for it; the address works there too.
    """

    parameter_name = ""
    template = "unfold/filters/filters_date_range.html"

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.request = request
        for name in self._ends():
            value = params.pop(name, None)
            self.used_parameters[name] = value[-1] if isinstance(value, list) else value

    def has_output(self) -> bool:
        return bool(theme.HAS_UNFOLD)

    def expected_parameters(self) -> list[str | None]:
        return [*self._ends()]

    def _ends(self) -> tuple[str, str]:
        return f"{self.parameter_name}_from", f"{self.parameter_name}_to"

    def in_column(self, day: date) -> Any:
        """Return when a day begins, as the column has times: unix seconds."""
        return day_start(day)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        first, last = (_day(self.used_parameters[name]) for name in self._ends())
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": self.in_column(first)})
        if last:
            after = self.in_column(last + timedelta(days=1))
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": after})
        return queryset

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Return the two inputs."""
        from unfold.contrib.filters.forms import RangeDateForm

        form = RangeDateForm(name=self.parameter_name, data=self.used_parameters)
        yield {"request": self.request, "parameter_name": self.parameter_name, "form": form}


def day_start(day: date) -> int:
    """Return the unix second at which a day begins in the console's time zone."""
    return int(datetime.combine(day, time.min, get_current_timezone()).timestamp())


def _day(text: Any) -> date | None:
    """Return the day that somebody picked or typed; None for what is no day."""
    for form in (*get_format("DATE_INPUT_FORMATS"), "%Y-%m-%d"):
        with suppress(ValueError, TypeError):
            # Bounded: the ends of the calendar have no unix seconds everywhere.
            day = datetime.strptime(text, form).date()
            return day if 1970 < day.year < 9999 else None
    return None
