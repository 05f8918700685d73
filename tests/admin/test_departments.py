"""The pages of departments."""

import json
import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui.models import AuditEntry
from im.models import IMDepart, IMUser
from im.services.directory import department_closing, users
from im.services.directory.users import DepartmentCard, UserCard
from im.types import RowStatus
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import choose, errors, listed, submit, text_of

LIST = "/admin/im/imdepart/"
ADD = "/admin/im/imdepart/add/"


def change_page(depart_id: int) -> str:
    return f"/admin/im/imdepart/{depart_id}/change/"


def test_the_list_is_in_the_order_of_the_tree(console: Client, company: Company) -> None:
    gateway = users.create_department(
        DepartmentCard("Gateway", priority=9, parent_id=company.server_team)
    ).depart_id

    response = console.get(LIST)

    assert listed(response) == [company.top, company.server_team, gateway, company.sales]
    assert re.search(r'tree-below" style="--depth: 2"[^>]*>Gateway</span>', text_of(response))


def test_siblings_go_by_priority(console: Client, company: Company) -> None:
    submit(console, change_page(company.server_team), priority="5")

    assert listed(console.get(LIST)) == [company.top, company.sales, company.server_team]


def test_the_list_counts_people_alone_and_with_sub_departments(
    console: Client, company: Company
) -> None:
    users.mark_left([company.tom])

    rows = console.get(LIST).context["cl"].result_list

    counts = {row.pk: (row.listing.people, row.listing.people_total) for row in rows}
    assert counts == {company.top: (0, 1), company.server_team: (1, 1), company.sales: (0, 0)}


@pytest.mark.parametrize("departments", [3, 40])
def test_the_list_takes_as_many_queries_for_many_departments_as_for_few(
    console: Client,
    company: Company,
    departments: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(departments - 3):
        users.create_department(DepartmentCard(f"d{number}", parent_id=company.sales))

    # session, operator, second factor, count, rows, the tree, people per department
    with django_assert_num_queries(7):
        response = console.get(LIST)

    assert len(listed(response)) == departments


def test_the_pages_of_a_long_list_follow_the_tree(console: Client, company: Company) -> None:
    inner = [
        users.create_department(DepartmentCard(f"d{n}", parent_id=company.server_team))
        for n in range(60)
    ]

    second = listed(console.get(LIST, {"p": "2"}))

    assert second == [*(row.depart_id for row in inner[48:]), company.sales]


def test_a_search_shows_the_path_of_what_it_finds(console: Client, company: Company) -> None:
    response = console.get(LIST, {"q": "组"})

    assert listed(response) == [company.server_team]
    assert "Starriver / 服务器组" in text_of(response)


def test_the_list_sorts_by_name_when_asked(console: Client, company: Company) -> None:
    assert listed(console.get(LIST, {"o": "1"}))[0] == company.sales


def test_a_new_department_is_stored_below_its_parent(console: Client, company: Company) -> None:
    response = submit(console, ADD, depart_name="Support", parent=company.sales, priority="3")

    row = IMDepart.objects.get(depart_name="Support")
    assert response.status_code == 302
    assert (row.parent_id, row.priority, row.status) == (company.sales, 3, RowStatus.SHOWN)
    assert row.created == row.updated > LONG_AGO


def test_a_department_without_a_parent_is_at_the_top(console: Client, company: Company) -> None:
    submit(console, ADD, depart_name="Another firm", parent="")

    assert IMDepart.objects.get(depart_name="Another firm").parent_id == 0


def test_an_edit_is_stored_and_raises_the_stamp(console: Client, company: Company) -> None:
    submit(console, change_page(company.sales), depart_name="Vertrieb", priority="7")

    row = IMDepart.objects.get(pk=company.sales)
    assert (row.depart_name, row.priority, row.parent_id) == ("Vertrieb", 7, company.top)
    assert row.updated > LONG_AGO


def test_a_department_can_not_be_placed_in_itself(console: Client, company: Company) -> None:
    response = submit(console, change_page(company.sales), parent=company.sales)

    assert "in itself" in errors(response)["parent"][0]
    assert IMDepart.objects.get(pk=company.sales).parent_id == company.top


def test_a_department_can_not_be_placed_in_one_it_contains(
    console: Client, company: Company
) -> None:
    response = submit(console, change_page(company.top), parent=company.sales)

    assert "in itself" in errors(response)["parent"][0]
    assert IMDepart.objects.get(pk=company.top).parent_id == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("depart_name", "n" * 65),
        ("depart_name", ""),
        ("priority", "-1"),
        ("priority", str(2**31)),
        ("parent", "4711"),
        ("status", "2"),
    ],
)
def test_what_the_table_can_not_hold_is_refused_beside_its_field(
    console: Client, company: Company, field: str, value: str
) -> None:
    typed = {"depart_name": "Support", "priority": "1", "parent": "", field: value}

    response = submit(console, ADD, **typed)

    assert field in errors(response)
    assert IMDepart.objects.count() == 3


