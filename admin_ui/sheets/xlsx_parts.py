"""The parts of an XLSX workbook: what is taken from the elements of each, within bounds."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from admin_ui.sheets.number_formats import NumberFormats, displayed
from admin_ui.sheets.table import (
    MAX_CELL_CHARS,
    MAX_CELLS,
    MAX_COLUMNS,
    Collector,
    Flaw,
    SheetRow,
    Unreadable,
)

MAX_SHEETS = 100
MAX_STRINGS = 1_000_000
MAX_STRING_CHARS = 20_000_000
MAX_MERGES = 20_000
MAX_STYLES = 100_000
_ESCAPED = re.compile(
    r"_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_"
)  # how characters are written that XML can't hold
_MAX_REFERENCE_CHARS = 10  # XFD1048576
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")

Attributes = dict[str, str]


class Handler:
    """What is done with a part's elements; names come as "namespace local"."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the beginning of an element."""

    def end(self, name: str) -> None:
        """Take the end of an element."""

    def text(self, text: str) -> None:
        """Take text, maybe a part of it."""


@lru_cache(maxsize=1000)
def _local(name: str) -> str:
    return name[name.rfind(" ") + 1 :]


class Relationships(Handler):
    def __init__(self, kind: str) -> None:
        self.found: dict[str, str] = {}
        self._kind = kind

    def start(self, name: str, attributes: Attributes) -> None:
        if attributes.get("Type", "").endswith(self._kind) and len(self.found) <= MAX_SHEETS:
            self.found[attributes.get("Id", "")] = attributes.get("Target", "")


class Sheets(Handler):
    """The sheets one sees in the workbook: (name, reference)."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.is_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = _local(name)
        if local == "workbookPr":
            self.is_1904 = attributes.get("date1904", "") in ("1", "true")
        elif local == "sheet" and attributes.get("state", "visible") == "visible":
            target = next((v for k, v in attributes.items() if k.endswith(" id")), "")
            self.sheets.append((attributes.get("name", ""), target))


class _Text(Handler):
    """Collects the text of what has runs (`r`) and phonetic hints (`rPh`), which aren't text."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._is_text = False
        self._hints = 0

    def begin_text(self) -> None:
        self._pieces, self._length = [], 0

    def text(self, text: str) -> None:
        if self._is_text and not self._hints:
            self._length += len(text)
            if self._length > MAX_CELL_CHARS:
                raise Unreadable("long_cell", limit=MAX_CELL_CHARS, row=0)
            self._pieces.append(text)

    def finished_text(self) -> str:
        text = "".join(self._pieces)
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class Strings(_Text):
    """The texts that cells refer to by number."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._chars = 0

    def start(self, name: str, attributes: Attributes) -> None:
        local = _local(name)
        if local == "si":
            self.begin_text()
        elif local == "t":
            self._is_text = True
        elif local == "rPh":
            self._hints += 1

    def end(self, name: str) -> None:
        local = _local(name)
        if local == "t":
            self._is_text = False
        elif local == "rPh":
            self._hints -= 1
        elif local == "si":
            self.texts.append(self.finished_text())
            self._chars += self._length
            if len(self.texts) > MAX_STRINGS or self._chars > MAX_STRING_CHARS:
                raise Unreadable("too_large")


class Styles(Handler):
    """How numbers are shown, by the number of a cell's style."""

    def __init__(self, formats: NumberFormats) -> None:
        self._formats = formats
        self._is_cell_styles = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = _local(name)
        if local == "numFmt":
            self._formats.define(attributes.get("numFmtId", ""), attributes.get("formatCode", ""))
        elif local == "cellXfs":
            self._is_cell_styles = True
        elif local == "xf" and self._is_cell_styles:
            self._formats.add_style(attributes.get("numFmtId", ""))
        if self._formats.size > MAX_STYLES:
            raise Unreadable("too_large")

    def end(self, name: str) -> None:
        if _local(name) == "cellXfs":
            self._is_cell_styles = False


