"""Headings: which column of a spreadsheet is what, in both of the console's languages.

Capitals, blanks, punctuation and what stands in brackets make no difference.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from admin_ui.sheets.table import HEADING_ROWS, MAX_ROWS, Flaw, SheetRow, Table, Unreadable

# Field -> what its column may be called; the names that an export writes are among them.
HEADINGS = {
    "name": (
        "name", "login name", "login", "login id", "username", "user name", "user", "account",
        "account name", "登录名", "登陆名", "登录账号", "登录帐号", "登录用户名", "账号", "帐号",
        "账户", "帐户", "账号名", "用户名", "用户账号", "用户帐号",
    ),
    "nick": (
        "nick", "nickname", "nick name", "full name", "display name", "real name", "employee name",
        "姓名", "昵称", "名字", "员工姓名", "真实姓名", "中文名", "中文姓名", "显示名", "显示名称",
    ),
    "domain": ("domain", "phonetic name", "phonetic", "pinyin", "拼音", "姓名拼音", "拼音名"),
    "department": (
        "department", "dept", "depart", "department name", "部门", "部门名称", "所属部门",
        "所在部门",
    ),
    "status": ("status", "employment status", "状态", "员工状态", "在职状态", "人员状态"),
    "sex": ("sex", "gender", "性别"),
    "phone": (
        "phone", "phone number", "telephone", "tel", "mobile", "mobile phone", "mobile number",
        "cell phone", "电话", "电话号码", "联系电话", "手机", "手机号", "手机号码", "移动电话",
    ),
    "email": (
        "email", "e-mail", "email address", "mail", "邮箱", "邮箱地址", "电子邮箱", "电子邮件",
        "邮件", "邮件地址", "电子邮件地址",
    ),
    "sign_info": ("sign_info", "signature", "签名", "个性签名", "个人签名"),
    "password": ("password", "initial password", "login password", "密码", "初始密码", "登录密码"),
}  # fmt: skip
_BRACKETS = re.compile(r"[(\[<{【〔].*")
_SEPARATORS = re.compile(r"[/\n|]")
_ALIKE = 2  # cells of a row that repeat their columns' headings make it a repeated heading row


def normal(heading: str) -> str:
    """Return a heading without what makes no difference."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "".join(char for char in text if char.isalnum())


_FIELD_OF = {normal(name): field for field, names in HEADINGS.items() for name in names}


def field_of(heading: str) -> str | None:
    """Return which field a column with this heading has; None: none that we know."""
    text = unicodedata.normalize("NFKC", heading)
    found = _FIELD_OF.get(normal(text)) or _FIELD_OF.get(normal(_BRACKETS.sub("", text)))
    parts = _SEPARATORS.split(text)
    if found is None and len(parts) > 1:  # "登录名/Login name"
        found = next((field for part in parts if (field := _FIELD_OF.get(normal(part)))), None)
    return found


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields stand, by column from 0; what is ignored, and what is there twice."""

    fields: dict[int, str]
    ignored: list[str]
    doubled: dict[str, list[int]]


def columns_of(headings: Sequence[str]) -> Columns:
    """Return what the columns of a table are."""
    places: dict[str, list[int]] = {}
    ignored = []
    for column, heading in enumerate(headings):
        field = field_of(heading)
        if field is not None:
            places.setdefault(field, []).append(column)
        elif heading.strip():
            ignored.append(heading.strip())
    fields = {columns[0]: field for field, columns in places.items()}
    doubled = {field: columns for field, columns in places.items() if len(columns) > 1}
    return Columns(dict(sorted(fields.items())), ignored, doubled)


def known_in(row: SheetRow) -> int:
    """Return how many different fields the cells of a row name."""
    return len({field for cell in row.cells if (field := field_of(cell))})


def table_of(rows: Sequence[SheetRow], sheets: Sequence[str] = ()) -> Table:
    """Return the table whose headings stand among the first of these rows.

    Raises Unreadable when there are none, or too many rows below them.
    """
    counts = [known_in(row) for row in rows[:HEADING_ROWS]]
    best = max(counts, default=0)
    if not best:
        seen = next((row.cells for row in rows), [])
        code = "no_headings" if rows else "no_values"
        raise Unreadable(code, seen=", ".join(cell for cell in seen if cell)[:200])
    place = counts.index(best)
    headings = rows[place].cells
    fields = [field_of(heading) for heading in headings]
    below = [row for row in rows[place + 1 :] if not _repeats(row, fields)]
    if len(below) > MAX_ROWS:
        raise Unreadable("too_many_rows", limit=MAX_ROWS)
    return Table(headings, [_checked(row, len(headings)) for row in below], tuple(sheets))


def _repeats(row: SheetRow, fields: Sequence[str | None]) -> bool:
    """Tell whether a row has the headings again, perhaps in the other language."""
    alike = 0
    for cell, field in zip(row.cells, fields, strict=False):
        if cell and field is not None:
            if field_of(cell) != field:
                return False
            alike += 1
    return alike >= _ALIKE


def _checked(row: SheetRow, width: int) -> SheetRow:
    """Return a row with a flaw at each value that stands to the right of the last heading."""
    beyond = {
        column: Flaw.NO_HEADING
        for column in range(width, len(row.cells))
        if row.cells[column].strip()
    }
    return SheetRow(row.number, row.cells, {**row.flaws, **beyond}) if beyond else row
