"""Groups as their members see them, and what strangers see of them."""

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from im.models import IMGroup, IMGroupMember
from im.services.groups import members
from im.services.groups.members import GroupCard, GroupVersion
from im.types import GroupType, RowStatus
from tests.reading import fixed_groups_of

pytestmark = pytest.mark.django_db

ME = 50
NOW = 1_700_000_000


def add_group(
    group_id: int, *member_ids: int, updated: int = NOW, group_type: int = GroupType.NORMAL
) -> None:
    """Add a group in its third version."""
    IMGroup.objects.create(
        id=group_id, name=f"g{group_id}", avatar=f"/{group_id}.png", creator=7, type=group_type,
        version=3, updated=updated,
    )  # fmt: skip
    for user_id in member_ids:
        add_member(group_id, user_id)


def add_member(group_id: int, user_id: int, status: int = RowStatus.SHOWN) -> None:
    IMGroupMember.objects.create(group_id=group_id, user_id=user_id, status=status)


def newer(user_id: int, known: dict[int, int]) -> list[int]:
    """Return the ids of the groups told to a user who has these versions."""
    return [card.group_id for card in members.newer_groups(user_id, known)]


# --- my fixed groups ----------------------------------------------------------------------------


def test_ones_fixed_groups_are_listed_the_one_changed_last_first() -> None:
    for group_id, age in ((1, 20), (2, 5), (3, 10), (4, 5)):
        add_group(group_id, ME, updated=NOW - age)

    assert fixed_groups_of(ME) == [GroupVersion(group_id, 3) for group_id in (2, 4, 3, 1)]


def test_other_groups_are_not_listed() -> None:
    add_group(1, ME, group_type=GroupType.TEMPORARY)
    add_group(2, 7)
    add_group(3)
    add_member(3, ME, RowStatus.REMOVED)
    add_member(4, ME)  # the group's own row is gone

    assert fixed_groups_of(ME) == []


def test_a_group_whatever_its_status_is_listed() -> None:
    add_group(1, ME)
    IMGroup.objects.update(status=1)

    assert fixed_groups_of(ME) == [GroupVersion(1, 3)]


def test_no_more_groups_are_listed_than_the_setting_allows(settings: Settings) -> None:
    settings.IM_GROUPS = 2
    for group_id in (1, 2, 3):
        add_group(group_id, ME)

    assert len(fixed_groups_of(ME)) == 2
    assert newer(ME, {1: 0, 2: 0, 3: 0}) == [1, 2]


# --- details ------------------------------------------------------------------------------------


def test_a_members_view_of_a_group_is_complete() -> None:
    add_group(5, 10, ME, 9, 100, 1, group_type=GroupType.TEMPORARY)
    add_member(5, 11, RowStatus.REMOVED)

    assert members.newer_groups(ME, {5: 2}) == [
        GroupCard(5, 3, "g5", "/5.png", 7, GroupType.TEMPORARY, False, (1, 10, 100, ME, 9))
    ]


@pytest.mark.parametrize(("version", "told"), [(0, [1]), (2, [1]), (3, []), (4, [])])
def test_details_come_only_if_they_are_newer(version: int, told: list[int]) -> None:
    add_group(1, ME)

    assert newer(ME, {1: version}) == told


def test_strangers_and_former_members_get_nothing() -> None:
    add_group(1, 7)
    add_group(2, 7)
    add_member(2, ME, RowStatus.REMOVED)
    add_group(3, ME)

    assert newer(ME, {1: 0, 2: 0, 3: 0, 4: 0}) == [3]
    assert newer(0, {1: 0, 2: 0, 3: 0}) == []


def test_a_group_of_no_known_type_is_left_out() -> None:
    add_group(1, ME, group_type=3)

    assert newer(ME, {1: 0}) == []


def test_the_group_changed_last_comes_first() -> None:
    for group_id, age in ((1, 20), (2, 5), (3, 10)):
        add_group(group_id, ME, updated=NOW - age)

    assert newer(ME, {1: 0, 2: 0, 3: 0}) == [2, 3, 1]


# --- what it costs ------------------------------------------------------------------------------


def test_the_list_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for group_id in range(1, 30):
        add_group(group_id, ME)

    with django_assert_num_queries(1):
        assert len(fixed_groups_of(ME)) == 29


def test_details_of_many_groups_cost_three_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for group_id in range(1, 30):
        add_group(group_id, ME, 1, 2, 3)

    with django_assert_num_queries(3):  # groups, members, shields
        assert len(newer(ME, dict.fromkeys(range(1, 30), 0))) == 29


def test_nothing_new_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    add_group(1, ME)

    with django_assert_num_queries(1):
        newer(ME, {1: 3})