class Rows(_Text):
    """The rows of a sheet."""

    def __init__(self, strings: list[str], formats: NumberFormats) -> None:
        super().__init__()
        self._strings = strings
        self._formats = formats
        self._collector = Collector()
        self._merges: list[str] = []
        self._number = 0
        self._cells: list[str] = []
        self._flaws: dict[int, Flaw] = {}
        self._column = -1
        self._before = ""  # the cell before, if it was empty: its column is not counted yet
        self._attributes: Attributes = {}
        self._has_formula = False

    def start(self, name: str, attributes: Attributes) -> None:
        local = _local(name)
        if local == "c":  # first, as a file may have millions that are only formatted
            self._attributes = attributes
            self._has_formula = False
            self.begin_text()
        elif local in ("v", "t"):
            self._is_text = True
        elif local == "row":
            self._start_row(attributes)
        elif local == "f":
            self._has_formula = True
        elif local == "rPh":
            self._hints += 1
        elif local == "mergeCell":
            self._take_merge(attributes)

    def end(self, name: str) -> None:
        local = _local(name)
        if local == "c":
            self._end_cell()
        elif local in ("v", "t"):
            self._is_text = False
        elif local == "row":
            if self._cells or self._flaws:
                self._collector.add(self._number, self._cells, self._flaws)
        elif local == "rPh":
            self._hints -= 1

    def _start_row(self, attributes: Attributes) -> None:
        number = attributes.get("r", "")
        self._number = int(number) if number else self._number + 1
        if self._cells or self._flaws:
            self._cells, self._flaws = [], {}
        self._column, self._before = -1, ""

    def _end_cell(self) -> None:
        reference = self._attributes.get("r", "")
        if not self._pieces and not self._has_formula and reference:
            self._before = reference
            return
        if self._before:
            self._column, self._before = column_of(self._before), ""
        self._column = column_of(reference) if reference else self._column + 1
        text, flaw = self._value(self.finished_text())
        if not text and flaw is None:
            return
        if self._column >= MAX_COLUMNS:
            if text.strip() or flaw:
                raise Unreadable("too_many_columns", limit=MAX_COLUMNS, row=self._number)
            return
        self._cells += [""] * (self._column + 1 - len(self._cells))
        self._cells[self._column] = text
        if flaw is not None:
            self._flaws[self._column] = flaw

    def _value(self, raw: str) -> tuple[str, Flaw | None]:
        """Return a cell's text and what is wrong with it."""
        kind = self._attributes.get("t", "n")
        if not raw:
            return "", Flaw.FORMULA if self._has_formula and kind != "str" else None
        if kind == "s":
            return self._strings[int(raw)], None
        if kind == "b":
            return ("FALSE" if raw.strip() == "0" else "TRUE"), None
        if kind == "e":
            return raw, Flaw.ERROR
        if kind == "n":
            return displayed(
                raw.strip(), self._formats.of_style(self._attributes.get("s", "0")), self._formats
            )
        return raw, None

    def _take_merge(self, attributes: Attributes) -> None:
        self._merges.append(attributes.get("ref", ""))
        if len(self._merges) > MAX_MERGES:
            raise Unreadable("too_large")

    def finished(self) -> list[SheetRow]:
        """Return the rows, with a flaw in each cell that is merged with others."""
        rows = self._collector.rows
        numbers = [row.number for row in rows]
        if sorted(numbers) != numbers:
            raise Unreadable("damaged_workbook")
        flaws = dict.fromkeys(_cells_of(self._merges, rows, numbers), Flaw.MERGED)
        by_row: dict[int, dict[int, Flaw]] = {}
        for (index, column), flaw in flaws.items():
            by_row.setdefault(index, {})[column] = flaw
        for index, merged in by_row.items():
            row = rows[index]
            rows[index] = SheetRow(row.number, row.cells, {**merged, **row.flaws})
        return rows


def column_of(reference: str) -> int:
    """Return the column of a cell like "C7", from 0.  Raises ValueError."""
    number = 0
    for char in reference:
        if not "A" <= char <= "Z":
            break
        number = number * 26 + ord(char) - 64
    if not number or len(reference) > _MAX_REFERENCE_CHARS:
        raise ValueError(reference)
    return number - 1


def _cells_of(
    merges: Iterable[str], rows: Sequence[SheetRow], numbers: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Yield (index of the row, column) of what merged cells with a value cover."""
    left = MAX_CELLS
    for merge in merges:
        corners = _RANGE.fullmatch(merge)
        if corners is None:
            continue
        top, bottom = int(corners[2]), int(corners[4])
        first, last = bisect_left(numbers, top), bisect_left(numbers, bottom + 1)
        begin, end = column_of(corners[1]), min(column_of(corners[3]), MAX_COLUMNS - 1)
        if first >= last or numbers[first] != top or not rows[first].cell(begin):
            continue
        left -= (last - first) * max(0, end - begin + 1)
        if left < 0:
            raise Unreadable("too_large")
        yield from ((row, col) for row in range(first, last) for col in range(begin, end + 1))
