"""What all lists have in common: a bounded number of queries, ranges of days."""

from http import HTTPStatus

import pytest
from axes.models import AccessAttempt
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMDepart, IMUser
from im.services.directory import discovery_links
from im.services.directory.discovery_links import ItemCard
from im.types import RowStatus
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import listed, text_of

ROWS = 30
# Each list and its queries: session, operator, second factor, count, page, whatever the rows.
LISTS = {
    "/admin/im/imdiscovery/": 5,
    "/admin/admin_ui/operator/": 5,
    "/admin/axes/accessattempt/": 5,
}


@pytest.mark.parametrize("page", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    console: Client,
    company: Company,
    page: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(ROWS):
        discovery_links.create_item(ItemCard(f"Link {number}", "https://x.example/", number))
        Operator.objects.create_user(f"m{number}", role=Role.MANAGER, depart_id=company.sales)
        AccessAttempt.objects.create(
            username=f"m{number}", ip_address="127.0.0.1", failures_since_start=1
        )

    with django_assert_num_queries(LISTS[page]):
        response = console.get(page)

    assert len(listed(response)) >= ROWS


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ("updated_from=2023-11-14&updated_to=2023-11-14", True),  # LONG_AGO is on that day
        ("updated_from=2023-11-15", False),
        ("updated_to=2023-11-13", False),
        ("updated_from=2023-11-01", True),
        ("updated_from=nonsense&updated_to=9999-12-31", True),
    ],
)
def test_a_range_of_days_has_both_its_ends(
    console: Client, company: Company, days: str, found: bool
) -> None:
    assert IMUser.objects.get(pk=company.tom).updated == LONG_AGO

    assert (company.tom in listed(console.get(f"/admin/im/imuser/?{days}"))) is found


def test_the_audit_log_has_a_range_of_days(console: Client, company: Company) -> None:
    console.post("/admin/im/imuser/", {"action": "leave", "_selected_action": [company.tom],
                                       "confirmed": "yes"})  # fmt: skip

    page = "/admin/admin_ui/auditentry/"
    assert len(listed(console.get(f"{page}?at_from=2020-01-01"))) == 1
    assert listed(console.get(f"{page}?at_to=2020-01-01")) == []


@pytest.mark.parametrize(
    "query",
    [
        "id__in=1,1" + "0" * 30,
        "id__range=0,1" + "0" * 30,
        "updated__in=" + "9" * 5000,
        "name__regex=[",
        "updated_from=0001-01-01",
        "department=" + "9" * 5000,
        "nobody=1",
        "q=" + "+".join(["a"] * 2000),
    ],
)
@pytest.mark.parametrize("page", ["/admin/im/imuser/", "/admin/im/imuser/export/"])
def test_an_address_that_asks_for_what_no_column_has_is_answered(
    console: Client, company: Company, page: str, query: str
) -> None:
    response = console.get(f"{page}?{query}", follow=True)

    assert response.status_code == HTTPStatus.OK


@pytest.mark.parametrize("value", ["x", "%00", "1e9", "1,2", "%ff", "😀", "9" * 5000, "-1"])
@pytest.mark.parametrize("page", ["imdepart/add/?parent=", "imuser/add/?depart="])
def test_a_form_that_an_address_begins_with_nonsense_is_shown(
    console: Client, page: str, value: str
) -> None:
    assert console.get(f"/admin/im/{page}{value}").status_code == HTTPStatus.OK


@pytest.mark.parametrize("chosen", ["x", "", "1.5", "9" * 5000])
def test_an_action_on_what_is_no_row_changes_nothing_and_says_so(
    console: Client, company: Company, chosen: str
) -> None:
    choice = {"action": "hide", "_selected_action": [company.sales, chosen]}

    response = console.post("/admin/im/imdepart/", choice, follow=True)

    assert "There are no such rows." in text_of(response)
    assert IMDepart.objects.get(pk=company.sales).status == RowStatus.SHOWN


def test_a_number_beyond_the_column_finds_nothing_among_others_that_do(company: Company) -> None:
    people = IMUser.objects.filter(pk__in=[company.lina, 10**30, -(10**30)])

    assert [row.pk for row in people] == [company.lina]
