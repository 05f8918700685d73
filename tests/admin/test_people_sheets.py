"""Spreadsheets as people bring them: each is taken, or refused in words that help."""

import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from admin_ui.models import Operator
from admin_ui.people_files import PeopleResource
from admin_ui.roles import Role
from im.models import IMDepart, IMUser
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard
from im.types import RowStatus, UserStatus
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import text_of
from tests.admin.sheets.books import bare_rows, book, rows

IMPORT = "/admin/im/imuser/import/"
CONFIRM = "/admin/im/imuser/process_import/"
EXPORT = "/admin/im/imuser/export/"
CSV, XLSX = "0", "1"
EXPORTED = PeopleResource.Meta.fields


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> None:
    settings.IM_DATA_DIR = tmp_path


def upload(console: Client, content: str | bytes, language: str = "en") -> Any:  # Any: a response
    data = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile("people", data)
    return console.post(IMPORT, {"import_file": file}, headers={"accept-language": language})


def bring(console: Client, content: str | bytes, language: str = "en") -> Any:
    """Import a file that must be fit for it, and return the last page."""
    preview = upload(console, content, language)
    assert "confirm_form" in preview.context, reasons(preview)
    return console.post(CONFIRM, preview.context["confirm_form"].initial, follow=True)


def reasons(page: Any) -> list[list[str]]:
    """Return why rows are refused, row by row."""
    return [list(row.problems) for row in page.context["refused"]]


def totals(page: Any) -> dict[str, int]:
    return {kind: count for kind, count in page.context["result"].totals.items() if count}


def file_error(page: Any) -> str:
    return " ".join(page.context["form"].errors["import_file"])


def export(console: Client, kind: str = CSV, language: str = "en") -> bytes:
    fields = {f"peopleresource_{name}": "on" for name in EXPORTED}
    form = {"format": kind, "resource": "", **fields}
    page: Any = console.post(EXPORT, form, headers={"accept-language": language})
    content: bytes = page.content
    return content


# --- headings and columns ---------------------------------------------------------------------


def test_chinese_headings_and_values_are_taken(console: Client, company: Company) -> None:
    bring(
        console,
        "登录名,姓名,部门,状态,性别,手机,邮箱\nwuxia,吴霞,Sales,试用期,女,13800000003,a@example.com\n",
    )

    row = IMUser.objects.get(name="wuxia")
    assert (row.nick, row.depart_id, row.status, row.sex, row.phone, row.email) == (
        "吴霞", company.sales, UserStatus.PROBATION, 2, "13800000003", "a@example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    "headings",
    [
        "Name,Nick,Department",
        " LOGIN NAME , Nick Name ,DEPARTMENT",
        "login_name*,nick-name:,Dept.",
        "登录名（必填）,姓名（必填）,所属部门",
        "登录名/Login name,姓名/Nickname,部门/Department",
        "帐号,员工姓名,部门名称",
    ],
)
def test_headings_are_known_by_what_people_call_them(
    console: Client, company: Company, headings: str
) -> None:
    bring(console, f"{headings}\nwuxia,吴霞,Sales\n")

    assert IMUser.objects.get(name="wuxia").nick == "吴霞"


def test_a_title_above_the_headings_is_passed_over(console: Client, company: Company) -> None:
    table = [["2026年员工花名册"], [], ["登录名", "姓名", "部门"], ["wuxia", "吴霞", "Sales"]]
    sheet = rows(table) + '<mergeCells><mergeCell ref="A1:C1"/></mergeCells>'

    bring(console, book(sheet))

    assert IMUser.objects.filter(name="wuxia").exists()


def test_columns_that_are_not_known_are_named(console: Client, company: Company) -> None:
    page = upload(console, "name,nick,department,工龄,Floor\nwuxia,吴霞,Sales,3,2\n")

    assert "工龄, Floor" in text_of(page)
    assert "confirm_form" in page.context


def test_a_heading_given_twice_is_refused_with_its_places(
    console: Client, company: Company
) -> None:
    page = upload(console, "name,nick,电话,department,手机\nwuxia,吴霞,1,Sales,2\n")

    assert "C (电话), E (手机)" in file_error(page)


def test_a_file_without_login_names_says_what_is_needed(console: Client, company: Company) -> None:
    error = file_error(upload(console, "姓名,部门\n吴霞,Sales\n"))

    assert "登录名" in error
    assert "姓名, 部门" in error


def test_one_column_of_new_people_says_what_is_missing(console: Client, company: Company) -> None:
    page = upload(console, "name\nwuxia\n")

    assert reasons(page) == [
        [
            "Nickname: A new person needs this; it is missing.",
            "Department: A new person needs this; it is missing.",
        ]
    ]


