"""Many people at once: checking and storing what a spreadsheet says, without a query per row.

A Roster is a snapshot to check entries against; `store` writes what was checked and looks again,
in the same transaction, whether names are still free and departments still there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.models import IMDepart, IMUser
from im.services.directory.users import (
    UserCard,
    lock_names,
    taken_problem,
    user_values,
    value_problems,
)
from im.services.identity import login_throttle, passwords, web_sessions
from im.services.setup.password_file import random_password
from im.services.validation import InvalidFields, Problem, changed_values, next_stamp, store_changes
from im.types import AccessEnded, Event, RowStatus, UserStatus

ROWS_PER_TRANSACTION = 100  # keeps each one below 100 ms for those who wait to write
_NAMES_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Secret:
    """A password in the form it is stored in."""

    stored: str
    salt: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One person to store: the row's id, or 0 for a new one, and columns with their new values.

    A new person has all columns of a card; of others only these are changed.  Without a secret
    an old password stays, and a new person gets a random one.
    """

    user_id: int
    name: str
    values: Mapping[str, object]
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did: rows by id with what changed, [before, after] by column."""

    added: Mapping[int, Entry]
    changed: Mapping[int, Mapping[str, tuple[object, object]]]
    events: tuple[Event, ...]


class Roster:
    """People of these login names, and the departments people can be put into."""

    def __init__(self, names: Iterable[str]) -> None:
        wanted = set(names)
        self.people = {row.name: row for row in _rows_named(wanted) if row.name in wanted}
        shown = IMDepart.objects.filter(status=RowStatus.SHOWN)
        self.departments = frozenset(shown.values_list("pk", flat=True))
        self._seen: set[str] = set()

    def problems(self, entry: Entry) -> list[Problem]:
        """Return why one row of a spreadsheet can't be stored; call it once per row, in order."""
        row = self.people.get(entry.name)
        changes = dict(entry.values) if row is None else changed_values(row, entry.values)
        problems = value_problems(changes)
        if "depart_id" in changes and changes["depart_id"] not in self.departments:
            text = _("There is no such department, or it is hidden.")
            problems.append(Problem("depart_id", text))
        if entry.name in self._seen:
            problems.append(Problem("name", _("This login name is in the file twice.")))
        self._seen.add(entry.name)
        return problems


def new_entry(card: UserCard, secret: Secret | None = None) -> Entry:
    """Return the entry that adds a person."""
    return Entry(0, card.name, user_values(card), secret)


def secret_of(password: str) -> Secret:
    """Return the stored form of a password, with a new salt."""
    return Secret(*passwords.hash_password(password))


def _rows_named(names: Iterable[str]) -> Iterable[IMUser]:
    ordered = sorted(names)
    for start in range(0, len(ordered), _NAMES_PER_QUERY):
        yield from IMUser.objects.filter(name__in=ordered[start : start + _NAMES_PER_QUERY])


@atomic(savepoint=False)
def store(entries: Sequence[Entry]) -> Stored:
    """Write one portion, at most ROWS_PER_TRANSACTION.  Raises InvalidFields and writes nothing.

    Its events are for the caller to announce after the commit.
    """
    lock_names()
    _check_still_true(entries)
    rows = IMUser.objects.select_for_update().in_bulk([e.user_id for e in entries if e.user_id])
    new = [entry for entry in entries if not entry.user_id]
    IMUser.objects.bulk_create([_new_row(entry) for entry in new])
    names = [entry.name for entry in new]
    ids = dict(IMUser.objects.filter(name__in=names).values_list("name", "pk")) if new else {}
    changed: dict[int, Mapping[str, tuple[object, object]]] = {}
    events: list[Event] = []
    for entry in entries:
        if entry.user_id in rows:
            difference = _apply(rows[entry.user_id], entry, events)
            if difference:
                changed[entry.user_id] = difference
    web_sessions.end_all([event.user_id for event in events if isinstance(event, AccessEnded)])
    login_throttle.forgive_on_commit([entry.name for entry in entries if entry.secret])
    return Stored({ids[entry.name]: entry for entry in new}, changed, tuple(events))


def _check_still_true(entries: Sequence[Entry]) -> None:
    names = {entry.name: entry.user_id for entry in entries}
    for row in IMUser.objects.filter(name__in=list(names)):
        if row.name in names and names[row.name] != row.pk:
            raise InvalidFields([taken_problem(row)])
    wanted = {
        int(str(entry.values["depart_id"])) for entry in entries if "depart_id" in entry.values
    }
    there = IMDepart.objects.select_for_update().filter(pk__in=wanted, status=RowStatus.SHOWN)
    if wanted - set(there.values_list("pk", flat=True)):
        text = _("There is no such department, or it is hidden.")
        raise InvalidFields([Problem("depart_id", text)])


def _new_row(entry: Entry) -> IMUser:
    secret = entry.secret or secret_of(random_password())
    now = next_stamp(0)
    return IMUser(
        **entry.values,
        password=secret.stored,
        salt=secret.salt,
        avatar="",
        created=now,
        updated=now,
    )


def _apply(row: IMUser, entry: Entry, events: list[Event]) -> dict[str, tuple[object, object]]:
    """Set a row's new values and return them with the old ones; add what follows to `events`."""
    changes = changed_values(row, entry.values)
    difference = {name: (getattr(row, name), value) for name, value in changes.items()}
    if entry.secret:
        changes |= {"password": entry.secret.stored, "salt": entry.secret.salt}
        difference["password"] = ("", "")
    store_changes(row, changes)
    if entry.secret or changes.get("status") == UserStatus.LEFT:
        events.append(AccessEnded(row.pk))
    return difference
