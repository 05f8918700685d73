"""The throttles of a process: shared through Redis, and by itself while that is away."""

import time

import pytest
from pytest_django.fixtures import Settings

from im.services.identity import login_throttle
from im.services.identity.login_limits import Attempt, Verdict, people_limits
from im.services.identity.login_throttle import Throttle
from tests.ports import free_port
from tests.services import Redis

ADMITTED, WRONG, BLOCKED = Verdict.ADMITTED, Verdict.WRONG, Verdict.BLOCKED
RIGHT, GUESS = Attempt("ada", "10.0.0.1", True), Attempt("ada", "10.0.0.1", False)


def process() -> Throttle:
    return Throttle("tested", people_limits)


def test_processes_count_together(redis_server: Redis, settings: Settings) -> None:
    settings.REDIS_URL = redis_server.url
    one, other = process(), process()
    one.forgive("ada")

    verdicts = one.judge(6 * [GUESS]) + other.judge(6 * [GUESS])

    assert verdicts == 11 * [WRONG] + [BLOCKED]
    assert [found.name for found in one.blocked()] == ["ada"]
    other.forgive("ada")
    assert one.judge([RIGHT]) == [ADMITTED]


def test_without_redis_each_counts_for_itself(settings: Settings) -> None:
    settings.REDIS_URL = ""
    one, other = process(), process()

    assert one.judge(12 * [GUESS])[-1] is BLOCKED
    assert other.judge([RIGHT]) == [ADMITTED]


def test_while_redis_is_away_each_counts_for_itself_and_asks_it_seldom(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    one = process()
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])

    assert one.judge(12 * [GUESS])[-1] is BLOCKED
    assert one.is_resting
    one.forgive("ada")
    assert one.judge([RIGHT]) == [ADMITTED]
    now_s[0] += login_throttle.REST_S
    assert not one.is_resting
