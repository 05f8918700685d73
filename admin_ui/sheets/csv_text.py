"""CSV as spreadsheet programs save it: in several encodings, with several separators."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress

from admin_ui.sheets.headings import known_in, table_of
from admin_ui.sheets.table import HEADING_ROWS, MAX_CELL_CHARS, Collector, Table, Unreadable

_SEPARATORS = ",;\t|"
_MARKED = (  # byte order marks; UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 4096
_SAMPLE_CHARS = 64 * 1024
_REPLACED = "\ufffd"
_TEXT_FORMULA = re.compile(r'="([^"]*)"')  # ="0138": how Excel is made to keep zeros
_GOOD_PER_BAD = 4  # where far more is right than wrong in UTF-8, it is damaged UTF-8


def read(content: bytes) -> Table:
    """Return the table of a CSV file.  Raises Unreadable."""
    text = _decoded(content)
    if text.startswith("sep=") and text[4:5] in _SEPARATORS and text[5:6] in "\r\n":
        separator, text = text[4:5], text[5:]  # a line that is meant for Excel
        return table_of(_rows(text, separator).rows)
    sample = text.lstrip("\r\n")[:_SAMPLE_CHARS]
    separator = max(_SEPARATORS, key=lambda one: _likeness(sample, one))
    return table_of(_rows(text, separator).rows)


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKED:
        if content.startswith(mark):
            return _strict(content, encoding)
    sample = content[:_SAMPLE_BYTES]
    if b"\0" in sample:
        if not any(sample[1::2]) or sample[1:2] == b"\0":
            return _strict(content, "utf-16-le")
        if sample[:1] == b"\0":
            return _strict(content, "utf-16-be")
        raise Unreadable("no_spreadsheet")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _other_than_utf8(content)


def _other_than_utf8(content: bytes) -> str:
    """Return text that is no UTF-8: Chinese Windows saves GB18030 (or GBK, a part of it)."""
    guess = content.decode("utf-8", "replace")
    bad = guess.count(_REPLACED)
    good = sum(1 for char in guess if char > "\u07ff") - bad  # three bytes: nothing by chance
    if good > _GOOD_PER_BAD * bad:
        raise Unreadable("damaged_text")
    return _strict(content, "gb18030")


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Unreadable("damaged_text") from error


def _likeness(text: str, separator: str) -> tuple[int, int]:
    """Return how well a separator fits: known headings in one row, then cells in the first rows."""
    collector = Collector()
    width = 0
    with suppress(Unreadable):
        for number, cells in _cells(text, separator):
            width += len(cells)
            collector.add(number, cells)
            if len(collector.rows) >= HEADING_ROWS:
                break
    return max((known_in(row) for row in collector.rows), default=0), width


def _rows(text: str, separator: str) -> Collector:
    collector = Collector()
    for number, cells in _cells(text, separator):
        collector.add(number, cells)
    return collector


def _cells(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_CELL_CHARS)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable("long_cell", limit=MAX_CELL_CHARS, row=number) from error
        if cells:
            yield number, [_without_formula(cell) for cell in cells]


def _without_formula(cell: str) -> str:
    found = _TEXT_FORMULA.fullmatch(cell) if cell.startswith('="') else None
    return found[1] if found else cell
