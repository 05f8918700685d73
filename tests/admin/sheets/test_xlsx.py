"""XLSX as programs write it, and as an attacker would."""

import io

import openpyxl
import pytest

from admin_ui.sheets import worker, xlsx
from admin_ui.sheets.table import Flaw, Table, Unreadable
from tests.admin.sheets.books import PEOPLE, bare_rows, book, cell, rows

ROWS = PEOPLE[1:]


def read(content: bytes) -> Table:
    return worker.read(io.BytesIO(content))


def cells(content: bytes) -> list[list[str]]:
    return [row.cells for row in read(content).rows]


def data(*row_elements: str) -> str:
    return f"<sheetData>{''.join(row_elements)}</sheetData>"


def one_cell(element: str, **parts: str) -> tuple[str, dict[int, Flaw]]:
    """Return what is read from the one cell below the heading "name"."""
    sheet = data(bare_rows([["name", "nick"]]), f'<row r="2">{element}{cell("B2", "x")}</row>')
    (row,) = read(book(sheet, **parts)).rows  # type: ignore[arg-type]  # texts only
    return row.cells[0], dict(row.flaws)


def test_what_openpyxl_writes_is_read() -> None:
    workbook = openpyxl.Workbook()
    for row in PEOPLE:
        workbook.active.append(row)
    file = io.BytesIO()
    workbook.save(file)

    assert cells(file.getvalue()) == ROWS


def test_shared_and_rich_texts_are_read_without_hints_for_their_reading() -> None:
    strings = (
        "<si><t>na</t><t>me</t></si>"
        '<si><r><t>吴</t></r><r><t>霞</t></r><rPh sb="0" eb="1"><t>ウ</t></rPh></si>'
    )
    sheet = data(
        '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
        '<row r="2"><c r="A2" t="s"><v>1</v></c></row>',
    )

    assert cells(book(sheet, strings=strings)) == [["吴霞"]]


def test_rows_and_cells_without_references_count_on() -> None:
    sheet = data(
        '<row><c t="str"><v>name</v></c><c t="str"><v>nick</v></c></row><row/>',
        '<row><c/><c t="str"><v>x</v></c></row>',
    )

    (row,) = read(book(sheet)).rows
    assert (row.number, row.cells) == (3, ["", "x"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10086", "10086"),
        ("10086.0", "10086"),
        ("1.3800138E10", "13800138000"),
        ("1.5", "1.5"),
        ("0", "0"),
    ],
)
def test_numbers_read_as_they_were_typed(value: str, text: str) -> None:
    assert one_cell(f'<c r="A2"><v>{value}</v></c>') == (text, {})


def test_zeros_in_front_that_a_format_shows_are_kept() -> None:
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="00000"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>'
    )

    assert one_cell('<c r="A2" s="1"><v>42</v></c>', styles=styles) == ("00042", {})


def test_a_day_is_a_day_and_no_number() -> None:
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'

    assert one_cell('<c r="A2" s="1"><v>45292</v></c>', styles=styles) == ("2024-01-01", {})


@pytest.mark.parametrize(
    ("element", "flaw"),
    [
        ('<c r="A2"><f>1+1</f><v/></c>', Flaw.FORMULA),
        ('<c r="A2"><f>1+1</f></c>', Flaw.FORMULA),
        ('<c r="A2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', Flaw.ERROR),
        ('<c r="A2"><v>1.2345678901234567E17</v></c>', Flaw.LONG_NUMBER),
    ],
)
def test_cells_without_a_value_to_take_are_marked(element: str, flaw: Flaw) -> None:
    assert one_cell(element)[1] == {0: flaw}


def test_characters_that_xml_can_not_hold_are_read_and_halves_of_pairs_are_not() -> None:
    assert one_cell(cell("A2", "a_x0007_b")) == ("a\x07b", {})
    assert one_cell(cell("A2", "a_xD800_b")) == ("a_xD800_b", {})


def test_results_of_formulas_are_values() -> None:
    assert one_cell('<c r="A2" t="str"><f>"a"&amp;"b"</f><v>ab</v></c>') == ("ab", {})
    assert one_cell('<c r="A2"><f>1+1</f><v>2</v></c>') == ("2", {})
    assert one_cell('<c r="A2" t="str"><f>""</f><v></v></c>') == ("", {})


