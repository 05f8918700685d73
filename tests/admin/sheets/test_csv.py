"""CSV as Excel, WPS and others save it in Chinese and Western Windows."""

import io

import pytest

from admin_ui.sheets import worker
from admin_ui.sheets.table import Flaw, Table, Unreadable

PEOPLE = "name,nick,department\nwuxia,吴霞,Sales\nzhaoli,赵丽,Sales\n"
ROWS = [["wuxia", "吴霞", "Sales"], ["zhaoli", "赵丽", "Sales"]]


def read(content: bytes | str) -> Table:
    return worker.read(io.BytesIO(content.encode() if isinstance(content, str) else content))


def cells(content: bytes | str) -> list[list[str]]:
    return [row.cells for row in read(content).rows]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
def test_every_encoding_that_spreadsheet_programs_save_is_read(encoding: str) -> None:
    assert cells(PEOPLE.encode(encoding)) == ROWS


def test_rare_characters_are_read_from_gb18030() -> None:
    assert cells("name,nick\nyjz,𠮷野家😀\n".encode("gb18030")) == [["yjz", "𠮷野家😀"]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_cells_may_stand_between_any_usual_separators(separator: str) -> None:
    assert cells(PEOPLE.replace(",", separator)) == ROWS


def test_unicode_text_of_excel_is_read() -> None:
    assert cells(PEOPLE.replace(",", "\t").replace("\n", "\r\n").encode("utf-16")) == ROWS


def test_a_separator_in_a_text_does_not_mislead() -> None:
    content = 'name;nick;sign_info\nwuxia;吴霞;"a, b, c, d, e"\n'

    assert cells(content) == [["wuxia", "吴霞", "a, b, c, d, e"]]


def test_a_line_that_tells_excel_the_separator_is_no_row() -> None:
    assert cells("sep=;\r\n" + PEOPLE.replace(",", ";")) == ROWS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_they_like(end: str) -> None:
    assert cells(PEOPLE.replace("\n", end)) == ROWS


def test_rows_without_a_value_are_skipped_and_counted() -> None:
    table = read("\r\n\r\nname,nick\r\n,\r\nwuxia,吴霞\r\n , \r\n,,,,\r\nzhaoli,赵丽\r\n,,\r\n")

    assert [(row.number, row.cells[0]) for row in table.rows] == [(5, "wuxia"), (8, "zhaoli")]


def test_headings_are_found_below_a_title() -> None:
    assert cells("2026年员工花名册,,\n制表：人事部,,\n" + PEOPLE) == ROWS


def test_headings_in_both_languages_below_each_other_are_both_headings() -> None:
    assert cells("登录名,姓名,部门\n" + PEOPLE) == ROWS


def test_a_text_written_as_a_formula_to_keep_its_zeros_is_a_text() -> None:
    assert cells('name,phone\n="007","=""013800138000"""\n') == [["007", "013800138000"]]


def test_a_value_to_the_right_of_the_headings_is_a_flaw_of_its_row() -> None:
    table = read("name,nick\nwuxia,吴,霞\nzhaoli,赵丽,\n")

    assert table.rows[0].flaws == {2: Flaw.NO_HEADING}
    assert not table.rows[1].flaws


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_values"),
        (b"\n\n,,,\n", "no_values"),
        (b"a,b,c\n1,2,3\n", "no_headings"),
        (b"\xef\xbb\xbfname,nick\nx,\xff\xfe\n", "damaged_text"),
        (("name,nick\n" + "wuxia,吴霞吴霞\n" * 9).encode()[:-3], "damaged_text"),
        (b"name,nick\nx,\x81\x20\n", "damaged_text"),
        (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0", "no_spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old_workbook"),
        (b"%PDF-1.7", "no_spreadsheet"),
        (b"<html><table><tr><td>name", "markup"),
        ("\ufeff<?xml version='1.0'?><Workbook/>".encode(), "markup"),
        (b'name,nick\nwuxia,"open ' + b"x," * 20_000, "long_cell"),
        (b"name\n" + b"a\n" * 20_001, "too_many_rows"),
        (b"name\n" + b"," * 100 + b"x\n", "too_many_columns"),
        (b"name\n" + (b"aa," * 99 + b"\n") * 6_000, "too_large"),
    ],
)
def test_what_is_not_taken_is_refused_with_its_reason(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(content)

    assert refusal.value.code == code
