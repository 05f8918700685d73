"""XLSX files made by hand, the way programs write them and the way an attacker would."""

import io
import zipfile

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PEOPLE = [["name", "nick", "department"], ["wuxia", "吴霞", "Sales"]]


def book(
    sheet: str,
    *,
    other_sheets: tuple[tuple[str, str, str], ...] = (),
    strings: str = "",
    styles: str = "",
    state: str = "visible",
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """Return a workbook of a sheet's XML (what is in `worksheet`); others: name, XML, state."""
    sheets = (("People", sheet, state), *other_sheets)
    parts = {
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _workbook([(name, how) for name, _xml, how in sheets]),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{i}.xml") for i in range(1, len(sheets) + 1)]
            + [("sharedStrings", "sharedStrings.xml"), ("styles", "/xl/styles.xml")]
        ),
        "xl/sharedStrings.xml": f'<sst xmlns="{SHEET}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{SHEET}">{styles}</styleSheet>',
    }
    for i, (_name, xml, _state) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{i}.xml"] = f'<worksheet xmlns="{SHEET}">{xml}</worksheet>'
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return file.getvalue()


def rows(table: list[list[str]], first: int = 1) -> str:
    """Return sheet data of texts."""
    return f"<sheetData>{bare_rows(table, first)}</sheetData>"


def bare_rows(table: list[list[str]], first: int = 1) -> str:
    """Return rows of texts; empty ones have no cell."""
    return "".join(
        f'<row r="{number}">'
        + "".join(cell(f"{chr(65 + i)}{number}", text) for i, text in enumerate(texts) if text)
        + "</row>"
        for number, texts in enumerate(table, first)
    )


def cell(reference: str, text: str) -> str:
    """Return a cell with a text in it."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def _workbook(sheets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<sheet name="{name}" sheetId="{i}" state="{state}" r:id="r{i - 1}"/>'
        for i, (name, state) in enumerate(sheets, 1)
    )
    return f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'


def _relations(targets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for i, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{RELATIONS}">{listed}</Relationships>'
