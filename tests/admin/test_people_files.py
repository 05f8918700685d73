"""People as spreadsheets: what comes in, what goes out, and what an operator sees before."""

import io
import re
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from admin_ui import people_files
from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from admin_ui.sheets import reading
from im.models import IMUser
from im.services.identity import passwords
from im.services.messages import announcements
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import text_of
from tests.reading import page

IMPORT = "/admin/im/imuser/import/"
EXPORT = "/admin/im/imuser/export/"
CONFIRM = "/admin/im/imuser/process_import/"
CSV, XLSX = "0", "1"
HEAD = "name,nick,department,phone,password\n"


def upload(console: Client, content: str | bytes, kind: str = CSV, reason: str = "") -> Any:
    """Send a file and return the page that shows what it would do."""
    data = content.encode() if isinstance(content, str) else content
    name = "people.csv" if kind == CSV else "people.xlsx"
    return console.post(
        IMPORT,
        {
            "format": kind,
            "import_file": SimpleUploadedFile(name, data),
            "resource": "",
            "reason": reason,
        },
    )


def confirm(console: Client, preview: Any) -> Any:
    """Press the button of that page."""
    form = preview.context["confirm_form"]
    return console.post(CONFIRM, form.initial, follow=True)


def test_new_people_come_in_after_a_look_and_can_log_in(console: Client, company: Company) -> None:
    preview = upload(console, HEAD + "wuxia,吴霞,Starriver / Sales,+86 1380,welcome to us\n")

    assert "wuxia" in text_of(preview)
    assert "welcome to us" not in text_of(preview)
    assert not IMUser.objects.filter(name="wuxia").exists()
    confirm(console, preview)

    row = IMUser.objects.get(name="wuxia")
    assert (row.nick, row.depart_id, row.phone, row.domain) == (
        "吴霞", company.sales, "+86 1380", "wuxia",
    )  # fmt: skip
    assert passwords.matches(passwords.wire_password("welcome to us"), row.password, row.salt)
    assert AuditEntry.objects.filter(action="import", target=f"im.imuser:{row.pk}").exists()


def test_what_is_there_already_is_changed_or_left_alone(console: Client, company: Company) -> None:
    same = "lina,李娜,服务器组,13800000004,\n"
    preview = upload(console, HEAD + same + "tom,Tomas,Sales,,\n")

    confirm(console, preview)

    lina, tom = IMUser.objects.get(pk=company.lina), IMUser.objects.get(pk=company.tom)
    assert lina.updated == LONG_AGO  # nothing about her changed
    assert tom.nick == "Tomas"
    assert tom.updated > LONG_AGO
    assert tom.email == "tom@starriver.example"  # a column that is not in the file stays
    assert AuditEntry.objects.get(target=f"im.imuser:{tom.pk}").changes == [
        ("nick", ["Tom Becker", "Tomas"])
    ]


def test_new_passwords_of_people_who_are_here_take_a_reason_and_are_told_of(
    console: Client, company: Company
) -> None:
    rows = HEAD + "tom,,,,a new sentence\nwuxia,吴霞,Sales,,another sentence\n"

    without = upload(console, rows)
    confirm(console, upload(console, rows, reason="all were lost"))

    assert "confirm_form" not in without.context
    assert "say what for" in text_of(without)
    [entry] = AuditEntry.objects.filter(action="password")
    assert (entry.target, entry.reason) == (f"im.imuser:{company.tom}", "all were lost")
    sender = announcements.sender()
    assert sender is not None
    assert len(page(company.tom, sender.pk)) == 1
    assert page(IMUser.objects.get(name="wuxia").pk, sender.pk) == []


def test_who_may_not_set_passwords_imports_none(company: Company) -> None:
    client = Client()
    client.force_login(Operator.objects.create_user("rob", role=Role.PERSONNEL))
    before = IMUser.objects.get(pk=company.tom).password

    refused = upload(client, HEAD + "tom,,,,a new sentence\n", reason="because")
    refused_too = upload(client, HEAD + "wuxia,吴霞,Sales,,a new sentence\n", reason="because")
    confirm(client, upload(client, HEAD + "tom,Tomas,,,\n"))

    for one in (refused, refused_too):
        assert "You may not set passwords" in text_of(one)
        assert "confirm_form" not in one.context
    row = IMUser.objects.get(pk=company.tom)
    assert (row.nick, row.password) == ("Tomas", before)


def test_every_bad_row_is_shown_with_its_reason_and_nothing_is_stored(
    console: Client, company: Company
) -> None:
    rows = [
        "good,Good,Sales,,\n",
        "nodep,X,Nowhere,,\n",
        "phone,X,Sales,12345678901234,\n",
        "twice,X,Sales,,\n",
        "twice,X,Sales,,\n",
        "weak,X,Sales,,abc\n",
    ]

    page = upload(console, HEAD + "".join(rows))

    text = text_of(page)
    assert "confirm_form" not in page.context
    assert "no such department" in text
    assert "At most 11 characters" in text
    assert "in the file twice" in text
    assert "at least 8 characters" in text
    assert not IMUser.objects.filter(name="good").exists()


def test_xlsx_is_read_too(console: Client, company: Company) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["name", "nick", "department"])
    sheet.append(["wuxia", "吴霞", "Sales"])
    file = io.BytesIO()
    book.save(file)

    confirm(console, upload(console, file.getvalue(), XLSX))

    assert IMUser.objects.get(name="wuxia").depart_id == company.sales


def test_nothing_in_an_export_is_a_formula_and_it_comes_back_as_it_was(
    console: Client, company: Company
) -> None:
    IMUser.objects.filter(pk=company.tom).update(nick="=1+1", phone="+86 1")

    csv = text_of(console.post(EXPORT, {"format": CSV, **every_field()}))

    assert not re.search(r"(^|,)[=+@-]", csv, re.MULTILINE)
    assert "'=1+1" in csv
    preview = upload(console, csv)
    assert preview.context["result"].totals["skip"] == 2
    assert IMUser.objects.get(pk=company.tom).nick == "=1+1"


def test_passwords_never_leave(console: Client, company: Company) -> None:
    row = IMUser.objects.get(pk=company.tom)

    csv = text_of(console.post(EXPORT, {"format": CSV, **every_field()}))

    assert "tom@starriver.example" in csv
    assert row.password not in csv
    assert AuditEntry.objects.filter(action="export").exists()


def test_a_file_beyond_the_bound_is_refused(
    console: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)

    page = upload(console, HEAD + "wuxia,x,Sales,,\n")

    assert "too large" in text_of(page)


def every_field() -> dict[str, str]:
    names = people_files.PeopleResource.Meta.fields
    return {"resource": "", **{f"peopleresource_{name}": "on" for name in names}}
