"""Encoded lists of the directory: shared, kept while they are true, made without a stall."""

import math
import time

import pytest
from pytest_django import DjangoAssertNumQueries

from im.handlers.execution.directory_cache import (
    DEPARTMENTS,
    MAX_BYTES,
    MAX_PAGES,
    PEOPLE,
    DirectoryDesk,
    Page,
    PageCache,
    Question,
    encode_in_steps,
)
from im.models import IMDepart, IMUser
from im.services.directory.sync import ROWS_PER_FETCH, Version
from im.storage import connections
from im.wire.proto import base_define_pb2, buddy_pb2

SETTLED = Version(100, is_settled=True)
LONG_AGO = 1_600_000_000


class Maker:
    """Makes a new page each time it is asked, and counts."""

    def __init__(self, size_bytes: int = 1) -> None:
        self.made = 0
        self._size_bytes = size_bytes

    def __call__(self) -> Page:
        self.made += 1
        return Page(self.made, bytes(self._size_bytes))


def add_people(count: int, updated: int = LONG_AGO) -> None:
    IMUser.objects.bulk_create(
        IMUser(name=f"p{n}", nick=f"P{n}", depart_id=1, created=1, updated=updated)
        for n in range(count)
    )


def add_department(name: str, updated: int = LONG_AGO) -> None:
    IMDepart.objects.create(depart_name=name, parent_id=0, created=1, updated=updated)


# --- the cache --------------------------------------------------------------------------------


def test_a_page_is_made_once_for_one_version() -> None:
    cache, make = PageCache(), Maker()

    pages = [cache.get("people", SETTLED, make) for _ in range(3)]

    assert make.made == 1
    assert pages[0] is pages[2]


def test_a_change_of_the_table_makes_a_new_page() -> None:
    cache, make = PageCache(), Maker()

    cache.get("people", SETTLED, make)
    cache.get("people", Version(101, is_settled=True), make)

    assert make.made == 2


def test_a_page_that_may_lack_the_last_second_is_not_kept() -> None:
    cache, make = PageCache(), Maker()

    for _ in range(3):
        cache.get("people", Version(100, is_settled=False), make)
    cache.get("people", SETTLED, make)

    assert make.made == 4


def test_an_old_version_is_not_kept_beside_a_new_one() -> None:
    cache, make = PageCache(), Maker(MAX_BYTES // 2)

    for newest in range(10):
        cache.get("people", Version(newest, is_settled=True), make)
    cache.get("departments", SETTLED, make)
    cache.get("people", Version(9, is_settled=True), make)

    assert make.made == 11


def test_the_bytes_kept_are_bounded_and_the_longest_unused_goes_first() -> None:
    cache, make = PageCache(), Maker(MAX_BYTES // 2)
    cache.get("first", SETTLED, make)
    cache.get("second", SETTLED, make)
    cache.get("first", SETTLED, make)

    cache.get("third", SETTLED, make)
    cache.get("first", SETTLED, make)

    assert make.made == 3
    cache.get("second", SETTLED, make)
    assert make.made == 4


def test_the_number_of_pages_is_bounded() -> None:
    cache, make = PageCache(), Maker()

    for since in range(MAX_PAGES + 1):
        cache.get(since, SETTLED, make)
    cache.get(0, SETTLED, make)

    assert make.made == MAX_PAGES + 2


def test_a_page_larger_than_the_cache_is_served_but_not_kept() -> None:
    cache, make = PageCache(), Maker(MAX_BYTES + 1)

    cache.get("people", SETTLED, make)
    cache.get("people", SETTLED, make)

    assert make.made == 2


# --- making -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, ROWS_PER_FETCH, ROWS_PER_FETCH + 1, 1000])
def test_steps_leave_nothing_out(count: int) -> None:
    rows = [number.to_bytes(2) for number in range(count)]

    assert encode_in_steps(rows, b"".join) == b"".join(rows)


def test_no_step_is_long() -> None:
    sizes: list[int] = []

    encode_in_steps(range(1000), lambda step: sizes.append(len(step)) or b"")  # type: ignore[func-returns-value]  # that is the point

    assert sizes == 5 * [ROWS_PER_FETCH]


# --- the desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(db: None, monkeypatch: pytest.MonkeyPatch) -> DirectoryDesk:
    """A desk in the test's own thread, whose connection holds the test's transaction."""
    monkeypatch.setattr(connections, "IDLE_S", math.inf)
    return DirectoryDesk()


def test_a_batch_of_equal_questions_costs_as_much_as_one(
    desk: DirectoryDesk,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    add_people(3)

    with django_assert_num_queries(4):  # the version twice, whether there are too many, the rows
        pages = desk(50 * [Question(PEOPLE, 0)])

    assert len({id(page) for page in pages}) == 1
    with django_assert_num_queries(1):  # the version
        assert desk([Question(PEOPLE, 0)]) == pages[:1]


def test_while_edits_come_in_a_batch_is_made_once_and_the_next_one_anew(
    desk: DirectoryDesk,
) -> None:
    add_people(1, updated=int(time.time()))

    first, same = desk(2 * [Question(PEOPLE, 0)])
    add_people(1, updated=int(time.time()))
    [second] = desk([Question(PEOPLE, 0)])

    assert first is same
    assert [len(people_of(page)) for page in (first, second)] == [1, 2]


def test_different_questions_in_one_batch_get_their_own_answers(desk: DirectoryDesk) -> None:
    add_people(2, updated=LONG_AGO)
    add_people(1, updated=LONG_AGO + 5)
    add_department("Sales")

    questions = [Question(PEOPLE, 0), Question(DEPARTMENTS, 0), Question(PEOPLE, LONG_AGO + 1)]
    everybody, departments, changed = desk(questions)

    assert everybody
    assert departments
    assert changed
    assert [len(people_of(everybody)), len(people_of(changed))] == [3, 1]
    assert (everybody.stamp, departments.stamp, changed.stamp) == (
        (LONG_AGO + 6, LONG_AGO, LONG_AGO + 6)
    )
    rows = buddy_pb2.IMDepartmentRsp.FromString(header(departments) + departments.encoded)
    assert [row.dept_name for row in rows.dept_list] == ["Sales"]


def test_an_edit_is_in_the_next_answer(desk: DirectoryDesk) -> None:
    add_people(2)
    desk([Question(PEOPLE, 0)])

    IMUser.objects.filter(name="p1").update(nick="New", updated=LONG_AGO + 1)
    [page] = desk([Question(PEOPLE, 0)])

    assert [user.user_nick_name for user in people_of(page)] == ["P0", "New"]


def people_of(page: Page | None) -> list[base_define_pb2.UserInfo]:
    assert page is not None
    body = buddy_pb2.IMAllUserRsp.FromString(header(page) + page.encoded)
    return list(body.user_list)


def header(page: Page) -> bytes:
    head = buddy_pb2.IMAllUserRsp(user_id=1, latest_update_time=page.stamp)
    return head.SerializeToString()
