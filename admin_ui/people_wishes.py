"""What a spreadsheet wishes for each person: texts by field, before anybody looked at the database.

Which column is which field is decided here, from the headings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui.people_columns import LABELS
from admin_ui.punctuation import listed
from admin_ui.sheets.headings import HEADINGS, Columns, columns_of
from admin_ui.sheets.table import Flaw, SheetRow, Table
from im.errors import Refused
from im.services.directory.bulk_import import Secret, secret_of
from im.services.identity.password_rules import check_password

_FLAWS = {
    Flaw.FORMULA: _(
        "Cell %(cell)s holds a formula without a result. Open and save the file in a spreadsheet "
        "program, or put the value in place of the formula."
    ),
    Flaw.ERROR: _("Cell %(cell)s holds an error (%(text)s) in place of a value."),
    Flaw.MERGED: _(
        "Cell %(cell)s is merged with others. Unmerge them and fill in the value of each."
    ),
    Flaw.LONG_NUMBER: _(
        "Cell %(cell)s holds a number too long for a spreadsheet, which keeps 15 digits. Format "
        "the column as text and enter it again."
    ),
    Flaw.NO_HEADING: _(
        "Cell %(cell)s has a value, but its column has no heading. Give it one, or empty the cell; "
        "in a CSV file, look for a separator too many."
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """One row: its number in the spreadsheet, the texts that aren't empty by field.

    `problems`: field -> what is wrong with the row itself; the field is empty for all of it.
    """

    number: int
    texts: Mapping[str, str]
    secret: Secret | None = None
    person_id: int | None = None  # who it was about when it was looked at; 0: somebody new
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """All rows, which fields have a column, and what an operator should know of the file."""

    rows: list[Wish]
    fields: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def wishes_of(table: Table) -> Wishes:
    """Return what a table wishes.  Raises Refused when there is nobody in it, or
    its columns can't be told apart."""
    columns = columns_of(table.headings)
    _check_columns(table, columns)
    if not table.rows:
        raise Refused(gettext("The file has headings, but there are no rows of people in it."))
    fields = tuple(field for field in HEADINGS if field in columns.fields.values())
    rows = [_wish(row, columns) for row in table.rows]
    return Wishes(rows, fields, list(_notes(table, columns)))


def _check_columns(table: Table, columns: Columns) -> None:
    for name, places in columns.doubled.items():
        where = listed(f"{letters(place)} ({table.headings[place].strip()})" for place in places)
        text = gettext("%(field)s has several columns: %(where)s. Keep one of them.")
        raise Refused(text % {"field": LABELS[name], "where": where})
    if "name" not in columns.fields.values():
        text = gettext(
            "No column has the login names. Name one “name” or “登录名”; a new person also needs a "
            "nickname and a department. The columns of this file: %s"
        )
        raise Refused(text % listed(filter(None, map(str.strip, table.headings))))


def _notes(table: Table, columns: Columns) -> Iterator[str]:
    if columns.ignored:
        text = gettext("These columns are not known here and are ignored: %s")
        yield text % listed(columns.ignored)
    if len(table.sheets) > 1:
        text = gettext("Only the sheet “%(read)s” is read, not: %(others)s")
        yield text % {"read": table.sheets[0], "others": listed(table.sheets[1:])}


def _wish(row: SheetRow, columns: Columns) -> Wish:
    texts = {
        name: text
        for column, name in columns.fields.items()
        if (text := row.cell(column).strip()) and column not in row.flaws
    }
    problems = [
        (columns.fields.get(column, ""), _flaw_text(row, column, flaw))
        for column, flaw in sorted(row.flaws.items())
        if column in columns.fields or flaw is Flaw.NO_HEADING
    ]
    # Not stripped: blanks may be meant.
    password = next(
        (row.cell(column) for column, name in columns.fields.items() if name == "password"), ""
    )
    texts.pop("password", None)
    if not password.strip():
        return Wish(row.number, texts, problems=tuple(problems))
    problems += [("password", problem.text) for problem in check_password(password, texts)]
    return Wish(row.number, texts, secret_of(password), problems=tuple(problems))


def _flaw_text(row: SheetRow, column: int, flaw: Flaw) -> str:
    cell = f"{letters(column)}{row.number}"
    return str(_FLAWS[flaw]) % {"cell": cell, "text": row.cell(column)}


def letters(column: int) -> str:
    """Return a column as a spreadsheet program names it: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
