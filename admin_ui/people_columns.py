"""What the cells of a spreadsheet of people mean, in both directions.

A column turns a stored value into text and a text into a value.  What an export wrote reads as the
value it was made from, in whatever language either was done.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Protocol

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_ui import scope
from admin_ui.filters import Choices
from admin_ui.models import Operator
from admin_ui.people_forms import SEXES, STATUSES
from admin_ui.punctuation import listed
from admin_ui.tree import Place, company_outline
from im.services.directory import phone
from im.types import UserStatus

PATHS_SHOWN = 3  # of departments with the same name
# Field of a spreadsheet -> column of IMUser, where they differ.
STORED_AS = {"department": "depart_id"}
LABELS = {
    "name": _("Login name"),
    "nick": _("Nickname"),
    "domain": _("Phonetic name"),
    "department": _("Department"),
    "status": _("Status"),
    "sex": _("Sex"),
    "phone": _("Phone"),
    "email": _("E-mail"),
    "sign_info": _("Signature"),
    "password": _("Password"),
}
# What a spreadsheet program would run as a formula; a ' in front makes it text.
_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n＝＋－＠]")
# What XML, and so an XLSX, can't hold; adopted rows may.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(
    r"_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_"
)  # how an XLSX could hold it; Excel undoes it
# What else people write, besides the console's own names in its languages.
_STATUS_WORDS = {
    "在职": UserStatus.NORMAL,
    "active": UserStatus.NORMAL,
    "试用": UserStatus.PROBATION,
    "probation": UserStatus.PROBATION,
    "正式员工": UserStatus.REGULAR,
    "转正": UserStatus.REGULAR,
    "实习生": UserStatus.INTERN,
    "internship": UserStatus.INTERN,
    "已离职": UserStatus.LEFT,
}
_SEX_WORDS = {"保密": 0, "男性": 1, "m": 1, "man": 1, "女性": 2, "f": 2, "woman": 2}


class Column(Protocol):
    """One field: how its values are written, and what a text means."""

    def written(self, value: object) -> str:
        """Return the text of a stored value."""

    def value(self, text: str) -> object:
        """Return what a text, which isn't empty, means.  Raises ValueError, in words."""


class TextColumn:
    """Text that no spreadsheet program takes for a formula, and that comes back as it was."""

    def written(self, value: object) -> str:
        text = _UNWRITABLE.sub("", str(value or ""))
        return f"'{text}" if _FORMULA.match(text) else text

    def value(self, text: str) -> object:
        return unprotected(text)


class PhoneColumn(TextColumn):
    """A phone number, as the column takes it."""

    def value(self, text: str) -> object:
        return phone.tidy(unprotected(text))


def unprotected(text: str) -> str:
    """Return a cell's text as it was before it was kept from being a formula."""
    text = text.strip()
    return text[1:].strip() if text.startswith("'") and _FORMULA.match(text) else text


class NumberColumn:
    """A number under its name in the operator's language; the number itself is taken too."""

    def __init__(self, choices: Choices, words: Mapping[str, int]) -> None:
        self._choices = choices
        self._numbers = {_loose(word): int(number) for word, number in words.items()}
        for language, _name in settings.LANGUAGES:
            with translation.override(language):
                self._numbers |= {_loose(str(name)): int(number) for number, name in choices}
        self._numbers |= {str(int(number)): int(number) for number, _name in choices}

    def written(self, value: object) -> str:
        return str(dict(self._choices).get(value or 0, value))  # type: ignore[call-overload]

    def value(self, text: str) -> object:
        found = self._numbers.get(_loose(text))
        if found is None:
            names = listed(name for _number, name in self._choices)
            refusal = gettext("%(text)s is not one of %(names)s")
            raise ValueError(refusal % {"text": text, "names": names})
        return found


class DepartmentColumn:
    """A department under its path; a name that is the only one of its kind is taken too.

    Names may hold slashes: a path is looked up as a whole, and never taken apart.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        placed = list(places)
        self._paths = {place.depart_id: place.path for place in placed}
        loose = [(_loose_path(place.path), place.depart_id) for place in placed]
        loose_names = [(_loose_path(place.name), place.depart_id) for place in placed]
        self._lookups = [
            _grouped([(place.path, place.depart_id) for place in placed]),
            _grouped([(place.name, place.depart_id) for place in placed]),
            _grouped(loose),
            _grouped(loose_names),
        ]

    def written(self, value: object) -> str:
        return TextColumn().written(self._paths.get(value, ""))  # type: ignore[call-overload]

    def value(self, text: str) -> object:
        path = unprotected(text)
        for key, lookup in zip((path, path, *[_loose_path(path)] * 2), self._lookups, strict=True):
            found = lookup.get(key, ())
            if len(found) > 1:
                raise ValueError(self._several(path, found))
            if found:
                return found[0]
        raise ValueError(gettext("There is no such department: %s") % path)

    def _several(self, text: str, found: Iterable[int]) -> str:
        paths = sorted({self._paths[depart_id] for depart_id in found})
        if len(paths) == 1:
            refusal = gettext("Several departments have the path %s. Rename all but one.")
            return refusal % paths[0]
        shown = listed(paths[:PATHS_SHOWN]) + (" …" if len(paths) > PATHS_SHOWN else "")
        refusal = gettext(
            "Several departments are called %(name)s. Enter the path of one: %(paths)s"
        )
        return refusal % {"name": text, "paths": shown}


def says(text: str, written: str) -> bool:
    """Tell whether a cell says what an export has written, whatever became of its line ends."""
    return _carried(text) == _carried(written)


def _carried(text: str) -> str:
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return "\n".join(plain.splitlines()).strip()


def columns_for(operator: Operator) -> dict[str, Column]:
    """Return the columns by field, with the departments this operator sees."""
    mine = scope.departments_of(operator)
    places = [
        place for place in company_outline().values() if mine is None or place.depart_id in mine
    ]
    columns: dict[str, Column] = dict.fromkeys(LABELS, TextColumn())
    del columns["password"]
    return columns | {
        "department": DepartmentColumn(places),
        "status": NumberColumn(STATUSES, _STATUS_WORDS),
        "sex": NumberColumn(SEXES, _SEX_WORDS),
        "phone": PhoneColumn(),
    }


def _loose(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _loose_path(path: str) -> str:
    """Return a path without regard to the width of characters and to blanks around slashes."""
    text = " ".join(unicodedata.normalize("NFKC", path).split())
    return re.sub(r" ?/ ?", "/", text)


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Return the different ids of each key."""
    found: dict[str, list[int]] = {}
    for key, depart_id in pairs:
        same = found.setdefault(key, [])
        if depart_id not in same:
            same.append(depart_id)
    return found
