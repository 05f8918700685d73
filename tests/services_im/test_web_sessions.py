"""Browsers' sessions: how they end, and tokens that are good once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from im.models import IMUser, UsedToken, WebSession
from im.services.directory import users
from im.services.directory.users import UserCard
from im.services.identity import passwords, revocation, tokens, web_sessions
from im.services.identity.login import TOKEN_OVER, Admitted, Credentials, LoginDesk
from im.types import UserStatus, WebSessionEnded
from tests.conftest import manage

pytestmark = pytest.mark.django_db(transaction=True)  # the login desk renews its connection

DAY_S = 86_400


def add_user(name: str = "ada") -> IMUser:
    stored, salt = passwords.hash_password("right")
    return IMUser.objects.create(
        name=name, password=stored, salt=salt, depart_id=1, created=1, updated=1
    )


def begun(user: IMUser) -> web_sessions.Pass:
    found = web_sessions.begin(user.pk)
    assert found is not None
    return found


def log_in(token: str, name: str = "ada") -> object:
    [result] = LoginDesk()([Credentials(name, token)])
    return result


def later(seconds: int) -> None:
    """Make all sessions older."""
    for row in WebSession.objects.all():
        row.created, row.expires = row.created - seconds, row.expires - seconds
        row.ended = row.ended and row.ended - seconds
        row.save()


def test_the_table_does_not_hold_what_the_cookie_holds() -> None:
    cookie = begun(add_user()).cookie

    assert cookie not in str(WebSession.objects.values())


@pytest.mark.parametrize(
    "cookie", ["", "x", 43 * "x", 10_000 * "x", 43 * "密", "token:x", 42 * "x" + "\x00"]
)
def test_a_guess_is_nobodys_session(cookie: str) -> None:
    begun(add_user())

    assert web_sessions.user_of(cookie) is None
    assert web_sessions.renew(cookie) is None
    assert web_sessions.end(cookie) is None


def test_a_session_that_is_used_lives_on_and_one_that_is_not_ends(settings: Settings) -> None:
    settings.IM_WEB_SESSION_SECONDS = 14 * DAY_S
    used, unused = begun(add_user()), begun(add_user("bob"))

    for _ in range(2):
        later(8 * DAY_S)
        web_sessions.renew(used.cookie)

    assert web_sessions.user_of(used.cookie) is not None
    assert web_sessions.user_of(unused.cookie) is None


def test_a_logout_ends_it_and_says_so_once() -> None:
    user = add_user()
    session = begun(user)

    told = web_sessions.end(session.cookie)

    assert isinstance(told, WebSessionEnded)
    assert revocation.sessions_ended(int(time.time()) - 5) == {told.key}
    assert web_sessions.end(session.cookie) is None
    assert web_sessions.renew(session.cookie) is None
    assert log_in(session.token) is TOKEN_OVER


def test_who_left_and_comes_back_has_to_log_in_again() -> None:
    user = add_user()
    session = begun(user)

    users.mark_left([user.pk])
    IMUser.objects.update(status=UserStatus.NORMAL)

    assert web_sessions.renew(session.cookie) is None


def test_it_ends_with_a_password_that_another_program_changed() -> None:
    session = begun(add_user())

    IMUser.objects.update(password="0" * 32)

    assert web_sessions.user_of(session.cookie) is None
    assert log_in(session.token) is TOKEN_OVER


def test_it_ends_when_an_operator_sets_the_status_to_left(company_department: int) -> None:
    user = add_user()
    session = begun(user)

    users.change_user(user.pk, UserCard("ada", "Ada", company_department, status=UserStatus.LEFT))

    assert WebSession.objects.filter(ended=0).count() == 0
    assert web_sessions.renew(session.cookie) is None


@pytest.fixture
def company_department(db: None) -> int:
    return users.create_department(users.DepartmentCard("Top")).depart_id


def test_sessions_that_ran_out_are_found_by_gateways(settings: Settings) -> None:
    settings.IM_WEB_SESSION_SECONDS = 100
    begun(add_user())
    later(101)

    [key] = WebSession.objects.values_list("key", flat=True)

    assert revocation.sessions_ended(int(time.time()) - 30) == {key}


def test_one_person_has_a_bounded_number_of_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_sessions, "MOST_PER_USER", 3)
    user = add_user()
    sessions = []
    for _ in range(5):
        sessions.append(begun(user))
        later(10)

    live = [web_sessions.user_of(session.cookie) is not None for session in sessions]

    assert live == [False, False, True, True, True]


def test_what_is_over_is_swept_after_a_while(settings: Settings) -> None:
    settings.IM_WEB_SESSION_SECONDS = 1000
    user = add_user()
    kept, ended = begun(user), begun(user)
    tokens.use([(tokens.Token("x", "1"), "claim")])
    web_sessions.end(ended.cookie)
    later(500)
    web_sessions.sweep()
    tokens.sweep()
    assert (WebSession.objects.count(), UsedToken.objects.count()) == (2, 1)

    later(10_000)
    WebSession.objects.filter(ended=0).update(expires=int(time.time()) + 10)
    UsedToken.objects.update(expires=1)
    web_sessions.sweep()
    tokens.sweep()

    assert (WebSession.objects.count(), UsedToken.objects.count()) == (1, 0)
    assert web_sessions.user_of(kept.cookie) is not None


# --- tokens -----------------------------------------------------------------------------------


def test_a_token_grows_old(settings: Settings) -> None:
    session = begun(add_user())
    settings.IM_WEB_TOKEN_SECONDS = -1

    assert log_in(session.token) is TOKEN_OVER


def test_a_token_twice_in_a_batch_lets_one_in() -> None:
    session = begun(add_user())

    results = LoginDesk()(3 * [Credentials("ada", session.token)])

    assert [isinstance(result, Admitted) for result in results] == [True, False, False]
    assert isinstance(results[0], Admitted)
    assert results[0].web_session == WebSession.objects.get().key


def test_somebody_elses_name_does_not_use_a_token_up() -> None:
    add_user("bob")
    session = begun(add_user())

    assert log_in(session.token, "bob") is TOKEN_OVER
    assert isinstance(log_in(session.token), Admitted)


def test_gateways_that_try_one_token_at_once_let_one_in() -> None:
    token = tokens.read(begun(add_user()).token)
    assert token is not None

    def use(gateway: int) -> bool:
        try:
            [is_unused] = tokens.use([(token, tokens.new_claim())])
        finally:
            connection.close()
        return is_unused

    with ThreadPoolExecutor(8) as gateways:
        assert list(gateways.map(use, range(24))).count(True) == 1


def test_an_attempt_that_is_made_again_after_a_lost_answer_has_its_token() -> None:
    token = tokens.read(begun(add_user()).token)
    assert token is not None

    assert [tokens.use([(token, claim)]) for claim in ("a", "a", "b")] == [
        [True], [True], [False],
    ]  # fmt: skip


TRIALS = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from im.services.identity import tokens
from im.services.identity.tokens import Token

def use(gateway):
    try:
        claim = tokens.new_claim()
        return tokens.use([(Token("", str(number)), claim) for number in range(20)])
    finally:
        connection.close()

with ThreadPoolExecutor(8) as gateways:
    results = list(gateways.map(use, range(16)))
print([sum(one) for one in zip(*results)])
"""


def test_so_it_is_on_both_databases(backend: str) -> None:
    assert manage("shell", "-c", TRIALS, database_url=backend).splitlines()[-1] == str(20 * [1])