def test_a_hidden_department_takes_nobody_in(console: Client, company: Company) -> None:
    empty = users.create_department(DepartmentCard("Empty")).depart_id
    users.hide_department(empty)

    person = submit(console, f"/admin/im/imuser/{company.tom}/change/", depart=empty)
    department = submit(console, change_page(company.sales), parent=empty)

    assert "hidden" in errors(person)["depart"][0]
    assert "hidden" in errors(department)["parent"][0]


def test_a_department_with_people_can_not_be_hidden(console: Client, company: Company) -> None:
    response = choose(console, LIST, "hide", company.sales)

    assert "Sales: There are still people in it" in text_of(response)
    assert IMDepart.objects.get(pk=company.sales).status == RowStatus.SHOWN


def test_a_department_with_shown_departments_can_not_be_hidden(
    console: Client, company: Company
) -> None:
    response = submit(console, change_page(company.top), status=RowStatus.REMOVED)

    assert "contains departments" in errors(response)["status"][0]


def test_a_branch_is_hidden_from_the_leaves_up(console: Client, company: Company) -> None:
    IMUser.objects.update(status=3)

    response = choose(console, LIST, "hide", company.top, company.server_team, company.sales)

    rows = IMDepart.objects.all()
    assert "3 departments are hidden." in text_of(response)
    assert {row.status for row in rows} == {RowStatus.REMOVED}
    assert all(row.updated > LONG_AGO for row in rows)


def test_a_department_is_not_shown_again_below_a_hidden_one(
    console: Client, company: Company
) -> None:
    IMUser.objects.update(status=3)
    for depart_id in (company.sales, company.server_team, company.top):
        users.hide_department(depart_id)

    response = submit(console, change_page(company.sales), status=RowStatus.SHOWN)

    assert "hidden" in errors(response)["parent"][0]


def test_a_department_of_thousands_is_emptied_some_at_a_time_and_hidden_at_the_end(
    console: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(department_closing, "PEOPLE_PER_TRANSACTION", 2)
    for number in range(4):
        card = UserCard(f"p{number}", f"P{number}", company.sales, sex=1)
        users.create_user(card, "first-password")
    choice = {
        "action": "close",
        "_selected_action": [company.sales],
        "confirmed": "yes",
        "target": company.server_team,
    }

    page = text_of(console.post(LIST, choice, follow=True))

    assert "Sales is closed; 5 people moved" in page
    assert IMUser.objects.filter(depart_id=company.server_team).count() == 6
    assert IMDepart.objects.get(pk=company.sales).status == RowStatus.REMOVED
    entries = AuditEntry.objects.filter(target=f"im.imdepart:{company.sales}").order_by("number")
    assert [(entry.action, dict(entry.changes)["people"]) for entry in entries] == [
        ("move people", 2),
        ("move people", 2),
        ("hide", 1),
    ]


def test_no_department_can_be_deleted(console: Client, company: Company) -> None:
    assert console.get(f"{LIST}{company.sales}/delete/").status_code == 403


def test_the_search_box_offers_shown_departments_by_their_paths(
    console: Client, company: Company
) -> None:
    hidden = users.create_department(DepartmentCard("Old sales")).depart_id
    users.hide_department(hidden)

    answer = json.loads(console.get(f"{LIST}choices/", {"term": "sales"}).content)

    assert answer["results"] == [{"id": str(company.sales), "text": "Starriver / Sales"}]


def test_the_search_box_answers_operators_only(company: Company) -> None:
    assert Client().get(f"{LIST}choices/", {"term": ""}).status_code == 302


def test_a_loop_in_an_adopted_tree_is_listed_and_can_be_undone(
    console: Client, company: Company
) -> None:
    IMDepart.objects.filter(pk=company.top).update(parent_id=company.sales)

    shown = listed(console.get(LIST))
    submit(console, change_page(company.top), parent="")

    assert sorted(shown) == sorted([company.top, company.server_team, company.sales])
    assert IMDepart.objects.get(pk=company.top).parent_id == 0
