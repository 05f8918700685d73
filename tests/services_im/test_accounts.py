"""Checking credentials in batches, and counting failures per name."""

import time

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from im.models import IMUser
from im.services import accounts, passwords
from im.services.accounts import (
    TOO_MANY_FAILURES,
    WRONG_PASSWORD,
    Credentials,
    FailureLog,
    LoginDesk,
)
from im.types import UserInfo, UserStatus

ALLOWED = 10
WINDOW_S = 1800.0
RIGHT = passwords.wire_password("right")
WRONG = passwords.wire_password("wrong")


class Clock:
    """time.monotonic, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 5000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


# --- failures ---------------------------------------------------------------------------------


@pytest.fixture
def failures(clock: Clock) -> FailureLog:
    return FailureLog(allowed=ALLOWED, window_seconds=WINDOW_S)


def test_eleven_failures_are_allowed_and_then_none(failures: FailureLog) -> None:
    blocked = []
    for _ in range(ALLOWED + 2):
        blocked.append(failures.is_blocked("ada"))
        failures.add("ada")

    assert blocked == (ALLOWED + 1) * [False] + [True]
    assert not failures.is_blocked("bob")


def test_the_oldest_failure_leaves_the_window_first(failures: FailureLog, clock: Clock) -> None:
    for _ in range(ALLOWED + 1):
        failures.add("ada")
        clock.now_s += 10

    clock.now_s += WINDOW_S - 10 * (ALLOWED + 1)
    exactly_then = failures.is_blocked("ada")
    clock.now_s += 1

    assert exactly_then
    assert not failures.is_blocked("ada")


def test_a_success_forgets_all(failures: FailureLog) -> None:
    for _ in range(ALLOWED + 1):
        failures.add("ada")

    failures.clear("ada")
    failures.clear("nobody")

    assert not failures.is_blocked("ada")


def test_names_count_exactly_as_they_came(failures: FailureLog) -> None:
    for _ in range(ALLOWED + 1):
        failures.add("ada")

    assert [failures.is_blocked(name) for name in ("Ada", "ada ", "")] == 3 * [False]


def test_the_names_longest_untouched_are_forgotten_first(
    failures: FailureLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "REMEMBERED_NAMES", 3)
    for name in ("ada", "bob", "cleo", "dan"):
        for _ in range(ALLOWED + 1):
            failures.add(name)
        failures.add("ada")

    assert [failures.is_blocked(name) for name in ("ada", "bob", "cleo", "dan")] == (
        [True, False, True, True]
    )


# --- the desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(settings: Settings, transactional_db: None) -> LoginDesk:  # it renews its connection
    settings.IM_LOGIN_FAILURES = ALLOWED
    return LoginDesk()


def add_user(name: str, status: int | None = UserStatus.NORMAL) -> int:
    stored, salt = passwords.hash_password("right")
    row = IMUser.objects.create(
        name=name, password=stored, salt=salt, depart_id=1, status=status, created=1, updated=1
    )
    return row.pk


def test_a_batch_is_answered_in_its_order_with_one_query(
    desk: LoginDesk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [add_user(name) for name in ("ada", "bob", "cleo")]

    with django_assert_num_queries(1):
        answers = desk(
            [
                Credentials("cleo", RIGHT),
                Credentials("nobody", RIGHT),
                Credentials("ada", RIGHT),
                Credentials("bob", WRONG),
                Credentials("ada", RIGHT),
            ]
        )

    assert [answer.user_id if isinstance(answer, UserInfo) else answer for answer in answers] == (
        [ids[2], WRONG_PASSWORD, ids[0], WRONG_PASSWORD, ids[0]]
    )


def test_failures_within_a_batch_count(desk: LoginDesk) -> None:
    add_user("ada")

    answers = desk((ALLOWED + 2) * [Credentials("ada", WRONG)] + [Credentials("ada", RIGHT)])

    assert answers == (ALLOWED + 1) * [WRONG_PASSWORD] + 2 * [TOO_MANY_FAILURES]


@pytest.mark.parametrize(
    ("status", "may_log_in"),
    [
        (UserStatus.NORMAL, True),
        (UserStatus.PROBATION, True),
        (UserStatus.REGULAR, True),
        (UserStatus.LEFT, False),
        (UserStatus.INTERN, True),
        (5, False),
    ],
)
def test_staff_may_log_in_and_who_left_may_not(
    desk: LoginDesk, status: int, may_log_in: bool
) -> None:
    add_user("ada", status)

    [answer] = desk([Credentials("ada", RIGHT)])

    assert isinstance(answer, UserInfo) is may_log_in


def test_of_two_rows_with_one_name_the_last_counts(desk: LoginDesk) -> None:
    add_user("ada")
    last = add_user("ada")

    [answer] = desk([Credentials("ada", RIGHT)])

    assert isinstance(answer, UserInfo)
    assert answer.user_id == last


def test_a_name_that_cannot_be_anybodys_costs_neither_query_nor_memory(
    desk: LoginDesk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    add_user("ada")
    huge = 1_000_000 * "x"

    with django_assert_num_queries(1) as queries:
        answers = desk((ALLOWED + 2) * [Credentials(huge, RIGHT)] + [Credentials("ada", RIGHT)])

    assert answers[:-1] == (ALLOWED + 2) * [WRONG_PASSWORD]
    assert isinstance(answers[-1], UserInfo)
    assert isinstance(queries, CaptureQueriesContext)
    assert len(queries.captured_queries[0]["sql"]) < 2000


def test_a_name_that_is_no_text_spoils_nobody_elses_login(desk: LoginDesk) -> None:
    add_user("ada")

    answers = desk([Credentials("a\ud800", RIGHT), Credentials("ada", RIGHT)])

    assert answers[0] == WRONG_PASSWORD
    assert isinstance(answers[1], UserInfo)
