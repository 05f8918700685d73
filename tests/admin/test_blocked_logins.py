"""The page of people whose logins wait after wrong passwords."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.services.directory import users
from im.services.identity import login_throttle
from im.services.identity.login_limits import Attempt, Blocked, Verdict
from tests.admin.conftest import Company
from tests.admin.pages import text_of
from tests.ports import free_port

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
        users.set_password(company.lina, "a sentence of her own")

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


def test_the_list_has_words_and_units_of_its_own_in_both_languages(
    console: Client, company: Company
) -> None:
    chinese = {"accept-language": "zh-CN"}
    empty = [text_of(console.get(PAGE, headers=one)) for one in ({}, chinese)]
    fail(times=14)  # a wait of more than a minute
    full = [text_of(console.get(PAGE, headers=one)) for one in ({}, chinese)]

    assert "Nobody has to wait." in empty[0]
    assert "没有人需要等待。" in empty[1]
    assert re.search(r">\d+ s</td>", full[0])
    assert re.search(r">\d+ 秒</td>", full[1])


def test_whose_wait_is_over_is_marked_as_not_blocked(
    console: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Blocked("lina", ADDRESS, 11, 1_700_000_000.0, 0.0)
    nearly = over._replace(name="tom", wait_s=0.2)
    monkeypatch.setattr(login_throttle.of_people(), "blocked", lambda: [over, nearly])

    page = text_of(console.get(PAGE))

    assert page.count("may try now</span>") == 1
    assert ">0 s<" not in page
    assert ">1 s<" in page


def test_while_redis_is_away_the_page_says_that_its_list_is_partial(
    console: Client, company: Company, settings: Settings
) -> None:
    notice = "Redis does not answer: what follows is only what this process has counted itself."
    fail()
    assert notice not in text_of(console.get(PAGE))
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    login_throttle.of_people.cache_clear()
    fail()

    pages = [text_of(console.get(PAGE)) for _ in range(2)]
    chinese = text_of(console.get(PAGE, headers={"accept-language": "zh-CN"}))
    let_in = text_of(console.post(PAGE, {"name": "lina", "address": ADDRESS}, follow=True))

    assert [notice in page for page in pages] == [True, True]
    assert "Redis 没有应答：以下仅为本进程自己的计数。" in chinese
    assert "only this process lets lina in again" in let_in
    assert "may try again" not in let_in
