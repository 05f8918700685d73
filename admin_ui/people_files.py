"""People as spreadsheets: CSV and XLSX in and out, on django-import-export.

A row is found by its login name.  Nothing is written before the operator saw what would change;
then portions of rows are stored in a transaction each, recorded in the audit log.
"""

import zipfile
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from import_export import fields, resources, results, widgets
from import_export.formats.base_formats import CSV, XLSX
from import_export.forms import ImportForm

from admin_ui import audit_log, scope
from admin_ui.audit_log import Deed
from admin_ui.edit_pages import announce_on_commit
from admin_ui.filters import Choices
from admin_ui.models import Operator
from admin_ui.people_forms import SEXES, STATUSES
from admin_ui.theme import HAS_UNFOLD
from admin_ui.tree import company_outline
from im.models import IMUser
from im.services import roster
from im.services.directory import UserCard
from im.services.edits import changed_values
from im.services.roster import ROWS_PER_TRANSACTION, Entry, Roster

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024  # of an XLSX, which is a zip file
MAX_ROWS = 20_000
ROWS_SHOWN = 200  # of what would change, before it is confirmed
# What a spreadsheet program would run as a formula; a ' in front makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class SafeText(widgets.CharWidget):  # type: ignore[misc]  # import_export has no types
    """Text that no spreadsheet program takes for a formula, and that comes back as it was."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        text = str(value or "")
        return f"'{text}" if text.startswith(_FORMULA) else text

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value).strip()
        return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


class NumberByName(widgets.Widget):  # type: ignore[misc]  # as above
    """A number under its name in the operator's language; the number itself is taken too."""

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(dict(self._choices).get(value or 0, value))

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        text = str(value if value is not None else "").strip()
        if not text:
            return int(self._choices[0][0])
        for number, name in self._choices:
            if text in (str(int(number)), str(name)):
                return int(number)
        names = ", ".join(str(name) for _number, name in self._choices)
        refusal = gettext("%(text)s is not one of %(names)s")
        raise ValueError(refusal % {"text": text, "names": names})


