"""The pages of groups, whose changes go the way of a client's."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from admin_ui import edit_pages
from admin_ui.models import AuditEntry
from im.models import IMGroup
from im.services.directory import users
from im.services.directory.users import UserCard
from im.services.groups import administration, members, offboarding
from im.services.groups.administration import GroupDescription
from im.types import AccessEnded, Event, GroupChange, GroupType, MembersChanged, RowStatus
from tests.admin.conftest import Company
from tests.admin.pages import choose, errors, listed, submit, text_of

LIST = "/admin/im/imgroup/"


@pytest.fixture
def group(company: Company) -> int:
    return members.create_group(
        company.lina, "Lunch", "", [company.lina], GroupType.TEMPORARY
    ).group_id


def members_of(group_id: int) -> set[int]:
    return set(members.member_ids(group_id))


@pytest.mark.parametrize("count", [2, 30])
def test_the_list_costs_the_same_for_many_groups(
    console: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(count):
        members.create_group(company.lina, f"G{number}", "", [company.lina], GroupType.NORMAL)

    # session, operator, second factor, count, page
    with django_assert_num_queries(5):
        response = console.get(LIST)

    assert len(listed(response)) == count


def test_a_group_is_made_with_its_members(console: Client, company: Company) -> None:
    typed = {"name": "Board", "type": 1, "owner": company.lina, "members": [company.tom]}

    response = submit(console, LIST + "add/", **typed)

    assert response.status_code == 302
    row = IMGroup.objects.get(name="Board")
    assert (row.creator, row.type, row.user_cnt) == (company.lina, 1, 2)
    assert members_of(row.pk) == {company.lina, company.tom}


def test_members_come_and_go_with_a_new_version(
    console: Client, company: Company, group: int
) -> None:
    page = f"{LIST}{group}/members/"

    console.post(page, {"people": [company.tom]})
    assert members_of(group) == {company.lina, company.tom}
    console.post(page, {"remove": company.lina})

    assert members_of(group) == {company.tom}
    assert IMGroup.objects.get(pk=group).version == 3
    actions = AuditEntry.objects.order_by("number").values_list("action", flat=True)
    assert list(actions) == ["add members", "remove members"]
    assert "Tom Becker" in text_of(console.get(page))


@pytest.mark.parametrize("count", [2, 30])
def test_the_page_of_members_costs_the_same_for_many_members(
    console: Client,
    company: Company,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [
        users.create_user(
            UserCard(f"m{number}", f"M{number}", company.sales), "first-password"
        ).user_id
        for number in range(count)
    ]
    crowd = members.create_group(company.lina, "Crowd", "", people, GroupType.NORMAL).group_id

    # session, operator, second factor, group, count, page
    with django_assert_num_queries(6):
        response = console.get(f"{LIST}{crowd}/members/")

    assert len(response.context["page"]) == count
    assert text_of(response).count("Sales") >= count


def test_members_are_told_what_a_client_would_tell_them(
    console: Client,
    company: Company,
    group: int,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[Event] = []
    monkeypatch.setattr(edit_pages, "announce", told.extend)

    with django_capture_on_commit_callbacks(execute=True):
        console.post(f"{LIST}{group}/members/", {"people": [company.tom]})

    assert told == [
        MembersChanged(0, group, GroupChange.ADD, (company.lina, company.tom), (company.tom,))
    ]


def test_a_group_is_renamed_and_handed_over(console: Client, company: Company, group: int) -> None:
    submit(console, f"{LIST}{group}/change/", name="Dinner", owner=company.tom)

    row = IMGroup.objects.get(pk=group)
    assert (row.name, row.creator) == ("Dinner", company.tom)
    assert row.version > 1
    assert company.tom in members_of(group)


def test_two_operators_do_not_overwrite_each_other(
    console: Client, company: Company, group: int
) -> None:
    IMGroup.objects.filter(pk=group).update(updated=5)
    response = console.post(
        f"{LIST}{group}/change/", {"name": "X", "type": 1, "owner": "", "seen": 4}
    )

    assert "Someone else changed this" in str(errors(response))


def test_a_dissolved_group_is_nobodys_and_stays_so(
    console: Client, company: Company, group: int
) -> None:
    choose(console, LIST, "dissolve", group)

    assert members_of(group) == set()
    assert IMGroup.objects.get(pk=group).status == RowStatus.REMOVED
    assert console.post(f"{LIST}{group}/change/", {"name": "again"}).status_code == 403


def test_an_action_asks_before_it_does_anything(
    console: Client, company: Company, group: int
) -> None:
    page = console.post(LIST, {"action": "dissolve", "_selected_action": [group]})

    assert "Lunch" in text_of(page)
    assert members_of(group) == {company.lina}


# --- offboarding ------------------------------------------------------------------------------


def test_who_leaves_the_company_leaves_all_groups_and_hands_his_over(
    console: Client, company: Company, group: int
) -> None:
    chosen = {
        "action": "offboard",
        "_selected_action": [company.lina],
        "confirmed": "yes",
        "successor": company.tom,
    }

    console.post("/admin/im/imuser/", chosen)

    assert members_of(group) == {company.tom}
    assert IMGroup.objects.get(pk=group).creator == company.tom
    entry = AuditEntry.objects.get(action="offboard")
    assert dict(entry.changes)["groups handed over"] == [group]


def test_offboarding_ends_connections_and_tells_the_groups(company: Company, group: int) -> None:
    done = offboarding.offboard(company.lina, company.tom)

    assert AccessEnded(company.lina) in done.events
    assert any(
        isinstance(event, MembersChanged) and event.change is GroupChange.REMOVE
        for event in done.events
    )


def test_somebody_in_many_groups_leaves_them_some_at_a_time(
    console: Client, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offboarding, "GROUPS_PER_TRANSACTION", 2)
    groups_of_tom = [
        administration.create_group(
            company.tom, GroupDescription(f"Group {number}"), [company.lina]
        )[0]
        for number in range(3)
    ]
    chosen = {
        "action": "offboard",
        "_selected_action": [company.lina],
        "confirmed": "yes",
        "successor": "",
    }

    first = offboarding.offboard(company.lina, None)
    console.post("/admin/im/imuser/", chosen)

    assert (first.groups_left, first.has_more) == (tuple(groups_of_tom[:2]), True)
    assert [members_of(group) for group in groups_of_tom] == [{company.tom}] * 3
    assert dict(AuditEntry.objects.get(action="offboard").changes)["groups left"] == [
        groups_of_tom[2]
    ]


def test_a_large_group_fills_a_portion_by_itself(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offboarding, "MEMBERS_PER_TRANSACTION", 2)
    for number in range(2):
        description = GroupDescription(f"Group {number}")
        administration.create_group(company.tom, description, [company.lina])

    portions = [len(offboarding.offboard(company.lina, None).groups_left) for _ in range(3)]

    assert portions == [1, 1, 0]


def test_nobody_is_his_own_successor(console: Client, company: Company, group: int) -> None:
    chosen = {
        "action": "offboard",
        "_selected_action": [company.lina],
        "confirmed": "yes",
        "successor": company.lina,
    }

    page = text_of(console.post("/admin/im/imuser/", chosen, follow=True))

    assert "somebody else" in page
    assert members_of(group) == {company.lina}