def test_merged_cells_are_refused_with_their_places(console: Client, company: Company) -> None:
    table = [["name", "nick", "department"], ["a1", "甲", "Sales"], ["b1", "乙"], ["c1", "丙"]]
    sheet = rows(table) + '<mergeCells><mergeCell ref="C2:C4"/></mergeCells>'

    page = upload(console, book(sheet))

    assert [re.findall(r"Cell (\w+) is merged", " ".join(found)) for found in reasons(page)] == [
        ["C2"], ["C3"], ["C4"],
    ]  # fmt: skip


def test_uneven_rows_are_refused_where_they_have_too_much(
    console: Client, company: Company
) -> None:
    page = upload(console, "name,nick,department\nwuxia,吴霞,Sales,13800000000\nlina\n")

    assert [row.number for row in page.context["refused"]] == [2]
    assert "Cell D2 has a value, but its column has no heading" in reasons(page)[0][0]


def test_formulas_without_results_are_refused_in_words(console: Client, company: Company) -> None:
    sheet = (
        f"<sheetData>{bare_rows([['name', 'nick', 'department']])}"
        '<row r="2"><c r="A2"><f>"a"&amp;"b"</f><v/></c><c r="B2" t="str"><v>x</v></c>'
        '<c r="C2" t="str"><v>Sales</v></c></row></sheetData>'
    )

    page = upload(console, book(sheet))

    assert "Cell A2 holds a formula without a result" in reasons(page)[0][0]
    assert len(reasons(page)[0]) == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"a,b\n1,2"]
)
def test_what_can_not_be_read_is_refused_in_the_console_s_language(
    console: Client, company: Company, content: bytes
) -> None:
    page = upload(console, content, language="zh-hans")

    assert re.search("[一-鿿]", file_error(page))
    assert "Traceback" not in text_of(page)
    assert ".py" not in re.sub(r"<[^>]*>", "", text_of(page))


# --- cells ------------------------------------------------------------------------------------


def test_empty_cells_change_nothing(console: Client, company: Company) -> None:
    IMUser.objects.filter(pk=company.tom).update(
        status=UserStatus.LEFT, phone="1", sign_info="s", domain="d"
    )
    columns = ",".join(EXPORTED)

    page = upload(console, f"{columns},password\ntom{',' * len(EXPORTED)}\n")

    assert totals(page) == {"skip": 1}


def test_who_has_left_stays_so_while_something_else_changes(
    console: Client, company: Company
) -> None:
    IMUser.objects.filter(pk=company.tom).update(status=UserStatus.LEFT)

    bring(console, "name,phone,status\ntom,13900000000,\n")

    tom = IMUser.objects.get(pk=company.tom)
    assert (tom.status, tom.phone) == (UserStatus.LEFT, "13900000000")


def test_only_what_the_file_says_is_written(console: Client, company: Company) -> None:
    preview = upload(console, "name,phone\ntom,13900000000\n")
    IMUser.objects.filter(pk=company.tom).update(nick="Thomas")  # meanwhile, by somebody else

    console.post(CONFIRM, preview.context["confirm_form"].initial)

    tom = IMUser.objects.get(pk=company.tom)
    assert (tom.nick, tom.phone) == ("Thomas", "13900000000")


def test_blanks_around_a_login_name_are_trimmed(console: Client, company: Company) -> None:
    bring(console, "name,nick,department\n\u00a0 wuxia\u3000,吴霞,Sales\n")

    assert IMUser.objects.filter(name="wuxia").exists()


def test_characters_nobody_sees_are_refused_in_login_names(
    console: Client, company: Company
) -> None:
    page = upload(console, "name,nick,department\nli\u200bna,x,Sales\nx\u202ey,x,Sales\n")

    assert ["U+200B" in reasons(page)[0][0], "U+202E" in reasons(page)[1][0]] == [True, True]


def test_phone_numbers_are_understood_or_refused_with_a_reason(
    console: Client, company: Company
) -> None:
    head = "name,phone\n"

    bring(console, head + "tom,+86 138 0013 8000\nlina,１３８００１３８００１\n")

    assert IMUser.objects.get(pk=company.tom).phone == "13800138000"
    assert IMUser.objects.get(pk=company.lina).phone == "13800138001"
    assert "has shortened this number" in reasons(upload(console, head + "tom,1.38E+10\n"))[0][0]


def test_a_department_with_a_slash_in_its_name_is_found(console: Client, company: Company) -> None:
    slashed = users.create_department(DepartmentCard("采购/物流部", parent_id=company.top))
    people = ["采购/物流部", "Starriver / 采购/物流部", "采购 / 物流部", "Starriver/采购／物流部"]
    lines = "".join(f"p{i},x,{path}\n" for i, path in enumerate(people))

    bring(console, "name,nick,department\n" + lines)

    assert IMUser.objects.filter(depart_id=slashed.depart_id).count() == len(people)


