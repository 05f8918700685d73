"""The page of people whose logins wait after wrong passwords."""

from collections.abc import Iterator

import pytest
from django.test import Client

from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.services import directory, login_throttle
from im.services.login_limits import Attempt, Verdict
from tests.admin.conftest import Company
from tests.admin.pages import text_of

PAGE = "/admin/blocked/"
ADDRESS = "192.0.2.7"


@pytest.fixture(autouse=True)
def _throttle() -> Iterator[None]:
    login_throttle.of_people.cache_clear()
    yield
    login_throttle.of_people.cache_clear()


def fail(name: str = "lina", times: int = 12) -> None:
    login_throttle.of_people().judge(times * [Attempt(name, ADDRESS, False)])


def succeeds(name: str = "lina") -> bool:
    [verdict] = login_throttle.of_people().judge([Attempt(name, ADDRESS, True)])
    return verdict is Verdict.ADMITTED


def test_blocked_names_are_listed_with_what_is_known_of_them(
    console: Client, company: Company
) -> None:
    fail()
    fail("<b>nobody</b>")

    page = text_of(console.get(PAGE))

    assert "李娜 (lina)" in page
    assert ADDRESS in page
    assert "&lt;b&gt;nobody&lt;/b&gt;" in page


def test_a_button_lets_a_name_in_again_and_is_recorded(console: Client, company: Company) -> None:
    fail()

    console.post(PAGE, {"name": "lina", "address": ADDRESS})

    assert succeeds()
    [entry] = AuditEntry.objects.filter(action="let in again")
    assert (entry.target, entry.target_name) == (f"im.imuser:{company.lina}", "lina")


def test_a_blocked_address_is_listed_and_let_in_again(console: Client, company: Company) -> None:
    for number in range(101):
        fail(f"u{number}", times=1)
    assert not succeeds()
    assert "all names" in text_of(console.get(PAGE))

    console.post(PAGE, {"name": "", "address": ADDRESS})

    assert succeeds()


def test_a_new_password_lets_in_again(
    console: Client, company: Company, django_capture_on_commit_callbacks: object
) -> None:
    fail()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        directory.set_password(company.lina, "a sentence of her own")

    assert succeeds()


def test_an_auditor_sees_the_list_and_lets_nobody_in(company: Company, operator: Operator) -> None:
    fail()
    client = Client()
    client.force_login(Operator.objects.create_user("vera", role=Role.AUDITOR))

    page = text_of(client.get(PAGE))
    answer = client.post(PAGE, {"name": "lina", "address": ADDRESS})

    assert "李娜" in page
    assert "Let in again" not in page
    assert answer.status_code == 403
    assert not succeeds()
