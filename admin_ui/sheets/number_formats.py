"""Numbers in XLSX: what a cell shows is its number in the format of its style.

Only what matters for texts about people: dates, and leading zeros as in "00042".
"""

import re
from datetime import datetime, timedelta

from admin_ui.sheets.table import Flaw

_DAY_FORMATS = frozenset([*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)])  # built in
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_DAY = re.compile(r"[yd]", re.IGNORECASE)
_ZEROS = re.compile(r"0{2,32}")
MAX_EXACT = 10**15  # a spreadsheet keeps 15 digits


class NumberFormats:
    """The formats of a workbook, by the number of a cell's style."""

    def __init__(self, is_1904: bool) -> None:
        self.epoch = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)
        self._codes: dict[str, str] = {}
        self._styles: list[str] = []

    @property
    def size(self) -> int:
        """Return how much is kept."""
        return len(self._codes) + len(self._styles)

    def define(self, number: str, code: str) -> None:
        """Add a format of the workbook's own."""
        self._codes[number] = code

    def add_style(self, number: str) -> None:
        """Add the next style, which has the format `number`."""
        self._styles.append(number)

    def of_style(self, style: str) -> str:
        """Return a style's format: "date", zeros as many as there are digits, or nothing."""
        place = int(style)
        number = self._styles[place] if 0 <= place < len(self._styles) else "0"
        code = self._codes.get(number)
        if code is None:
            return "date" if number.isdecimal() and int(number) in _DAY_FORMATS else ""
        shown = _QUOTED.sub("", code).partition(";")[0]
        if _DAY.search(shown):
            return "date"
        return shown if _ZEROS.fullmatch(shown) else ""


def displayed(raw: str, shown_as: str, formats: NumberFormats) -> tuple[str, Flaw | None]:
    """Return a number as text without what was never typed: "10086", not "10086.0" or "1E+4"."""
    number = float(raw)
    if shown_as == "date":
        return _day(number, formats.epoch), None
    if not number.is_integer():
        return repr(number), None
    if abs(number) >= MAX_EXACT:
        return raw, Flaw.LONG_NUMBER
    return str(int(number)).zfill(len(shown_as)), None


def _day(number: float, epoch: datetime) -> str:
    moment = epoch + timedelta(days=number)
    text = moment.replace(microsecond=0).isoformat(" ")
    return text.removesuffix(" 00:00:00")
