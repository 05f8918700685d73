"""What an import would do, row by row: add, change, nothing, or refuse with a reason.

Reads only, a query for some hundred rows at a time, and no transaction: whoever writes meanwhile
doesn't wait.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.utils.translation import gettext, gettext_lazy

from admin_ui import scope
from admin_ui.models import Operator
from admin_ui.people_columns import LABELS, STORED_AS, columns_for, says, unprotected
from admin_ui.people_wishes import Wish
from admin_ui.punctuation import labelled
from admin_ui.roles import SET_PASSWORDS
from im.models import IMUser
from im.services.directory.bulk_import import Entry, Roster, new_entry
from im.services.directory.users import UserCard

_REQUIRED = ("name", "nick", "department")  # of a new person
_FIELD_OF = {stored: name for name, stored in STORED_AS.items()}


class Kind(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "update"
    SAME = "skip"
    REFUSED = "invalid"


KIND_NAMES = {
    Kind.NEW: gettext_lazy("new"),
    Kind.CHANGED: gettext_lazy("changed"),
    Kind.SAME: gettext_lazy("unchanged"),
    Kind.REFUSED: gettext_lazy("refused"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A value for people: as it is, and as it will be."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row of the spreadsheet; `entry` is None unless there is something to store."""

    number: int
    name: str
    kind: Kind
    person_id: int = 0  # 0: somebody new
    values: Mapping[str, Shown] = field(default_factory=dict)
    entry: Entry | None = None
    problems: tuple[str, ...] = ()

    @property
    def kind_name(self) -> str:
        """Return the kind in the operator's language."""
        return str(KIND_NAMES[self.kind])

    def refused(self, *problems: str) -> "PlannedRow":
        """Return this row refused."""
        return replace(self, kind=Kind.REFUSED, entry=None, problems=problems)


@dataclass(frozen=True, slots=True)
class Plan:
    """All rows in the order of the spreadsheet."""

    rows: list[PlannedRow]

    @property
    def totals(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        counted = Counter(row.kind for row in self.rows)
        return {kind.value: counted[kind] for kind in Kind}

    @property
    def sets_passwords(self) -> bool:
        """Tell whether people who are there get new passwords."""
        return any(row.entry and row.entry.secret for row in self.of_kind(Kind.CHANGED))

    @property
    def changes_anything(self) -> bool:
        """Tell whether there is something to store."""
        return bool(self.of_kind(Kind.NEW, Kind.CHANGED))

    @property
    def without_password(self) -> int:
        """Return how many new people get a password that nobody knows."""
        new = self.of_kind(Kind.NEW)
        return sum(row.entry is not None and row.entry.secret is None for row in new)

    def of_kind(self, *kinds: Kind) -> list[PlannedRow]:
        """Return the rows of some kinds."""
        return [row for row in self.rows if row.kind in kinds]


def plan(operator: Operator, wishes: Sequence[Wish]) -> Plan:
    """Compare wishes with what is stored, as far as this operator may see and change it."""
    planner = _Planner(operator, [unprotected(wish.texts.get("name", "")) for wish in wishes])
    return Plan([planner.row(wish) for wish in wishes])


class _Planner:
    def __init__(self, operator: Operator, names: Iterable[str]) -> None:
        self._columns = columns_for(operator)
        self._may_set_passwords = operator.has_perm(SET_PASSWORDS)
        self._mine = scope.departments_of(operator)
        self._roster = Roster(filter(None, names))

    def row(self, wish: Wish) -> PlannedRow:
        name = unprotected(wish.texts.get("name", ""))
        person = self._roster.people.get(name)
        row = PlannedRow(wish.number, name, Kind.SAME, person.pk if person else 0)
        if wish.person_id not in (None, row.person_id):
            text = gettext("Somebody else got or lost this login name meanwhile. Look at it again.")
            return row.refused(text)
        if person is not None and self._mine is not None and person.depart_id not in self._mine:
            # They may not even see that person.
            return row.refused(gettext("This login name is taken."))
        if person is None:
            return self._new(row, wish)
        return self._changed(row, wish, person)

    def _new(self, row: PlannedRow, wish: Wish) -> PlannedRow:
        values, problems = self._values(wish)
        faulty = {name for name, _text in (*problems, *wish.problems)}
        for name in _REQUIRED:
            if name not in values and name not in faulty:
                text = gettext("A new person needs this; it is missing.")
                problems.append((name, text))
        entry = new_entry(_card(values), wish.secret)
        shown = {name: Shown("", self._written(name, value)) for name, value in values.items()}
        return self._checked(replace(row, kind=Kind.NEW, values=shown), wish, entry, problems)

    def _changed(self, row: PlannedRow, wish: Wish, person: IMUser) -> PlannedRow:
        values, problems = self._values(wish, person)
        stored = {STORED_AS.get(name, name): value for name, value in values.items()}
        entry = Entry(person.pk, person.name, stored, wish.secret)
        shown = {
            name: Shown(self._written(name, _stored(person, name)), self._written(name, value))
            for name, value in values.items()
        }
        kind = Kind.CHANGED if values or wish.secret else Kind.SAME
        return self._checked(replace(row, kind=kind, values=shown), wish, entry, problems)

    def _values(
        self, wish: Wish, person: IMUser | None = None
    ) -> tuple[dict[str, object], list[tuple[str, str]]]:
        """Return the new values by field, and what can't be understood.

        A cell that says what an export would say of `person` changes nothing, whatever the value.
        """
        values: dict[str, object] = {}
        problems: list[tuple[str, str]] = []
        for name, text in wish.texts.items():
            column = self._columns[name]
            if person is not None and says(text, column.written(_stored(person, name))):
                continue
            try:
                value = column.value(text)
            except ValueError as refusal:
                problems.append((name, str(refusal)))
                continue
            if person is None or value != _stored(person, name):
                values[name] = value
        if person is not None:
            values.pop("name", None)
        return values, problems

    def _checked(
        self, row: PlannedRow, wish: Wish, entry: Entry, problems: list[tuple[str, str]]
    ) -> PlannedRow:
        known = {name for name, _text in (*problems, *wish.problems)}
        found = [*wish.problems, *problems]
        if wish.secret and not self._may_set_passwords:
            found.append(("password", gettext("You may not set passwords; empty this cell.")))
        for problem in self._roster.problems(entry):
            name = _FIELD_OF.get(problem.field, problem.field)
            if name not in known:
                found.append((name, problem.text))
        if found:
            return row.refused(*_in_words(found))
        return row if row.kind is Kind.SAME else replace(row, entry=entry)

    def _written(self, name: str, value: object) -> str:
        return unprotected(self._columns[name].written(value))


def _stored(person: IMUser, name: str) -> object:
    value = getattr(person, STORED_AS.get(name, name))
    if value is None:  # adopted rows may hold NULL
        return 0 if name in ("status", "sex", "department") else ""
    return value


def _card(values: Mapping[str, object]) -> UserCard:
    given = {STORED_AS.get(name, name): value for name, value in values.items()}
    return UserCard(**{"name": "", "nick": "", "depart_id": 0, **given})  # type: ignore[arg-type]


def _in_words(problems: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in problems:
        yield labelled(LABELS[name], text) if name in LABELS else text
