"""XLSX (Office Open XML), read as a stream within bounds.

What a file claims about itself (dimensions, counts, sizes in the archive's index) is not believed:
bytes are counted as they are unpacked, rows and cells as they come.  No DTD, so no entities.
"""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from xml.parsers import expat

from admin_ui.sheets.headings import table_of
from admin_ui.sheets.number_formats import NumberFormats
from admin_ui.sheets.table import Table, Unreadable
from admin_ui.sheets.xlsx_parts import (
    MAX_SHEETS,
    Handler,
    Relationships,
    Rows,
    Sheets,
    Strings,
    Styles,
)

MAX_PARTS = 2_000  # files in the archive
MAX_UNPACKED_BYTES = 200 * 1024 * 1024  # of all parts that are read
MAX_TOKEN_BYTES = 1024 * 1024  # a tag with its attributes
_CHUNK_BYTES = 64 * 1024
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, expat.ExpatError,
    LookupError, ValueError, OverflowError, UnicodeError, OSError,
)  # fmt: skip


def read(file: IO[bytes]) -> Table:
    """Return the table of the first visible sheet that has headings.  Raises Unreadable."""
    try:
        with zipfile.ZipFile(file) as archive:
            return _Workbook(archive).table()
    except _DAMAGED as error:
        raise Unreadable("damaged_workbook") from error


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    part: str


class _Workbook:
    """An archive with the parts of a workbook."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = {name.lower(): name for name in archive.namelist()}
        self._left = MAX_UNPACKED_BYTES
        if len(self._names) > MAX_PARTS:
            raise Unreadable("too_large")

    def table(self) -> Table:
        """Return the table of the first visible sheet that has headings."""
        book = self._part_of("", "/officeDocument")
        if book is None or not book.lower().endswith(".xml"):
            raise Unreadable("no_spreadsheet")  # a text document, an XLSB ...
        sheets, is_1904 = self._sheets(book)
        strings = Strings()
        self._parse_optional(self._part_of(book, "/sharedStrings"), strings)
        formats = NumberFormats(is_1904)
        self._parse_optional(self._part_of(book, "/styles"), Styles(formats))
        return self._first_table(sheets, strings.texts, formats)

    def _first_table(
        self, sheets: list[_Sheet], strings: list[str], formats: NumberFormats
    ) -> Table:
        refusal = Unreadable("no_values")
        for sheet in sheets:
            rows = Rows(strings, formats)
            self._parse(sheet.part, rows)
            names = [sheet.name, *(other.name for other in sheets if other != sheet)]
            try:
                return table_of(rows.finished(), names)
            except Unreadable as error:
                if error.code not in ("no_values", "no_headings"):
                    raise
                refusal = error if refusal.code == "no_values" else refusal
        raise refusal

    def _sheets(self, book: str) -> tuple[list[_Sheet], bool]:
        listed = Sheets()
        self._parse(book, listed)
        if len(listed.sheets) > MAX_SHEETS:
            raise Unreadable("too_many_sheets", limit=MAX_SHEETS)
        targets = self._targets(book, "/worksheet")
        sheets = [
            _Sheet(name, targets[target]) for name, target in listed.sheets if target in targets
        ]
        if not sheets:
            raise Unreadable("no_values")
        return sheets, listed.is_1904

    def _part_of(self, part: str, kind: str) -> str | None:
        return next(iter(self._targets(part, kind).values()), None)

    def _targets(self, part: str, kind: str) -> dict[str, str]:
        """Return the parts of a kind that a part refers to, by the reference's id."""
        folder, _, name = part.rpartition("/")
        listed = Relationships(kind)
        self._parse_optional(f"{folder}/_rels/{name}.rels".lstrip("/"), listed)
        return {
            key: target.lstrip("/") if target.startswith("/") else _joined(folder, target)
            for key, target in listed.found.items()
        }

    def _parse_optional(self, part: str | None, handler: Handler) -> None:
        if part is not None and part.lower() in self._names:
            self._parse(part, handler)

    def _parse(self, part: str, handler: Handler) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.text
        fed = 0
        for chunk in self._chunks(part):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
                raise Unreadable("too_large")  # the parser begins such a token anew each time
        parser.Parse(b"", True)

    def _chunks(self, part: str) -> Iterator[bytes]:
        with self._archive.open(self._names[part.lower()]) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                self._left -= len(chunk)
                if self._left < 0:
                    raise Unreadable("too_large")
                yield chunk


def _joined(folder: str, target: str) -> str:
    parts: list[str] = []
    for part in f"{folder}/{target}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _refuse_doctype(*_declaration: object) -> None:
    raise Unreadable("damaged_workbook")
