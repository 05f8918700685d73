"""Checking credentials in batches."""

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from im.models import IMUser
from im.services.directory import users
from im.services.identity import login_throttle, passwords
from im.services.identity.login import TOO_MANY_FAILURES, WRONG_PASSWORD, Credentials, LoginDesk
from im.types import UserInfo, UserStatus

ALLOWED = 10
RIGHT = passwords.wire_password("right")
WRONG = passwords.wire_password("wrong")


# --- the desk ---------------------------------------------------------------------------------


@pytest.fixture
def desk(settings: Settings, transactional_db: None) -> LoginDesk:  # it renews its connection
    settings.IM_LOGIN_FAILURES = ALLOWED
    login_throttle.of_people.cache_clear()
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


def test_guesses_from_elsewhere_do_not_lock_the_person_out(desk: LoginDesk) -> None:
    add_user("ada")
    desk([Credentials("ada", RIGHT, "10.0.0.1")])

    answers = desk((ALLOWED + 2) * [Credentials("ada", WRONG, "192.0.2.7")])
    [hers] = desk([Credentials("ada", RIGHT, "10.0.0.1")])

    assert answers[-1] == TOO_MANY_FAILURES
    assert isinstance(hers, UserInfo)


def test_a_new_password_lets_its_owner_in_at_once(desk: LoginDesk) -> None:
    user_id = add_user("ada")
    desk((ALLOWED + 2) * [Credentials("ada", WRONG)])

    users.set_password(user_id, "a sentence of her own")
    [answer] = desk([Credentials("ada", passwords.wire_password("a sentence of her own"))])

    assert isinstance(answer, UserInfo)


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
