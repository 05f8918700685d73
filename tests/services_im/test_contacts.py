"""Syncing the directory by stamps: nobody misses an edit, and nobody gets it again and again."""

import random
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Generic, TypeVar

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from im.models import IMDepart, IMUser
from im.services.directory import sync, users
from im.services.directory.sync import IDS_PER_QUERY, SETTLED_S, Changes
from im.services.directory.users import DepartmentCard, UserCard
from im.services.stamps import CLOCK_MARGIN_S, FUTURE_REACH_S
from im.types import Department, RowStatus, UserInfo, UserStatus

pytestmark = pytest.mark.django_db

Row = TypeVar("Row")

START = 1_700_000_000
LATER = SETTLED_S + 1  # when a second is over for good


class Clock:
    """time.time, moved by hand."""

    def __init__(self) -> None:
        self.now_s = float(START)

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


class Reader(Generic[Row]):
    """A client: what it has by id, and the stamp that it sends next time."""

    def __init__(self, since: Callable[[int], Changes[Row]], id_of: Callable[[Row], int]) -> None:
        self._since = since
        self._id_of = id_of
        self.stamp = 0
        self.rows: dict[int, Row] = {}

    def sync(self) -> list[int]:
        """Take what is new and return its ids."""
        changes = self._since(self.stamp)
        found = [(self._id_of(row), row) for row in changes.rows]
        self.stamp = changes.stamp
        self.rows.update(found)
        return [row_id for row_id, _ in found]


OfPeople = Reader[UserInfo]
OfDepartments = Reader[Department]


@pytest.fixture
def of_people() -> OfPeople:
    return Reader(sync.users_since, attrgetter("user_id"))


@pytest.fixture
def of_departments() -> OfDepartments:
    return Reader(sync.departments_since, attrgetter("depart_id"))


def add_person(user_id: int, updated: int = START - 100, **fields: object) -> None:
    values = {"name": f"u{user_id}", "nick": f"N{user_id}", "depart_id": 1, "created": 1} | fields
    IMUser.objects.create(id=user_id, updated=updated, **values)


def add_department(depart_id: int, updated: int = START - 100, **fields: object) -> None:
    values = {"depart_name": f"d{depart_id}", "parent_id": 0, "created": 1} | fields
    IMDepart.objects.create(id=depart_id, updated=updated, **values)


def rename(user_id: int, nick: str) -> None:
    """Edit a person as the console does."""
    users.change_user(user_id, UserCard(f"u{user_id}", nick, 1, domain="x"))


def rename_department(depart_id: int, name: str) -> None:
    users.change_department(depart_id, DepartmentCard(name))


# --- people -----------------------------------------------------------------------------------


def test_the_first_sync_brings_all_who_have_not_left_by_their_ids(of_people: OfPeople) -> None:
    for user_id, status in ((5, 0), (2, 1), (4, UserStatus.LEFT), (3, 2), (1, 4)):
        add_person(user_id, START - user_id, status=status)

    assert of_people.sync() == [1, 2, 3, 5]


def test_a_record_is_complete(of_people: OfPeople) -> None:
    add_person(
        7, sex=2, nick="七", avatar="/7.png", depart_id=3, email="7@x.test", name="seven",
        phone="7777", domain="qi", status=2, sign_info="hi", password="secret", salt="1234",
    )  # fmt: skip

    of_people.sync()

    assert of_people.rows == {
        7: UserInfo(7, 2, "七", "/7.png", 3, "7@x.test", "seven", "7777", "qi", 2, "hi")
    }


def test_nulls_of_adopted_rows_become_their_columns_defaults(of_people: OfPeople) -> None:
    add_person(1, avatar=None, status=None)

    assert of_people.sync() == [1]
    record = of_people.rows[1]
    assert (record.avatar, record.status) == ("", UserStatus.NORMAL)


def test_nothing_comes_twice_when_nothing_changes(of_people: OfPeople) -> None:
    for user_id in (1, 2, 3):
        add_person(user_id)

    assert [len(of_people.sync()) for _ in range(3)] == [3, 0, 0]


def test_who_leaves_comes_once_more_and_says_so(of_people: OfPeople, clock: Clock) -> None:
    add_person(1)
    add_person(2)
    of_people.sync()

    users.mark_left([2])
    clock.now_s += LATER

    assert of_people.sync() == [2]
    assert of_people.rows[2].status == UserStatus.LEFT
    assert of_people.sync() == []


def test_an_edit_comes_exactly_once_when_its_second_is_over(
    of_people: OfPeople, clock: Clock
) -> None:
    users.create_department(DepartmentCard("d"))
    for user_id in (1, 2):
        add_person(user_id)
    of_people.sync()

    rename(2, "New")
    clock.now_s += LATER

    assert [of_people.sync() for _ in range(3)] == [[2], [], []]


