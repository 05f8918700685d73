"""Querysets compiled once: every argument in its place, each time."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F, Q, QuerySet
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries

from im.models import IMUser
from im.services.prepared import Prepared

pytestmark = pytest.mark.django_db

Build = Callable[..., QuerySet[Any, Any]]  # Any: as the class under test has it


@pytest.fixture(autouse=True)
def _users(db: None) -> None:
    IMUser.objects.bulk_create(
        IMUser(id=number, name=f"u{number}", depart_id=number % 3, created=1, updated=number)
        for number in range(1, 10)
    )


def ids(rows: list[tuple[Any, ...]]) -> list[int]:
    return [row[0] for row in rows]


def test_arguments_go_where_the_queryset_has_them() -> None:
    query = Prepared(
        lambda above, depart_id: (
            IMUser.objects.filter(depart_id=depart_id, id__gt=above)
            .order_by("id")
            .values_list("id", "name")
        )
    )

    assert query(3, 0) == [(6, "u6"), (9, "u9")]
    assert query(0, 1) == [(1, "u1"), (4, "u4"), (7, "u7")]


def test_constants_stay_what_they_are() -> None:
    query = Prepared(
        lambda below: (
            IMUser.objects.filter(Q(name__in=["u1", "u2", "u8"]) | Q(id=5), id__lt=below, created=1)
            .order_by("-id")
            .values_list("id")[:3]
        )
    )

    assert ids(query(9)) == [8, 5, 2]
    assert ids(query(6)) == [5, 2, 1]


def test_an_argument_may_stand_in_several_places() -> None:
    query = Prepared(
        lambda number: (
            IMUser.objects.filter(Q(id=number) | Q(updated=F("id"), depart_id=number))
            .order_by("id")
            .values_list("id")
        )
    )

    assert ids(query(2)) == [2, 5, 8]


def test_any_number_of_arguments_makes_a_list() -> None:
    query = Prepared(
        lambda *wanted: IMUser.objects.filter(id__in=wanted).order_by("id").values_list("id"),
        count=4,
    )

    assert ids(query(4, 3, 99, 3)) == [3, 4]


def test_queries_can_be_united() -> None:
    query = Prepared(
        lambda one, other: (
            IMUser.objects.filter(id=one)
            .values_list("id")
            .union(IMUser.objects.filter(depart_id=other).values_list("id"), all=True)
        )
    )

    assert sorted(ids(query(1, 2))) == [1, 2, 5, 8]


@pytest.mark.parametrize("argument", [0, 1, 2**31 - 1, 2**32 - 1, 2_000_000_011])
def test_any_id_of_the_wire_can_be_asked_for(argument: int) -> None:
    query = Prepared(lambda number: IMUser.objects.filter(id=number).values_list("id"))

    assert ids(query(argument)) == ([1] if argument == 1 else [])


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda number: IMUser.objects.values_list("id"), id="unused"),
        pytest.param(
            lambda number: IMUser.objects.filter(id=number + 1).values_list("id"), id="changed"
        ),
        pytest.param(
            lambda number: IMUser.objects.filter(name=number).values_list("id"), id="made a text"
        ),
    ],
)
def test_an_argument_without_a_place_is_found_out(build: Build) -> None:
    with pytest.raises(ValueError, match="not every argument found its place"):
        Prepared(build)(1)


def test_nothing_is_asked_before_the_first_call() -> None:
    calls = []

    query = Prepared(lambda number: calls.append(number) or IMUser.objects.none())  # type: ignore[func-returns-value]  # that is the point

    assert calls == []
    assert query is not None


def test_a_call_is_one_query_and_the_queryset_is_built_once(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    built: list[int] = []

    def build(number: int) -> QuerySet[IMUser, tuple[int]]:
        built.append(number)
        return IMUser.objects.filter(id=number).values_list("id")

    query = Prepared(build)
    with django_assert_num_queries(3) as asked:
        assert [ids(query(number)) for number in (1, 2, 3)] == [[1], [2], [3]]

    assert len(built) == 1
    assert isinstance(asked, CaptureQueriesContext)
