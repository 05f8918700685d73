"""The audit log: one chain, whoever writes, and whoever tampers is found out."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui import audit_log
from admin_ui.audit_log import Deed
from admin_ui.models import AuditEntry, AuditHead, Operator
from tests.admin.conftest import Company
from tests.admin.pages import listed, submit, text_of
from tests.conftest import manage


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_audit", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def write(operator: Operator, entries: int = 5) -> None:
    for number in range(entries):
        audit_log.record(operator, "change", f"im.imuser:{number}", {"nick": ["a", "b"]}, "测试")


def test_an_edit_is_recorded_with_what_was_before_and_after(
    console: Client, company: Company
) -> None:
    submit(console, f"/admin/im/imuser/{company.lina}/change/", nick="娜娜")

    entry = AuditEntry.objects.get()
    assert (entry.operator, entry.action, entry.target) == (
        "olga", "change", f"im.imuser:{company.lina}",
    )  # fmt: skip
    assert entry.changes == [("nick", ["李娜", "娜娜"])]
    assert entry.address == "127.0.0.1"
    assert "娜娜" in text_of(console.get(f"/admin/im/imuser/{company.lina}/history/"))


def test_what_is_refused_is_not_recorded(console: Client, company: Company) -> None:
    submit(console, f"/admin/im/imuser/{company.lina}/change/", nick="")

    assert not AuditEntry.objects.exists()


def test_a_form_sent_as_it_came_is_not_recorded(console: Client, company: Company) -> None:
    submit(console, f"/admin/im/imuser/{company.lina}/change/")

    assert not AuditEntry.objects.exists()


def test_a_whole_log_is_called_whole(operator: Operator) -> None:
    write(operator)

    assert "is whole; its end is 5:" in verify()


@pytest.mark.parametrize(
    ("tamper", "complaint"),
    [
        (lambda log: log.filter(number=3).update(detail='{"nick":["a","c"]}'), "entry 3 is not"),
        (lambda log: log.filter(number=3).update(operator="somebody"), "entry 3 is not"),
        (lambda log: log.filter(number=3).delete(), "entries 3 to 3 are missing"),
        (lambda log: log.filter(number__gt=3).delete(), "ends at entry 3, but 5 were written"),
        (lambda log: log.all().delete(), "ends at entry 0, but 5 were written"),
        (lambda log: swap(log, 2, 3), "entry 2 is not"),
    ],
)
def test_tampering_is_found_out(
    operator: Operator, tamper: Callable[[object], object], complaint: str
) -> None:
    write(operator)

    tamper(AuditEntry.objects)

    assert complaint in "\n".join(audit_log.flaws())
    with pytest.raises(CommandError, match="tampered"):
        verify()


def swap(log: object, one: int, other: int) -> None:
    """Exchange what two entries say, hashes and all."""
    first, second = AuditEntry.objects.get(number=one), AuditEntry.objects.get(number=other)
    first.number, second.number = other, one
    first.save()
    second.save()


def test_a_new_chain_does_not_hold_what_was_noted_of_the_old_one(operator: Operator) -> None:
    write(operator)
    noted = verify().split()[-1]
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    write(operator)

    assert "is whole" in verify()
    with pytest.raises(CommandError):
        verify("--known", noted)


def test_nobody_edits_the_log_in_the_console(console: Client, operator: Operator) -> None:
    write(operator)
    page = "/admin/admin_ui/auditentry/"

    answers = [
        console.post(page + "add/", {"action": "x"}).status_code,
        console.post(page + "3/change/", {"action": "x"}).status_code,
        console.post(page + "3/delete/", {"post": "yes"}).status_code,
    ]

    assert answers == [403, 403, 403]
    assert list(audit_log.flaws()) == []


@pytest.mark.parametrize("entries", [3, 40])
def test_the_list_of_the_log_costs_the_same_for_many_entries(
    console: Client,
    operator: Operator,
    entries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    audit_log.record_all(operator, [Deed("change", f"x:{number}") for number in range(entries)])

    # session, operator, second factor, count, page
    with django_assert_num_queries(5):
        response = console.get("/admin/admin_ui/auditentry/")

    assert len(listed(response)) == entries


def test_the_log_is_filtered_and_searched(console: Client, operator: Operator) -> None:
    write(operator, 2)
    audit_log.record(operator, "export", "im.imuser")

    page = "/admin/admin_ui/auditentry/"
    assert len(listed(console.get(page, {"action": "export"}))) == 1
    assert len(listed(console.get(page, {"q": "im.imuser:1"}))) == 1


WRITER = """
from admin_ui import audit_log
for number in range(20):
    audit_log.record(None, "change", f"x:{number}")
"""


def test_writers_at_once_make_one_chain(backend: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _n: manage("shell", "-c", WRITER, database_url=backend), range(3)))

    assert "its end is 60:" in manage("verify_audit", database_url=backend)


def test_the_command_ends_with_status_1(backend: str) -> None:
    spoil = "from admin_ui.models import AuditEntry; AuditEntry.objects.filter(number=7).delete()"
    manage("shell", "-c", WRITER + spoil, database_url=backend)

    with pytest.raises(subprocess.CalledProcessError) as failure:
        manage("verify_audit", database_url=backend)

    assert failure.value.returncode == 1
