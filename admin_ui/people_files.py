"""Exports of people: CSV and XLSX, on django-import-export.

What they write is what `people_columns` reads.
"""

from typing import Any

from django.http import HttpRequest
from import_export import fields, resources, widgets
from import_export.formats.base_formats import CSV, XLSX

from admin_ui.models import Operator
from admin_ui.people_columns import LABELS, STORED_AS, Column, columns_for
from admin_ui.theme import HAS_UNFOLD
from im.models import IMUser

if HAS_UNFOLD:
    from unfold.contrib.import_export.forms import ExportForm
else:
    from import_export.forms import ExportForm


class _Written(widgets.Widget):  # type: ignore[misc]  # import_export has no types
    """A value as its column writes it."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return self._column.written(value)


class PeopleResource(resources.ModelResource):  # type: ignore[misc]  # as above
    """What a spreadsheet of people has; passwords are never written out."""

    department = fields.Field(attribute="depart_id", column_name="department")

    class Meta:
        model = IMUser
        fields = (
            "name", "nick", "domain", "department", "status", "sex", "phone", "email", "sign_info",
        )  # fmt: skip

    def __init__(self, operator: Operator, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._operator = operator
        for name, field in self.fields.items():
            field.column_name = str(LABELS[name])

    def before_export(self, queryset: Any, **kwargs: Any) -> None:
        """Let every field write as its column does, with the tree as it is now."""
        for name, column in columns_for(self._operator).items():
            attribute = STORED_AS.get(name, name)
            heading = str(LABELS[name])
            self.fields[name] = fields.Field(attribute, heading, widget=_Written(column))


class CsvWithMark(CSV):  # type: ignore[misc]  # as above
    """CSV with a byte order mark: without it Excel takes Chinese for something else."""

    def export_data(self, dataset: Any, **kwargs: Any) -> Any:
        return "\ufeff" + super().export_data(dataset, **kwargs)


FORMATS = [CsvWithMark, XLSX]
EXPORT_FORM = ExportForm


def resource_arguments(request: HttpRequest) -> dict[str, Any]:
    """Return what a PeopleResource has to know of who asks."""
    assert isinstance(request.user, Operator)
    return {"operator": request.user}
