"""While the database can't answer, pages say so in words; afterwards they are there again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from im.storage.db_errors import Outage
from im.views.outage import text
from tests.admin.conftest import Company
from tests.admin.pages import shown_values, text_of

PAGES = [
    "/admin/",
    "/admin/im/imuser/",
    "/admin/im/imuser/add/",
    "/admin/im/imuser/1/change/",
    "/admin/im/imuser/export/",
    "/admin/im/imdepart/",
    "/admin/im/imgroup/",
    "/admin/admin_ui/auditentry/",
    "/admin/dashboard/",
    "/admin/live/",
    "/admin/conversations/",
]
FULL, READ_ONLY, LOCKED, NOT_THERE = 13, 8, 5, 14  # SQLite's numbers
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")

Run = Callable[..., Any]  # Django's way to the driver


@contextmanager
def hindered(code: int, statements: tuple[str, ...] = ("",)) -> Iterator[None]:
    """Let the driver refuse every statement that begins so."""

    def refuse(execute: Run, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(statements):
            return execute(sql, params, many, context)
        cause = sqlite3.OperationalError("not now")
        cause.sqlite_errorcode = code
        raise OperationalError("not now") from cause

    with connection.execute_wrapper(refuse):
        yield


@pytest.fixture
def visitor(console: Client) -> Client:
    """An operator whose browser shows what goes wrong, as it is."""
    console.raise_request_exception = False
    return console


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_the_database_lacks_and_is_there_again(
    visitor: Client, company: Company, page: str
) -> None:
    before = visitor.get(page).status_code
    with hindered(NOT_THERE):
        answer = visitor.get(page)

    assert answer.status_code == 503
    assert text(Outage.AWAY) in text_of(answer)
    assert answer["Retry-After"]
    assert visitor.get(page).status_code == before


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (FULL, "数据库的磁盘空间已满。"),
        (READ_ONLY, "数据库暂时只读，无法保存更改。"),
        (LOCKED, "数据库繁忙。"),
        (NOT_THERE, "数据库没有响应。"),
    ],
)
def test_a_form_that_can_not_be_stored_is_answered_in_the_language_of_the_console(
    visitor: Client, company: Company, code: int, words: str
) -> None:
    page = f"/admin/im/imuser/{company.lina}/change/"
    values = shown_values(visitor, page) | {"nick": "Lina"}

    with hindered(code, WRITES):
        answer = visitor.post(page, values, headers={"accept-language": "zh-CN"})

    assert answer.status_code == 503
    assert words in text_of(answer)


def test_nobody_gets_in_while_logins_can_not_be_recorded(db: None, company: Company) -> None:
    visitor = Client(raise_request_exception=False)

    with hindered(READ_ONLY, WRITES):
        answer = visitor.post("/admin/login/", {"username": "olga", "password": "wrong"})

    assert answer.status_code == 503


@pytest.mark.parametrize(
    "path", ["/chat/login", "/chat/token", "/chat/password", "/chat/files", "/chat/voice"]
)
def test_what_the_chat_page_asks_is_answered_for_programs(company: Company, path: str) -> None:
    browser = Client(raise_request_exception=False, headers={"accept-language": "zh-CN"})
    wish = {"name": "lina", "password": "first-password", "old": "x", "new": "another"}
    browser.post("/chat/login", wish, content_type="application/json")

    with hindered(NOT_THERE):
        answer = browser.post(path, wish, content_type="application/json")

    assert answer.status_code == 503
    assert answer.json()["error"] == "unavailable"
    assert "数据库没有响应" in answer.json()["text"]


def test_discovery_links_are_answered_for_programs(db: None) -> None:
    with hindered(NOT_THERE):
        answer = Client(raise_request_exception=False).get("/api/discovery")

    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


def test_a_fault_of_our_own_is_none_of_the_database(
    visitor: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_ui.navigation.home", lambda request: 1 / 0)

    assert visitor.get("/admin/").status_code == 500