def test_an_edit_in_the_very_second_of_a_sync_is_not_missed(
    of_people: OfPeople, clock: Clock
) -> None:
    users.create_department(DepartmentCard("d"))
    for user_id in (1, 2, 3):
        add_person(user_id)
    rename(1, "before")
    of_people.sync()

    rename(2, "after")
    assert of_people.sync() == [1, 2]
    rename(3, "after that")
    assert of_people.sync() == [1, 2, 3]

    clock.now_s += LATER
    of_people.sync()
    assert of_people.sync() == []


def test_edits_of_one_row_that_run_ahead_of_the_clock_all_arrive(
    of_people: OfPeople, clock: Clock
) -> None:
    users.create_department(DepartmentCard("d"))
    add_person(1)
    add_person(2)
    for number in range(9):
        rename(1, f"edit {number}")
    assert IMUser.objects.get(id=1).updated == START + 8

    of_people.sync()
    clock.now_s += 4  # still before that stamp
    rename(2, "meanwhile")
    of_people.sync()
    rename(1, "last")

    assert of_people.sync() == [1, 2]
    clock.now_s += 20
    of_people.sync()
    assert of_people.sync() == []
    assert {row.nick for row in of_people.rows.values()} == {"last", "meanwhile"}


@pytest.mark.parametrize("behind_s", [0, 1, 500])
def test_a_stamp_of_the_past_never_goes_back(
    of_people: OfPeople, clock: Clock, behind_s: int
) -> None:
    add_person(1, START + 1000)
    of_people.stamp = START - behind_s

    assert of_people.sync() == [1]

    assert of_people.stamp >= START - behind_s


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_order_of_edits_and_syncs_clients_end_up_with_what_is_stored(
    seed: int, of_people: OfPeople, of_departments: OfDepartments, clock: Clock
) -> None:
    chance = random.Random(seed)
    for number in range(1, 6):
        add_department(number)
        add_person(number, depart_id=number)

    for step in range(60):
        action = chance.choice((rename, rename_department, None, None))
        if action:
            action(chance.randint(1, 5), f"step {step}")
        if chance.random() < 0.3:
            of_people.sync()
            of_departments.sync()
        clock.now_s += chance.choice((0, 0, 0, 0.4, 1, 3))
    clock.now_s += 60
    of_people.sync()
    of_departments.sync()

    assert of_people.rows == {row.user_id: row for row in sync.users_since(0).rows}
    assert of_departments.rows == {row.depart_id: row for row in sync.departments_since(0).rows}
    assert (of_people.sync(), of_departments.sync()) == ([], [])


# --- too many at once -------------------------------------------------------------------------


def test_more_people_than_fit_come_with_the_next_syncs(
    of_people: OfPeople, settings: Settings
) -> None:
    settings.IM_DIRECTORY_USERS = 4
    for user_id in range(1, 11):
        add_person(user_id, START - 100 + user_id)

    assert [of_people.sync() for _ in range(4)] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []]


def test_a_second_is_not_cut_in_two(of_people: OfPeople, settings: Settings) -> None:
    settings.IM_DIRECTORY_USERS = 4
    for user_id, age in ((1, 9), (2, 9), (3, 8), (4, 8), (5, 8), (6, 7)):
        add_person(user_id, START - age)

    assert [of_people.sync() for _ in range(3)] == [[1, 2], [3, 4, 5, 6], []]


def test_more_people_in_one_second_than_fit_come_together(
    of_people: OfPeople, settings: Settings
) -> None:
    settings.IM_DIRECTORY_USERS = 2
    for user_id in (1, 2, 3):
        add_person(user_id, START - 9)
    add_person(4, START - 8)

    assert [of_people.sync() for _ in range(3)] == [[1, 2, 3], [4], []]


# --- departments ------------------------------------------------------------------------------


def test_departments_come_by_their_ids_hidden_ones_too(of_departments: OfDepartments) -> None:
    add_department(3, START - 30, priority=9, parent_id=1, depart_name="Sales")
    add_department(1, START - 10, status=RowStatus.REMOVED)

    assert of_departments.sync() == [1, 3]
    assert of_departments.rows == {
        1: Department(1, 0, "d1", 0, RowStatus.REMOVED),
        3: Department(3, 9, "Sales", 1, RowStatus.SHOWN),
    }


def test_departments_in_a_state_nobody_knows_are_left_out(of_departments: OfDepartments) -> None:
    add_department(1)
    add_department(2, START - 50, status=2)

    assert of_departments.sync() == [1]
    assert of_departments.stamp == START - 50
    assert of_departments.sync() == []


def test_a_department_edited_in_the_second_of_a_sync_is_not_missed(
    of_departments: OfDepartments, clock: Clock
) -> None:
    for number in (1, 2):
        add_department(number)
    rename_department(1, "before")
    of_departments.sync()

    rename_department(2, "after")
    clock.now_s += LATER

    assert [of_departments.sync() for _ in range(2)] == [[1, 2], []]


