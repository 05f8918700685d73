"""Many people at once: checking and storing what a spreadsheet says, without a query per row.

A Roster is a snapshot to check cards against; `store` writes what was checked and looks again, in
the same transaction, whether names are still free and departments still there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from im.models import IMDepart, IMUser
from im.services import login_throttle, passwords
from im.services.directory import (
    UserCard,
    check_password,
    lock_names,
    taken_problem,
    user_values,
    value_problems,
)
from im.services.edits import InvalidFields, Problem, changed_values, next_stamp
from im.services.password_file import random_password
from im.types import AccessEnded, Event, RowStatus, UserStatus

ROWS_PER_TRANSACTION = 500  # keeps each one short for those who wait to write
_WRITTEN = ("name", "nick", "domain", "depart_id", "sex", "phone", "email", "status", "sign_info")


@dataclass(frozen=True, slots=True)
class Entry:
    """One person to store: the row's id, or 0 for a new one.

    Without a password an old one stays, and a new person gets a random one.
    """

    user_id: int
    card: UserCard
    password: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did: rows by id with what changed, [before, after] by column."""

    added: Mapping[int, UserCard]
    changed: Mapping[int, Mapping[str, tuple[object, object]]]
    events: tuple[Event, ...]


class Roster:
    """Everybody by login name, and the departments people can be put into."""

    def __init__(self) -> None:
        self.people = {row.name: row for row in IMUser.objects.all()}
        shown = IMDepart.objects.filter(status=RowStatus.SHOWN)
        self.departments = frozenset(shown.values_list("pk", flat=True))
        self._seen: set[str] = set()

    def problems(self, entry: Entry) -> list[Problem]:
        """Return why one row of a spreadsheet can't be stored; call it once per row, in order."""
        row = self.people.get(entry.card.name)
        values = user_values(entry.card)
        changes = values if row is None else changed_values(row, values)
        problems = value_problems(changes)
        if "depart_id" in changes and entry.card.depart_id not in self.departments:
            problems.append(Problem("depart_id", _("There is no such department.")))
        if entry.card.name in self._seen:
            problems.append(Problem("name", _("This login name is in the file twice.")))
        self._seen.add(entry.card.name)
        return [*problems, *(check_password(entry.password) if entry.password else ())]


@atomic(savepoint=False)
def store(entries: Sequence[Entry]) -> Stored:
    """Write one portion, at most ROWS_PER_TRANSACTION.  Raises InvalidFields and writes nothing.

    Its events are for the caller to announce after the commit.
    """
    lock_names()
    _check_still_true(entries)
    rows = {row.pk: row for row in IMUser.objects.filter(pk__in=[e.user_id for e in entries])}
    added = [_new_row(entry) for entry in entries if not entry.user_id]
    IMUser.objects.bulk_create(added)
    ids = dict(
        IMUser.objects.filter(name__in=[row.name for row in added]).values_list("name", "pk")
    )
    changed: dict[int, Mapping[str, tuple[object, object]]] = {}
    events: list[Event] = []
    for entry in entries:
        if entry.user_id in rows:
            difference = _apply(rows[entry.user_id], entry, events)
            if difference:
                changed[entry.user_id] = difference
    IMUser.objects.bulk_update(
        [rows[user_id] for user_id in changed], [*_WRITTEN, "password", "salt", "updated"]
    )
    login_throttle.forgive_on_commit([entry.card.name for entry in entries if entry.password])
    cards = {ids[entry.card.name]: entry.card for entry in entries if not entry.user_id}
    return Stored(cards, changed, tuple(events))


def _check_still_true(entries: Sequence[Entry]) -> None:
    names = {entry.card.name: entry.user_id for entry in entries}
    for row in IMUser.objects.filter(name__in=list(names)):
        if row.name in names and names[row.name] != row.pk:
            raise InvalidFields([taken_problem(row)])
    wanted = {entry.card.depart_id for entry in entries}
    there = IMDepart.objects.select_for_update().filter(pk__in=wanted, status=RowStatus.SHOWN)
    missing = wanted - set(there.values_list("pk", flat=True))
    kept = {
        entry.card.depart_id
        for entry in entries
        if entry.user_id and entry.card.depart_id in missing
    }  # who is in a hidden department already may stay there
    if missing - kept:
        raise InvalidFields([Problem("depart_id", _("There is no such department."))])


def _new_row(entry: Entry) -> IMUser:
    stored, salt = passwords.hash_password(entry.password or random_password())
    now = next_stamp(0)
    values = user_values(entry.card)
    return IMUser(**values, password=stored, salt=salt, avatar="", created=now, updated=now)


def _apply(row: IMUser, entry: Entry, events: list[Event]) -> dict[str, tuple[object, object]]:
    """Set a row's new values and return them with the old ones; add what follows to `events`."""
    changes = changed_values(row, user_values(entry.card))
    difference = {name: (getattr(row, name), value) for name, value in changes.items()}
    if entry.password:
        changes["password"], changes["salt"] = passwords.hash_password(entry.password)
        difference["password"] = ("", "")
    if not changes:
        return {}
    for name, value in changes.items():
        setattr(row, name, value)
    row.updated = next_stamp(row.updated)
    if entry.password or changes.get("status") == UserStatus.LEFT:
        events.append(AccessEnded(row.pk))
    return difference
