"""Importing people: what a preview touches, what a confirmation stores, whose it is."""

import os
import stat
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from pytest_django import Settings

from admin_ui import audit_texts
from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.models import IMUser
from tests.admin.conftest import Company
from tests.admin.pages import text_of

IMPORT = "/admin/im/imuser/import/"
CONFIRM = "/admin/im/imuser/process_import/"
HEAD = "name,nick,department\n"


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.IM_DATA_DIR = tmp_path
    return tmp_path


def upload(console: Client, content: str) -> Any:  # Any here and below: the client's response
    """Send a file and return the page that shows what it would do."""
    file = SimpleUploadedFile("people.csv", content.encode())
    return console.post(IMPORT, {"format": "0", "import_file": file, "resource": ""})


def confirm(console: Client, preview: Any) -> Any:
    """Press the button of that page."""
    return console.post(CONFIRM, preview.context["confirm_form"].initial, follow=True)


def people(*names: str) -> str:
    return HEAD + "".join(f"{name},{name},Sales\n" for name in names)


class Statements:
    """Sees the statements of a connection, and fails those that insert people."""

    def __init__(self, error: Exception | None = None, only: str = "") -> None:
        self.seen: list[str] = []
        self._error = error
        self._only = only  # fails if this is among the values

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen.append(sql)
        inserts = sql.startswith("INSERT") and "imuser" in sql.lower()
        if self._error is not None and inserts and (not self._only or self._only in params):
            raise self._error
        return execute(sql, params, many, context)


def test_a_preview_only_reads(console: Client, company: Company) -> None:
    statements = Statements()

    with connection.execute_wrapper(statements):
        page = upload(console, people("wuxia", "zhaoli"))

    assert "confirm_form" in page.context
    assert {sql.split()[0] for sql in statements.seen} == {"SELECT"}


def test_a_preview_asks_as_many_questions_for_500_people_as_for_one(
    console: Client, company: Company
) -> None:
    few, many = Statements(), Statements()

    with connection.execute_wrapper(few):
        upload(console, people("p"))
    with connection.execute_wrapper(many):
        upload(console, people(*(f"p{number}" for number in range(500))))

    assert len(many.seen) == len(few.seen)


def test_many_people_are_stored_in_portions(console: Client, company: Company) -> None:
    preview = upload(console, people(*(f"p{number}" for number in range(250))))
    statements = Statements()

    with connection.execute_wrapper(statements):
        confirm(console, preview)

    # The audit log's end moves once in each transaction.
    assert sum("UPDATE" in sql and "admin_audit_head" in sql for sql in statements.seen) == 3
    assert IMUser.objects.filter(name__startswith="p").count() == 250


@pytest.mark.django_db(transaction=True)
def test_a_database_that_refuses_everybody_is_not_asked_for_ever(
    console: Client, company: Company
) -> None:
    preview = upload(console, people(*(f"p{number}" for number in range(450))))

    with connection.execute_wrapper(Statements(IntegrityError("no"))):
        page = confirm(console, preview)

    assert "0 new" in text_of(page)
    assert "250 rows are not stored" in text_of(page)