def test_a_hidden_department_comes_once_more(of_departments: OfDepartments, clock: Clock) -> None:
    add_department(1)
    add_department(2)
    of_departments.sync()

    users.hide_department(2)
    clock.now_s += LATER

    assert of_departments.sync() == [2]
    assert of_departments.rows[2] == Department(2, 0, "d2", 0, RowStatus.REMOVED)


# --- by id ------------------------------------------------------------------------------------


def test_people_by_id_come_once_each_in_order_and_whether_they_left_or_not() -> None:
    add_person(1)
    add_person(2, status=UserStatus.LEFT)
    add_person(3, avatar=None, status=None)

    found = list(sync.users_by_id([3, 9, 2, 1, 3, 4294967295, 0]))

    assert [(person.user_id, person.status) for person in found] == [(1, 0), (2, 3), (3, 0)]


def test_no_more_people_by_id_than_the_setting_allows(settings: Settings) -> None:
    settings.IM_USERS_BY_ID = 2
    for user_id in (1, 2, 3):
        add_person(user_id)

    assert [person.user_id for person in sync.users_by_id([3, 2, 1])] == [1, 2]


# --- what it costs ----------------------------------------------------------------------------


def test_a_version_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        versions = sync.users_version(), sync.departments_version()

    assert all(version.is_settled for version in versions)


def test_finding_nothing_new_costs_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    add_person(1)
    add_department(1)

    with django_assert_num_queries(2):
        changes = sync.users_since(START), sync.departments_since(START)
        assert [list(found.rows) for found in changes] == [[], []]


def test_a_list_costs_the_same_however_long(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    IMUser.objects.bulk_create(
        IMUser(name=f"u{n}", depart_id=1, created=1, updated=START) for n in range(1000)
    )

    with django_assert_num_queries(3):
        assert len(list(sync.users_since(0).rows)) == 1000
    with django_assert_num_queries(2):
        assert list(sync.users_by_id(range(1, IDS_PER_QUERY + 2)))


# --- stamps of other clocks -------------------------------------------------------------------


@pytest.mark.parametrize("ahead_s", [1, 3600, 10**8, 2**32 - 1 - START])
def test_a_stamp_of_the_future_is_answered_from_some_minutes_before_now(
    clock: Clock, of_people: OfPeople, of_departments: OfDepartments, ahead_s: int
) -> None:
    for row_id, updated in ((1, START - 2 * FUTURE_REACH_S), (2, START - 60)):
        add_person(row_id, updated)
        add_department(row_id, updated)
    of_people.stamp = of_departments.stamp = START + ahead_s

    assert (of_people.sync(), of_departments.sync()) == ([2], [2])
    assert max(of_people.stamp, of_departments.stamp) <= START


def test_after_the_clock_was_set_back_edits_are_not_missed(
    clock: Clock, of_people: OfPeople, of_departments: OfDepartments
) -> None:
    for row_id in (1, 2):
        add_person(row_id)
        add_department(row_id)
    clock.now_s += 7200
    rename(1, "early")
    rename_department(1, "early")
    clock.now_s += LATER
    of_people.sync()
    of_departments.sync()

    clock.now_s -= 7200
    rename(2, "late")
    rename_department(2, "late")
    clock.now_s += LATER
    of_people.sync()
    of_departments.sync()

    assert {row.user_id: row.nick for row in of_people.rows.values()} == {1: "early", 2: "late"}
    assert {row.depart_id: row.name for row in of_departments.rows.values()} == {
        1: "early",
        2: "late",
    }


def test_the_present_second_is_no_future(clock: Clock, of_people: OfPeople) -> None:
    add_person(1, START - 60)
    of_people.stamp = START

    assert of_people.sync() == []


def test_a_stamp_of_the_clients_own_clock_is_answered_from_minutes_before_it(clock: Clock) -> None:
    add_person(1, START - CLOCK_MARGIN_S - 100)
    add_department(1, START - CLOCK_MARGIN_S - 100)
    add_person(2, START - 60)
    add_department(2, START - 60)

    people = sync.users_since(START - 30, is_own_clock=True)
    departments = sync.departments_since(START - 30, is_own_clock=True)

    assert [user.user_id for user in people.rows] == [2]
    assert [row.depart_id for row in departments.rows] == [2]


def test_a_stamp_that_was_given_is_believed_of_any_client(
    clock: Clock, of_people: OfPeople, of_departments: OfDepartments
) -> None:
    add_person(1, START - 60)
    add_department(1, START - 60)
    of_people.sync()
    of_departments.sync()

    people = sync.users_since(of_people.stamp, is_own_clock=True)
    departments = sync.departments_since(of_departments.stamp, is_own_clock=True)

    assert (list(people.rows), list(departments.rows)) == ([], [])