def test_a_path_and_a_name_with_slashes_are_told_apart(console: Client, company: Company) -> None:
    buying = users.create_department(DepartmentCard("采购", parent_id=company.top)).depart_id
    below = users.create_department(DepartmentCard("物流部", parent_id=buying)).depart_id
    slashed = users.create_department(DepartmentCard("采购/物流部", parent_id=company.top))

    bring(
        console,
        "name,nick,department\n"
        "a1,x,Starriver / 采购 / 物流部\n"
        "b1,x,Starriver / 采购/物流部\n",
    )  # fmt: skip

    assert IMUser.objects.get(name="a1").depart_id == below
    assert IMUser.objects.get(name="b1").depart_id == slashed.depart_id


def test_a_manager_sees_nobody_elses_people_in_an_import(console: Client, company: Company) -> None:
    manager = Operator.objects.create(
        username="mara", role=Role.MANAGER, depart_id=company.sales, is_staff=True, is_active=True
    )
    other = Client()
    other.force_login(manager)

    page = upload(other, "name,nick,department\nlina,Other,Sales\nnew1,x,服务器组\n")

    assert reasons(page)[0] == ["This login name is taken."]
    assert "no such department" in reasons(page)[1][0]
    assert "李娜" not in text_of(page)


# --- our own exports --------------------------------------------------------------------------


@pytest.fixture
def odd_people(company: Company) -> None:
    """People whose values are hard to carry through a spreadsheet."""
    slashed = users.create_department(DepartmentCard("采购/物流部", parent_id=company.top))
    twin = users.create_department(DepartmentCard("Sales", parent_id=company.top)).depart_id
    card = UserCard("odd1", "'=1+1", slashed.depart_id, phone="+86 1", sign_info="=SUM(A1)")
    users.create_user(card, "first-password")
    for number, (name, nick) in enumerate(
        [("odd2", "-x"), ("odd3", "''=y"), ("odd4", "@z"), ("odd5", "＝w"), ("0042", "00042")]
    ):
        card = UserCard(name, nick, twin, status=UserStatus.LEFT, sex=number % 3, domain=nick)
        users.create_user(card, "first-password")
    hidden = users.create_department(DepartmentCard("Old", parent_id=company.top)).depart_id
    users.create_user(UserCard("odd6", "x", hidden), "first-password")
    IMUser.objects.filter(name="odd6").update(status=9, domain="", email="no mail", phone="a\tb")
    IMUser.objects.filter(name="odd5").update(depart_id=4711, sign_info="line\none\r\ntwo ")
    IMDepart.objects.filter(pk=hidden).update(status=RowStatus.REMOVED)
    IMUser.objects.update(updated=LONG_AGO)


@pytest.mark.parametrize("kind", [CSV, XLSX])
@pytest.mark.parametrize(("written", "read"), [("en", "zh-hans"), ("zh-hans", "en"), ("en", "en")])
def test_an_export_imports_untouched_in_either_language(
    console: Client, company: Company, odd_people: None, kind: str, written: str, read: str
) -> None:
    content = export(console, kind, written)

    page = upload(console, content, read)

    assert totals(page) == {"skip": IMUser.objects.count()}, reasons(page)


def test_an_export_in_csv_shows_chinese_in_excel(console: Client, company: Company) -> None:
    content = export(console)

    assert content.startswith("\ufeff".encode())
    assert "李娜".encode() in content


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1", " =1", "\n=1"])
def test_no_cell_of_an_export_is_a_formula(console: Client, company: Company, text: str) -> None:
    IMUser.objects.filter(pk=company.tom).update(sign_info=text)

    sheet: Any = openpyxl.load_workbook(io.BytesIO(export(console, XLSX))).active

    values = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
    assert f"'{text}".strip() in [value.strip() for value in values]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_control_characters_of_an_adopted_database_do_not_stop_an_export(
    console: Client, company: Company
) -> None:
    IMUser.objects.filter(pk=company.tom).update(sign_info="a\x01b\x0bc")

    page = upload(console, export(console, XLSX))

    assert totals(page) == {"skip": 2}


# --- what the pages say of a file -------------------------------------------------------------


