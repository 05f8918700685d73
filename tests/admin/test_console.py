"""Getting into the console, and what it looks like from outside."""

from typing import Any

import pytest
from django.test import AsyncClient, Client

from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMUser
from tests.admin.conftest import Company
from tests.admin.pages import is_open, text_of

PAGES = [
    "/admin/",
    "/admin/im/imuser/",
    "/admin/im/imuser/add/",
    "/admin/im/imuser/1/change/",
    "/admin/im/imuser/1/password/",
    "/admin/im/imdepart/",
    "/admin/im/imdiscovery/",
]


@pytest.mark.django_db
def test_the_root_leads_to_the_console() -> None:
    assert Client().get("/")["Location"] == "/admin/"


def test_an_operator_logs_in(operator: Operator) -> None:
    client = Client()

    client.post("/admin/login/", {"username": "olga", "password": "op-secret-1"})

    page = text_of(client.get("/admin/", follow=True))
    assert "TeamTalk" in page
    assert "Discovery links" in page


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_gets_the_login_page_only(page: str) -> None:
    response = Client().get(page)

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


def test_people_of_the_messenger_are_no_operators(company: Company) -> None:
    client = Client()

    client.post("/admin/login/", {"username": "lina", "password": "first-password"})

    assert not is_open(client)


def test_an_auditor_changes_nothing(company: Company) -> None:
    weak = Operator.objects.create_user("wim", password="op-secret-2", role=Role.AUDITOR)
    client = Client()
    client.force_login(weak)
    typed = {"password": "quite new", "password_again": "quite new"}
    before = IMUser.objects.get(pk=company.lina).password

    answers = [
        client.get("/admin/im/imuser/add/"),
        client.post(f"/admin/im/imuser/{company.lina}/password/", typed),
        client.post(f"/admin/im/imuser/{company.lina}/change/", {"nick": "x"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert IMUser.objects.get(pk=company.lina).password == before


def test_the_accounts_of_operators_can_be_managed(console: Client, operator: Operator) -> None:
    assert console.get("/admin/admin_ui/operator/").status_code == 200
    assert console.get(f"/admin/admin_ui/operator/{operator.pk}/change/").status_code == 200


async def test_static_files_come_under_asgi_without_debug() -> None:
    # Any: the stubs know no streamed responses here.
    response: Any = await AsyncClient().get("/static/admin/css/base.css")

    body = b"".join([chunk async for chunk in response])
    assert response.status_code == 200
    assert b"--primary" in body


def test_an_operator_who_may_only_look_sees_pages_without_inputs(company: Company) -> None:
    viewer = Operator.objects.create_user("vera", password="op-secret-3", role=Role.AUDITOR)
    client = Client()
    client.force_login(viewer)

    person = text_of(client.get(f"/admin/im/imuser/{company.lina}/change/"))
    department = text_of(client.get(f"/admin/im/imdepart/{company.sales}/change/"))

    assert "服务器组" in person
    assert "Starriver" in department
    assert 'name="nick"' not in person


def test_the_stock_search_box_has_no_address(console: Client) -> None:
    query = "app_label=im&model_name=imrecentsession&field_name=peer_group&term="

    assert console.get(f"/admin/autocomplete/?{query}").status_code == 404