class DepartmentByPath(widgets.Widget):  # type: ignore[misc]  # as above
    """A department under its path; a name that is the only one of its kind is taken too."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: dict[int, str] = {}
        self._ids: dict[str, int | None] = {}

    def load(self, operator: Operator) -> None:
        """Read the tree, as far as this operator sees it."""
        mine = scope.departments_of(operator)
        places = [
            place for place in company_outline().values() if mine is None or place.depart_id in mine
        ]
        self.paths = {place.depart_id: place.path for place in places}
        self._ids = {}
        for place in places:
            self._ids[place.name] = None if place.name in self._ids else place.depart_id
        self._ids |= {place.path: place.depart_id for place in places}

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return SafeText().render(self.paths.get(value, ""))

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        path = " / ".join(part.strip() for part in SafeText().clean(value).split("/"))
        found = self._ids.get(path)
        if found is None:
            raise ValueError(gettext("There is no such department, or several: %s") % path)
        return found


def _text(name: str) -> Any:
    return fields.Field(attribute=name, column_name=name, widget=SafeText())


class Preview(results.Result):  # type: ignore[misc]  # as above
    """What an import would do; the page shows the first rows, the totals count all."""

    def valid_rows(self) -> Any:
        return super().valid_rows()[:ROWS_SHOWN]


class PeopleResource(resources.ModelResource):  # type: ignore[misc]  # as above
    """What a spreadsheet of people has; `password` is read and never written out."""

    name = _text("name")
    nick = _text("nick")
    domain = _text("domain")
    department = fields.Field(attribute="depart_id", column_name="department")
    status = fields.Field(attribute="status", column_name="status", widget=NumberByName(STATUSES))
    sex = fields.Field(attribute="sex", column_name="sex", widget=NumberByName(SEXES))
    phone = _text("phone")
    email = _text("email")
    sign_info = _text("sign_info")

    class Meta:
        model = IMUser
        import_id_fields = ["name"]
        fields = (
            "name", "nick", "domain", "department", "status", "sex", "phone", "email", "sign_info",
        )  # fmt: skip
        use_transactions = False  # a portion of rows has a transaction of its own
        report_skipped = False
        clean_model_instances = False  # the roster checks

    def __init__(self, operator: Operator, address: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._operator = operator
        self._address = address
        self.fields["department"].widget = DepartmentByPath()
        self._roster: Roster | None = None
        self._entries: list[Entry] = []
        self._columns: list[str] = []

    @classmethod
    def get_result_class(cls) -> type[Preview]:
        return Preview

    # --- out ----------------------------------------------------------------------------------

    def before_export(self, queryset: Any, **kwargs: Any) -> None:
        self.fields["department"].widget.load(self._operator)

    # --- in -----------------------------------------------------------------------------------

    def before_import(self, dataset: Any, **kwargs: Any) -> None:
        """Look at the file as a whole and take the snapshot its rows are checked against."""
        if len(dataset) > MAX_ROWS:
            raise ValidationError(gettext("At most %d rows at once.") % MAX_ROWS)
        self._columns = [str(header or "").strip() for header in dataset.headers or ()]
        dataset.headers = self._columns
        self.fields["department"].widget.load(self._operator)
        self._roster = Roster()
        self._entries = []

    def get_instance(self, instance_loader: Any, row: Mapping[str, Any]) -> IMUser | None:
        assert self._roster is not None
        return self._roster.people.get(SafeText().clean(row.get("name")))

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        """Keep a person whom this operator can't see from being changed, or even shown."""
        mine = scope.departments_of(self._operator)
        if not new and mine is not None and instance.depart_id not in mine:
            raise ValidationError({"name": gettext("This login name is taken.")})

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        super().import_instance(instance, row, **kwargs)
        self._row = row

    def skip_row(self, instance: Any, original: Any, row: Any, import_errors: Any = None) -> bool:
        """Tell whether a row says what is stored already."""
        if import_errors or original is None or not original.pk or _password(row):
            return False
        return not changed_values(original, _values(instance))

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Show the roster's problems beside the fields they concern."""
        errors: dict[str, Any] = dict(import_validation_errors or {})
        if not errors:
            assert self._roster is not None
            entry = _entry(instance, self._row)
            for problem in self._roster.problems(entry):
                errors.setdefault(problem.field or "name", []).append(problem.text)
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: Any, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Keep a checked row for the end of the file."""
        self._entries.append(_entry(instance, row))

    def after_import(self, dataset: Any, result: Any, **kwargs: Any) -> None:
        """Store the rows, unless this is the look beforehand or something is wrong with one."""
        if kwargs.get("dry_run") or result.has_errors() or result.has_validation_errors():
            return
        for start in range(0, len(self._entries), ROWS_PER_TRANSACTION):
            self._store(self._entries[start : start + ROWS_PER_TRANSACTION])

    @transaction.atomic
    def _store(self, entries: list[Entry]) -> None:
        stored = roster.store(entries)
        names = {entry.user_id: entry.card.name for entry in entries}
        deeds = [
            Deed("import", f"im.imuser:{user_id}", {"nick": card.nick}, card.name)
            for user_id, card in stored.added.items()
        ]
        deeds += [
            Deed("import", f"im.imuser:{user_id}", difference, names[user_id])
            for user_id, difference in stored.changed.items()
        ]
        audit_log.record_all(self._operator, deeds, address=self._address)
        announce_on_commit(stored.events)


def _values(instance: Any) -> dict[str, object]:
    card = _card(instance)
    return {
        "name": card.name, "nick": card.nick, "domain": card.domain or instance.domain,
        "depart_id": card.depart_id, "sex": card.sex, "phone": card.phone, "email": card.email,
        "status": card.status, "sign_info": card.sign_info,
    }  # fmt: skip


def _card(instance: Any) -> UserCard:
    return UserCard(
        name=instance.name,
        nick=instance.nick,
        depart_id=instance.depart_id or 0,
        domain=instance.domain,
        sex=instance.sex,
        phone=instance.phone,
        email=instance.email,
        status=instance.status or 0,
        sign_info=instance.sign_info,
    )


def _entry(instance: Any, row: Any) -> Entry:
    return Entry(instance.pk or 0, _card(instance), _password(row))


def _password(row: Mapping[str, Any]) -> str:
    value = row.get("password")
    return "" if value is None else str(value)


def check_size(form: forms.Form) -> Any:
    """Refuse a file that would take too much memory.  Any: an uploaded file."""
    file = form.cleaned_data["import_file"]
    size = file.size
    if size <= MAX_FILE_BYTES and zipfile.is_zipfile(file):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        size = 0 if unpacked <= MAX_UNPACKED_BYTES else MAX_FILE_BYTES + 1
    file.seek(0)
    if size > MAX_FILE_BYTES:
        limit = MAX_FILE_BYTES // 1024 // 1024
        raise ValidationError(gettext("The file is too large: at most %d MB.") % limit)
    return file


if HAS_UNFOLD:
    from unfold.contrib.import_export.forms import ExportForm as ThemeExportForm
    from unfold.contrib.import_export.forms import ImportForm as ThemeImportForm
else:
    from import_export.forms import ExportForm as ThemeExportForm

    ThemeImportForm = ImportForm


class PeopleImportForm(ThemeImportForm):  # type: ignore[misc]  # as above
    """A file of bounded size."""

    def clean_import_file(self) -> Any:
        return check_size(self)


FORMATS = [CSV, XLSX]
EXPORT_FORM = ThemeExportForm


def resource_arguments(request: HttpRequest) -> dict[str, Any]:
    """Return what a PeopleResource has to know of who asks."""
    assert isinstance(request.user, Operator)
    return {"operator": request.user, "address": audit_log.address_of(request)}
