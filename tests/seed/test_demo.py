"""The demo company of a fresh installation."""

from collections import Counter

import pytest

from admin_ui.tree import company_outline
from im.models import (
    GroupCounter,
    GroupPosition,
    IMDepart,
    IMDiscovery,
    IMGroup,
    IMGroupMember,
    IMUser,
)
from im.services.directory import users
from im.services.directory.users import DepartmentCard, UserCard
from im.services.identity import passwords
from im.services.setup.demo_company import DemoCompany, load_demo_company
from im.services.validation import InvalidFields

PASSWORD = "only-this-time"


@pytest.fixture
def company(db: None) -> DemoCompany:
    company = load_demo_company(PASSWORD)
    assert company
    return company


def test_everybody_can_log_in_with_the_password_given(company: DemoCompany) -> None:
    wire = passwords.wire_password(PASSWORD)
    rows = IMUser.objects.all()

    assert sorted(company.names) == sorted(row.name for row in rows)
    assert company.password == PASSWORD
    assert all(passwords.matches(wire, row.password, row.salt) for row in rows)
    assert len(rows) >= 25


def test_names_are_chinese_and_latin(company: DemoCompany) -> None:
    nicks = list(IMUser.objects.values_list("nick", flat=True))

    assert any(nick.isascii() for nick in nicks)
    assert any(not nick.isascii() for nick in nicks)
    assert 0 < sum(not name.isascii() for name in company.names) < 10


def test_people_have_all_that_a_profile_shows(company: DemoCompany) -> None:
    rows = IMUser.objects.all()

    assert all(row.phone and row.email and row.domain.isascii() for row in rows)
    assert len({row.phone for row in rows}) == len({row.email for row in rows}) == len(rows)
    assert {row.sex for row in rows} == {0, 1, 2}
    assert IMUser.objects.exclude(sign_info="").exists()


def test_departments_are_three_levels_deep_and_none_is_empty(company: DemoCompany) -> None:
    people = Counter(IMUser.objects.values_list("depart_id", flat=True))

    assert {place.depth for place in company_outline().values()} == {0, 1, 2}
    assert set(people) == set(IMDepart.objects.values_list("pk", flat=True))


def test_there_is_a_fixed_and_a_temporary_group(company: DemoCompany) -> None:
    groups = IMGroup.objects.order_by("pk")

    assert [(group.type, group.status, group.version) for group in groups] == [(1, 0, 1), (2, 0, 1)]
    assert groups[0].user_cnt == len(company.names)
    assert 3 <= groups[1].user_cnt < len(company.names)


def test_groups_have_the_rows_that_messages_need(company: DemoCompany) -> None:
    members = set(IMGroupMember.objects.filter(status=0).values_list("group_id", "user_id"))
    groups = IMGroup.objects.all()

    assert members == set(GroupPosition.objects.values_list("group_id", "user_id"))
    assert Counter(group for group, _user in members) == {
        group.pk: group.user_cnt for group in groups
    }
    assert all((group.pk, group.creator) in members for group in groups)
    assert set(GroupCounter.objects.values_list("group_id", "last_msg_id")) == {
        (group.pk, 0) for group in groups
    }


def test_there_are_discovery_links(company: DemoCompany) -> None:
    assert IMDiscovery.objects.filter(status=0).count() >= 2


@pytest.mark.django_db
def test_nothing_is_added_where_there_are_people() -> None:
    depart_id = users.create_department(DepartmentCard("Real")).depart_id
    users.create_user(UserCard("real", "Real", depart_id), PASSWORD)

    assert load_demo_company(PASSWORD) is None
    assert IMUser.objects.count() == 1
    assert not IMGroup.objects.exists()


@pytest.mark.django_db
def test_a_password_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidFields):
        load_demo_company("short")
