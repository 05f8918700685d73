"""Moving departments about, and closing one that is not empty."""

from typing import Any

import pytest
from django.test import Client

from admin_ui.models import AuditEntry, Operator
from admin_ui.roles import Role
from im.models import IMDepart, IMUser
from im.types import RowStatus
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import text_of

LIST = "/admin/im/imdepart/"
DROP = LIST + "drop/"


def drop(console: Client, department: int, parent: int | str, seen: int | str = "") -> Any:
    return console.post(DROP, {"department": department, "parent": parent, "seen": seen})


def close(console: Client, department: int, target: int) -> str:
    chosen = {"action": "close", "_selected_action": [department], "confirmed": "yes"}
    return text_of(console.post(LIST, chosen | {"target": target}, follow=True))


def parent_of(depart_id: int) -> int:
    return int(IMDepart.objects.get(pk=depart_id).parent_id)


def test_a_dropped_department_hangs_under_the_one_it_was_dropped_on(
    console: Client, company: Company
) -> None:
    response = drop(console, company.sales, company.server_team, LONG_AGO)

    assert response.status_code == 200
    assert parent_of(company.sales) == company.server_team
    assert IMDepart.objects.get(pk=company.sales).updated > LONG_AGO
    assert AuditEntry.objects.get().changes == [("parent_id", [company.top, company.server_team])]


def test_a_department_dropped_above_the_list_goes_to_the_top(
    console: Client, company: Company
) -> None:
    drop(console, company.sales, "")

    assert parent_of(company.sales) == 0


@pytest.mark.parametrize("seen", ["", str(LONG_AGO)])
def test_no_department_goes_into_one_that_it_contains(
    console: Client, company: Company, seen: str
) -> None:
    response = drop(console, company.top, company.sales, seen)

    assert response.status_code == 400
    assert "in itself" in response.json()["error"]
    assert parent_of(company.top) == 0


def test_a_stale_page_moves_nothing(console: Client, company: Company) -> None:
    response = drop(console, company.sales, company.server_team, LONG_AGO - 1)

    assert response.status_code == 400
    assert parent_of(company.sales) == company.top


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.MANAGER])
def test_who_may_not_move_a_department_does_not(role: Role, company: Company) -> None:
    rob = Operator.objects.create_user("rob", role=role, depart_id=company.server_team)
    client = Client()
    client.force_login(rob)

    assert drop(client, company.sales, company.server_team).status_code == 403
    assert drop(client, company.server_team, company.sales).status_code == 403
    assert parent_of(company.sales) == parent_of(company.server_team) == company.top


def test_departments_move_by_keyboard_too(console: Client, company: Company) -> None:
    chosen = {"action": "move", "_selected_action": [company.sales]}

    asked = console.post(LIST, chosen)
    console.post(LIST, chosen | {"confirmed": "yes", "parent": company.server_team})

    assert "Part of" in text_of(asked)
    assert parent_of(company.sales) == company.server_team


def test_closing_a_department_takes_its_people_and_departments_elsewhere(
    console: Client, company: Company
) -> None:
    drop(console, company.server_team, company.sales)

    close(console, company.sales, company.top)

    tom = IMUser.objects.get(pk=company.tom)
    assert tom.depart_id == company.top
    assert tom.updated > LONG_AGO
    assert parent_of(company.server_team) == company.top
    assert IMDepart.objects.get(pk=company.sales).status == RowStatus.REMOVED


def test_people_of_a_closed_department_do_not_go_into_it(console: Client, company: Company) -> None:
    page = close(console, company.top, company.sales)

    assert "not part of the one to close" in page
    assert IMDepart.objects.get(pk=company.top).status == RowStatus.SHOWN
    assert IMUser.objects.get(pk=company.tom).depart_id == company.sales
