"""What is read from a spreadsheet, and the bounds it is read within.

Refusals travel as codes: the worker knows no language, `reading` has the words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_ROWS = 20_000  # with a value in them, below the headings
MAX_COLUMNS = 100
MAX_CELLS = 500_000  # of rows up to their last value: 25 columns for each of MAX_ROWS
MAX_CELL_CHARS = 32_767  # as in Excel
MAX_TEXT_CHARS = 10_000_000  # in all cells together
HEADING_ROWS = 20  # with a value in them: headings are looked for among so many


class Flaw(StrEnum):
    """Why a cell has no value that could be taken."""

    FORMULA = "formula"  # its result isn't stored
    ERROR = "error"  # like #N/A
    MERGED = "merged"
    LONG_NUMBER = "long_number"  # beyond the 15 digits that a spreadsheet keeps
    NO_HEADING = "no_heading"  # to the right of the last heading


class Unreadable(Exception):
    """A file that isn't taken: `code` says why, `details` are numbers and names for the words."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number as the spreadsheet program shows it, its cells up to the last value."""

    number: int
    cells: list[str]
    flaws: Mapping[int, Flaw] = field(default_factory=dict)  # by column, from 0

    def cell(self, column: int) -> str:
        """Return the text of a cell; empty where the row ends before."""
        return self.cells[column] if column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """The headings and the rows below them that have a value.

    `sheets`: names of the sheets one sees; the first is the one that was read.
    """

    headings: list[str]
    rows: list[SheetRow]
    sheets: tuple[str, ...] = ()


class Collector:
    """Takes the rows of one sheet, in order, as long as they keep within the bounds."""

    def __init__(self) -> None:
        self.rows: list[SheetRow] = []
        self._cells = 0
        self._chars = 0

    def add(self, number: int, cells: list[str], flaws: Mapping[int, Flaw] | None = None) -> None:
        """Keep a row, unless nothing is in it.  Raises Unreadable beyond a bound."""
        width = max(_last_value(cells), max(flaws or (-1,))) + 1
        if not width:
            return
        if width > MAX_COLUMNS:
            raise Unreadable("too_many_columns", limit=MAX_COLUMNS, row=number)
        if len(self.rows) >= MAX_ROWS + HEADING_ROWS:
            raise Unreadable("too_many_rows", limit=MAX_ROWS)
        kept = cells[:width] + [""] * (width - len(cells))
        self._count(number, kept)
        self.rows.append(SheetRow(number, kept, dict(flaws or {})))

    def _count(self, number: int, cells: Iterable[str]) -> None:
        for text in cells:
            if len(text) > MAX_CELL_CHARS:
                raise Unreadable("long_cell", limit=MAX_CELL_CHARS, row=number)
            self._cells += 1
            self._chars += len(text)
        if self._cells > MAX_CELLS or self._chars > MAX_TEXT_CHARS:
            raise Unreadable("too_large")


def _last_value(cells: list[str]) -> int:
    return next((i for i in range(len(cells) - 1, -1, -1) if cells[i].strip()), -1)