def notes(page: Any) -> str:
    return " | ".join(page.context["notes"])


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_name_of_several_departments_is_refused_with_their_paths(
    console: Client, company: Company, language: str
) -> None:
    inner = users.create_department(DepartmentCard("Inner", parent_id=company.top)).depart_id
    users.create_department(DepartmentCard("Sales", parent_id=inner))

    page = upload(console, "name,nick,department\nwuxia,吴霞,Sales\nwuyi,吴一,Nowhere\n", language)

    several, none = (found[0] for found in reasons(page))
    assert "Starriver / Inner / Sales" in several
    assert "Starriver / Sales" in several
    assert ("Several departments" if language == "en" else "不止一个") in several
    assert none == (
        "Department: There is no such department: Nowhere"
        if language == "en"
        else "部门：没有这个部门：Nowhere"
    )


def test_two_departments_with_the_same_path_are_refused_in_other_words(
    console: Client, company: Company
) -> None:
    sales = IMDepart.objects.get(pk=company.sales)
    sales.pk = None
    sales.save(force_insert=True)

    page = upload(console, "name,nick,department\nwuxia,吴霞,Starriver / Sales\n")

    assert "Several departments have the path Starriver / Sales" in reasons(page)[0][0]


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "no rows of people in it"), ("zh-hans", "没有人员数据行")]
)
def test_headings_without_people_are_refused_in_words(
    console: Client, company: Company, language: str, expected: str
) -> None:
    page = upload(console, "name,nick,department\n,,\n", language)

    assert expected in file_error(page)
    assert "result" not in page.context


@pytest.mark.parametrize(("language", "expected"), [("en", "changes nothing"), ("zh-hans", "不会")])
def test_a_file_that_changes_nothing_has_nothing_to_confirm(
    console: Client, company: Company, tmp_path: Path, language: str, expected: str
) -> None:
    page = upload(console, export(console), language)

    assert expected in notes(page)
    assert "confirm_form" not in page.context
    assert not list(tmp_path.glob("imports/*"))


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "capitals only"), ("zh-hans", "仅大小写不同")]
)
def test_new_login_names_that_differ_in_capitals_only_are_warned_of(
    console: Client, company: Company, language: str, expected: str
) -> None:
    names = ["Tom", "wuxia", "WuXia", "zhaoli"]
    lines = "".join(f"{name},x,Sales\n" for name in names)

    page = upload(console, "name,nick,department\n" + lines, language)

    [warning] = [note for note in page.context["notes"] if expected in note]
    assert "Tom / tom" in warning
    assert "WuXia / wuxia" in warning
    assert "zhaoli" not in warning
    assert "confirm_form" in page.context


def test_people_who_are_here_are_not_warned_of_for_their_own_names(
    console: Client, company: Company
) -> None:
    assert "capitals" not in notes(upload(console, "name,phone\ntom,13900000000\n"))


@pytest.mark.parametrize(
    ("phone", "language", "expected"),
    [
        ("+49 170 1234567", "en", "another country as it is dialled there"),
        ("0049 170 1234567", "en", "another country as it is dialled there"),
        ("+49 170 1234567", "zh-hans", "其他国家"),
        ("+86 138 0013 8000 12", "en", "country code 86"),
    ],
)
def test_a_long_number_of_any_country_is_refused_with_what_fits(
    console: Client, company: Company, phone: str, language: str, expected: str
) -> None:
    [[reason]] = reasons(upload(console, f"name,phone\ntom,{phone}\n", language))

    assert expected in reason
    assert ("86" in reason) == ("86" in phone)


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        (
            "en",
            "Login name,Nickname,Phonetic name,Department,Status,Sex,Phone,E-mail,Signature",
        ),
        ("zh-hans", "登录名,昵称,拼音,部门,状态,性别,电话,邮箱,签名"),
    ],
)
def test_an_export_is_headed_as_the_form_of_a_person_is_labelled(
    console: Client, company: Company, language: str, headings: str
) -> None:
    first = export(console, CSV, language).decode("utf-8-sig").splitlines()[0]
    form: Any = console.get(EXPORT, headers={"accept-language": language})

    assert sorted(first.split(",")) == sorted(headings.split(","))
    assert "sign_info" not in re.sub(r"<[^>]*>", "", text_of(form))
    for heading in headings.split(","):
        assert heading in text_of(form)


def test_a_chinese_page_has_chinese_punctuation_and_one_word_for_a_field(
    console: Client, company: Company
) -> None:
    page = upload(console, "name,nick,department,工龄,Floor\nwuxia,,Sales,3,2\n", "zh-hans")
    people: Any = console.get("/admin/im/imuser/", headers={"accept-language": "zh-hans"})

    assert reasons(page) == [["昵称：新用户必须填写，这里缺少。"]]
    assert "工龄、Floor" in notes(page)
    assert "登录名、昵称、拼音、部门、状态、性别、电话、邮箱、签名、密码。" in text_of(page)
    assert "登录名" in text_of(people)
    assert "电话" in text_of(people)
    assert "手机" not in text_of(people)