def test_the_way_to_an_import_is_shown_to_who_may_go_it(console: Client, company: Company) -> None:
    auditor = Client()
    auditor.force_login(
        Operator.objects.create(username="ann", role=Role.AUDITOR, is_staff=True, is_active=True)
    )

    assert IMPORT in text_of(console.get("/admin/im/imuser/"))
    assert IMPORT not in text_of(auditor.get("/admin/im/imuser/"))
    assert auditor.get(IMPORT).status_code == 403
    assert auditor.post(CONFIRM, {"import_file_name": "x"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_an_import_says_that_nothing_was_stored_while_the_database_was_locked(
    console: Client, company: Company
) -> None:
    preview = upload(console, people("wuxia", "zhaoli"))

    with connection.execute_wrapper(Statements(OperationalError("database is locked"))):
        page = confirm(console, preview)

    assert "Import finished" not in text_of(page)
    assert "2 rows are not stored" in text_of(page)
    assert not IMUser.objects.filter(name="wuxia").exists()


@pytest.mark.django_db(transaction=True)
def test_an_import_that_the_database_hindered_can_be_confirmed_again(
    console: Client, company: Company
) -> None:
    preview = upload(console, people("wuxia"))
    with connection.execute_wrapper(Statements(OperationalError("database is locked"))):
        page = confirm(console, preview)

    confirm(console, page)

    assert IMUser.objects.filter(name="wuxia").exists()


@pytest.mark.django_db(transaction=True)
def test_one_row_that_the_database_refuses_is_named_and_the_others_are_stored(
    console: Client, company: Company
) -> None:
    names = [f"p{number}" for number in range(12)]
    preview = upload(console, people(*names))

    with connection.execute_wrapper(Statements(IntegrityError("no"), only="p7")):
        page = confirm(console, preview)

    stored = set(IMUser.objects.filter(name__startswith="p").values_list("name", flat=True))
    assert stored == set(names) - {"p7"}
    assert "Import finished" not in text_of(page)
    assert "11 new" in text_of(page)
    assert [row.name for row in page.context["refused"]] == ["p7"]
    entry = AuditEntry.objects.get(action="import", target="im.imuser")
    assert ("refused", 1) in entry.changes


@pytest.mark.django_db(transaction=True)
def test_a_name_taken_after_the_preview_is_refused_and_said(
    console: Client, company: Company
) -> None:
    preview = upload(console, people("wuxia", "zhaoli"))
    IMUser.objects.filter(pk=company.tom).update(name="wuxia")

    page = confirm(console, preview)

    assert [row.name for row in page.context["refused"]] == ["wuxia"]
    assert IMUser.objects.get(name="wuxia").nick == "Tom Becker"
    assert IMUser.objects.filter(name="zhaoli").exists()


def test_a_confirmation_reads_and_deletes_no_file_but_its_own(
    console: Client, company: Company, tmp_path: Path
) -> None:
    foreign = tmp_path / "notes.csv"
    foreign.write_text(people("wuxia"))

    for name in (str(foreign), "../notes.csv", foreign.name, "", "1-" + "0" * 32):
        form = {"import_file_name": name, "format": "0", "original_file_name": "x.csv"}
        page = console.post(CONFIRM, form, follow=True)

        assert "not there any more" in text_of(page)

    assert foreign.exists()
    assert not IMUser.objects.filter(name="wuxia").exists()


def test_an_import_is_confirmed_by_who_prepared_it(console: Client, company: Company) -> None:
    preview = upload(console, people("wuxia"))
    other = Client()
    other.force_login(Operator.objects.create_superuser("otto", password="op-secret-2"))

    page = confirm(other, preview)

    assert "not there any more" in text_of(page)
    assert not IMUser.objects.filter(name="wuxia").exists()
    confirm(console, preview)
    assert IMUser.objects.filter(name="wuxia").exists()


def test_an_import_is_confirmed_once(console: Client, company: Company) -> None:
    preview = upload(console, people("wuxia"))

    confirm(console, preview)

    assert "not there any more" in text_of(confirm(console, preview))


def test_what_waits_for_a_confirmation_is_private_and_has_no_clear_password(
    console: Client, company: Company, tmp_path: Path
) -> None:
    upload(console, "name,nick,department,password\nwuxia,x,Sales,welcome-1\n")

    (file,) = (tmp_path / "imports").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"welcome-1" not in file.read_bytes()


def test_what_nobody_confirms_is_swept(
    console: Client, company: Company, tmp_path: Path, settings: Settings
) -> None:
    preview = upload(console, people("wuxia"))
    (file,) = (tmp_path / "imports").iterdir()
    past = time.time() - settings.IM_PENDING_IMPORT_SECONDS - 1
    os.utime(file, (past, past))

    page = confirm(console, preview)

    assert "not there any more" in text_of(page)
    assert not list((tmp_path / "imports").iterdir())


def test_nobody_fills_the_disk_with_files_that_wait(
    console: Client, company: Company, tmp_path: Path
) -> None:
    for number in range(8):
        upload(console, people(f"p{number}"))

    assert len(list((tmp_path / "imports").iterdir())) == 5


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "2 new people without a password: set one for each, nobody knows it."),
        ("zh-hans", "2 位新用户没有密码：请为每人设置一个，目前无人知道其密码。"),
    ],
)
def test_new_people_whose_password_nobody_knows_are_counted_before_and_after(
    console: Client, company: Company, language: str, expected: str
) -> None:
    console.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    rows = "wuxia,x,Sales,\nzhaoli,x,Sales,\nwuyi,x,Sales,a new sentence\n"

    preview = upload(console, "name,nick,department,password\n" + rows)
    done = confirm(console, preview)

    assert expected in text_of(preview)
    assert expected in text_of(done)


def test_who_has_a_password_is_not_counted_among_those_without(
    console: Client, company: Company
) -> None:
    preview = upload(console, "name,nick,department,password\nwuxia,x,Sales,a new sentence\n")

    assert "without a password" not in text_of(preview)
    assert "without a password" not in text_of(confirm(console, preview))


def test_the_audit_log_has_no_line_of_a_password_without_what_changed(
    console: Client, company: Company
) -> None:
    preview = upload_with_reason(console, "name,nick,password\ntom,Tomas,a new sentence\n")

    confirm(console, preview)

    entry = AuditEntry.objects.get(action="import", target=f"im.imuser:{company.tom}")
    assert entry.changes == [("nick", ["Tom Becker", "Tomas"])]
    assert AuditEntry.objects.filter(action="password").exists()


def test_an_older_entry_shows_no_line_of_a_password_without_what_changed() -> None:
    changes = [("nick", ["Tom", "<Tomas>"]), ("password", ["", ""])]
    entry = SimpleNamespace(target="im.imuser:1", changes=changes)

    shown = audit_texts.detail_html(cast(AuditEntry, entry))

    assert shown == "<div>nickname: <b>Tom → &lt;Tomas&gt;</b></div>"


def upload_with_reason(console: Client, content: str) -> Any:
    file = SimpleUploadedFile("people.csv", content.encode())
    return console.post(IMPORT, {"import_file": file, "reason": "all were lost"})
