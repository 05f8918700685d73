"""What all lists have in common: a bounded number of queries, ranges of days."""

import pytest
from axes.models import AccessAttempt
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui.models import Operator
from admin_ui.roles import Role
from im.models import IMUser
from im.services import discovery_items
from im.services.discovery_items import ItemCard
from tests.admin.conftest import LONG_AGO, Company
from tests.admin.pages import listed

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
        discovery_items.create_item(ItemCard(f"Link {number}", "https://x.example/", number))
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