def test_merged_cells_with_a_value_are_marked_and_others_not() -> None:
    table = [["花名册"], ["name", "department"], ["a", "Sales"], ["b"], ["c", "", "x"]]
    merges = "".join(
        f'<mergeCell ref="{ref}"/>'
        for ref in ("A1:C1", "B3:B4", "B5:C5", "A900:C999999", "nonsense")
    )

    found = read(book(rows(table) + f"<mergeCells>{merges}</mergeCells>")).rows

    assert [row.flaws.get(1) for row in found] == [Flaw.MERGED, Flaw.MERGED, None]


def test_the_first_visible_sheet_with_headings_is_read() -> None:
    others = (
        ("Explained", rows([["how to fill this in"]]), "visible"),
        ("All", rows(PEOPLE), "visible"),
    )

    table = read(book(rows([["secret"], *PEOPLE]), state="hidden", other_sheets=others))

    assert [row.cells for row in table.rows] == ROWS
    assert table.sheets == ("All", "Explained")


def test_one_formatted_cell_in_the_last_row_costs_nothing() -> None:
    sheet = data(bare_rows(PEOPLE), '<row r="1048576"><c r="XFD1048576" s="1"/></row>')

    assert cells(book(sheet)) == ROWS


def test_empty_rows_without_number_are_no_rows() -> None:
    assert cells(book(data(bare_rows(PEOPLE), "<row/>" * 50_000))) == ROWS


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as error:
        read(content)
    return error.value.code


def test_a_row_of_thousands_of_cells_is_refused() -> None:
    sheet = data('<row r="1048576">', "".join("<c><v>1</v></c>" for _ in range(16_384)), "</row>")

    assert refusal(book(sheet)) == "too_many_columns"


def test_more_rows_than_allowed_are_refused_before_the_rest_is_read() -> None:
    sheet = data(bare_rows([["name"], *([["x"]] * 20_030)]), "<this is no XML")

    assert refusal(book(sheet)) == "too_many_rows"


def test_what_unpacks_to_far_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_UNPACKED_BYTES", 300_000)

    assert refusal(book(rows(PEOPLE) + " " * 400_000)) == "too_large"


def test_texts_that_many_cells_share_are_counted_each_time() -> None:
    sheet = data(bare_rows([["name"]]), *('<row><c t="s"><v>0</v></c></row>' for _ in range(400)))

    assert refusal(book(sheet, strings=f"<si><t>{'a' * 30_000}</t></si>")) == "too_large"


def test_a_tag_without_end_is_refused() -> None:
    assert refusal(book(f'<sheetData><row r="{"1" * 3_000_000}"/></sheetData>')) == "too_large"


def test_entities_are_refused() -> None:
    content = book(rows(PEOPLE), extra={"xl/worksheets/sheet9.xml": b""})
    laughs = (
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
        f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"{rows(PEOPLE)}</worksheet>"
    )

    assert refusal(_with(content, "xl/worksheets/sheet1.xml", laughs.encode())) == (
        "damaged_workbook"
    )


@pytest.mark.parametrize("length", [10, 200, 700, 1200])
def test_a_workbook_cut_off_is_refused(length: int) -> None:
    assert refusal(book(rows(PEOPLE))[:length]) == "damaged_workbook"


def test_archives_that_are_no_workbook_are_refused() -> None:
    text = _with(book(rows(PEOPLE)), "_rels/.rels", b"<Relationships/>")

    assert refusal(text) == "no_spreadsheet"


def test_many_files_in_one_archive_are_refused() -> None:
    extra = {f"part{number}": b"" for number in range(xlsx.MAX_PARTS)}

    assert refusal(book(rows(PEOPLE), extra=extra)) == "too_large"


def _with(content: bytes, name: str, part: bytes) -> bytes:
    """Return an archive with one of its files replaced."""
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for other in old.namelist():
            new.writestr(other, part if other == name else old.read(other))
    return file.getvalue()
