"""What every edit of a row by operators shares: problems per field, and the `updated` stamp.

SQLite keeps neither lengths nor ranges, so they are checked here.  Only what an edit changes is
checked: rows of an adopted database may break these rules and stay editable.
"""

import time
import unicodedata
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Model
from django.utils.translation import gettext as _

from im.errors import Refused
from im.services.characters import hidden_in, is_visible, misleading_in, named

# The columns are unsigned, but Android reads priorities as a signed 32-bit number.
MAX_PRIORITY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one value can't be stored, for people; `field` is empty when it concerns them all."""

    field: str
    text: str


class InvalidFields(Refused):
    """Values that can't be stored; `problems` says per field why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.text for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a text column takes; `max_bytes` is a second limit, of clients, where there is one."""

    field: str
    max_chars: int
    required: bool = False
    max_bytes: int | None = None
    is_login_name: bool = False  # two that look alike must be one

    def problem(self, value: str) -> Problem | None:
        """Return what is wrong with `value`, or None."""
        text = self._characters(value) or self._length(value)
        return Problem(self.field, text) if text else None

    def _characters(self, value: str) -> str:
        if self.required and not value:
            return _("This can't be empty.")
        if value != value.strip():
            return _("This can't begin or end with a space.")
        char = hidden_in(value) if self.is_login_name else misleading_in(value)
        if char is not None and ord(char) < ord(" "):
            return _("This can't hold line breaks or control characters.")
        if char is not None:
            text = _("This can't hold the invisible or misleading character %(char)s.")
            return text % {"char": named(char)}
        if self.is_login_name and not unicodedata.is_normalized("NFC", value):
            return _("A letter in this is made of several characters. Type it anew.")
        if value and not is_visible(value):
            return _("Nothing of this can be seen.")
        return ""

    def _length(self, value: str) -> str:
        if len(value) > self.max_chars:
            return _("At most %(limit)d characters; this has %(length)d.") % {
                "limit": self.max_chars,
                "length": len(value),
            }
        if self.max_bytes is not None and len(value.encode()) > self.max_bytes:
            return _("At most %(limit)d bytes; this has %(length)d.") % {
                "limit": self.max_bytes,
                "length": len(value.encode()),
            }
        return ""


def text_problems(rules: Iterable[TextRule], values: Mapping[str, object]) -> list[Problem]:
    """Return the problems of those texts that `values` (new values by field) changes."""
    found = (rule.problem(str(values[rule.field])) for rule in rules if rule.field in values)
    return [problem for problem in found if problem]


def range_problem(
    field: str, values: Mapping[str, object], allowed: Container[object]
) -> list[Problem]:
    """Return the problem of a number that `values` changes to something not allowed."""
    if field not in values or values[field] in allowed:
        return []
    return [Problem(field, _("%(value)s is not allowed here.") % {"value": values[field]})]


def stale_problem(row: Model, seen: int | None) -> list[Problem]:
    """Return the problem of an edit made on a page that shows an older state of `row`.

    `seen` is the `updated` that page showed, or None where nobody looked at one.
    """
    if seen is None or seen == row.updated:  # type: ignore[attr-defined]  # all our rows have it
        return []
    text = _("Someone else changed this meanwhile. Load the page again to see the present state.")
    return [Problem("", text)]


def changed_values(row: Model, values: Mapping[str, object]) -> dict[str, object]:
    """Return those of `values` that differ from what `row` holds."""
    return {field: value for field, value in values.items() if getattr(row, field) != value}


def store_changes(row: Model, changes: Mapping[str, object]) -> tuple[str, ...]:
    """Write `changes` with a new `updated`, and return the fields; nothing when there are none."""
    if changes:
        stamped = {**changes, "updated": next_stamp(row.updated)}  # type: ignore[attr-defined]
        for field, value in stamped.items():
            setattr(row, field, value)
        row.save(update_fields=list(stamped))
    return tuple(changes)


def next_stamp(previous: int) -> int:
    """Return the `updated` of a row changed now (unix seconds): later than before in any case.

    Clients ask for what changed since a stamp, so a second edit within one second, or after the
    clock was set back, must not look like the first.
    """
    return max(int(time.time()), previous + 1)
