"""Counting failed logins, in memory and in Redis: who has to wait, for how long, and who not."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from im.networks import UNKNOWN, home_of
from im.services.identity import login_counts, shared_login_counts
from im.services.identity.login_counts import MemoryCounts
from im.services.identity.login_limits import Attempt, Limit, Limits, Verdict
from im.services.identity.shared_login_counts import SharedCounts
from tests.services import Redis as RedisServer

ADMITTED, WRONG, BLOCKED = Verdict.ADMITTED, Verdict.WRONG, Verdict.BLOCKED
HERE, ELSEWHERE = "10.0.0.1", "192.0.2.7"
ALLOWED, OF_NAME, OF_ADDRESS, WINDOW_S = 10, 50, 100, 1800
LIMITS = Limits(Limit(ALLOWED, 15, 300), Limit(OF_NAME, 1, 15), Limit(OF_ADDRESS, 1, 15), WINDOW_S)
Counts = MemoryCounts | SharedCounts
Age = Callable[[float], None]


class Aged:
    """Counts of one kind, and a way to let time pass."""

    def __init__(self, counts: Counts, age: Age) -> None:
        self.counts = counts
        self.age = age

    def fail(self, times: int, name: str = "ada", address: str = HERE) -> list[Verdict]:
        return self.counts.judge(LIMITS, times * [Attempt(name, address, False)])

    def succeed(self, name: str = "ada", address: str = HERE) -> Verdict:
        [verdict] = self.counts.judge(LIMITS, [Attempt(name, address, True)])
        return verdict

    def waits_s(self, name: str, address: str) -> float:
        [found] = [
            one for one in self.counts.blocked(LIMITS) if (one.name, one.address) == (name, address)
        ]
        return found.wait_s


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    client = Redis.from_url(redis_server.url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture(params=["memory", "redis"])
def logins(request: pytest.FixtureRequest) -> Aged:
    if request.param == "memory":
        now = [1_000_000.0]

        def pass_time(seconds: float) -> None:
            now[0] += seconds

        return Aged(MemoryCounts(lambda: now[0]), pass_time)
    client: Redis = request.getfixturevalue("redis")
    return Aged(SharedCounts(client, "test:"), lambda seconds: age_redis(client, seconds))


def age_redis(client: Any, seconds: float) -> None:  # Any: its types are those of all its forms
    """Make all that is kept older, as Redis' own clock can't be moved."""

    def older(tally: bytes) -> str:
        failures, last = tally.split()
        return f"{failures.decode()} {float(last) - seconds:.6f}"

    for key in client.keys("test:*"):
        kind = client.type(key)
        if kind == b"zset":
            for member in client.zrange(key, 0, -1):
                client.zincrby(key, -seconds, member)
        elif kind == b"hash":
            client.hset(key, mapping={at: older(one) for at, one in client.hgetall(key).items()})
        else:
            client.set(key, older(client.get(key)), keepttl=True)


# --- a name from one address ------------------------------------------------------------------


def test_eleven_failures_are_looked_at_and_then_not_even_the_right_password(logins: Aged) -> None:
    assert logins.fail(ALLOWED + 2) == (ALLOWED + 1) * [WRONG] + [BLOCKED]
    assert logins.succeed() is BLOCKED


def test_each_further_failure_makes_one_wait_twice_as_long(logins: Aged) -> None:
    waits = []
    logins.fail(ALLOWED + 1)
    for _ in range(6):
        waits.append(logins.waits_s("ada", HERE))
        logins.age(waits[-1] + 0.01)
        assert logins.fail(1) == [WRONG]

    assert waits == pytest.approx([15, 30, 60, 120, 240, 300], abs=1)


def test_who_waited_gets_in_and_all_is_forgotten(logins: Aged) -> None:
    logins.fail(ALLOWED + 1)
    logins.age(15.1)

    assert logins.succeed() is ADMITTED
    assert logins.fail(ALLOWED + 2) == (ALLOWED + 1) * [WRONG] + [BLOCKED]


def test_a_blocked_guess_makes_nobody_wait_longer(logins: Aged) -> None:
    logins.fail(ALLOWED + 1)
    logins.fail(500)

    assert logins.waits_s("ada", HERE) <= 15


def test_failures_are_forgotten_after_a_while_without_another(logins: Aged) -> None:
    logins.fail(ALLOWED)
    logins.age(WINDOW_S + 1)

    assert logins.fail(ALLOWED + 1) == (ALLOWED + 1) * [WRONG]


def test_names_count_exactly_as_they_came(logins: Aged) -> None:
    logins.fail(ALLOWED + 1)

    assert [logins.succeed(name) for name in ("Ada", "ada ", "阿达")] == 3 * [ADMITTED]


# --- strangers --------------------------------------------------------------------------------


def test_guesses_from_elsewhere_do_not_keep_a_person_out(logins: Aged) -> None:
    logins.succeed(address=HERE)
    logins.fail(5_000, address=ELSEWHERE)
    for number in range(60):
        logins.fail(2, address=f"192.0.2.{number}")

    assert logins.succeed(address=HERE) is ADMITTED
    assert logins.succeed(address=ELSEWHERE) is BLOCKED


def test_guesses_from_many_addresses_slow_down_and_end_soon(logins: Aged) -> None:
    verdicts = [logins.fail(1, address=f"192.0.2.{number}")[0] for number in range(60)]

    assert verdicts == (OF_NAME + 1) * [WRONG] + 8 * [BLOCKED] + [BLOCKED]
    assert 0 < logins.waits_s("ada", "") <= 1


def test_the_wait_that_strangers_make_stays_short(logins: Aged) -> None:
    for number in range(OF_NAME + 20):
        logins.fail(1, address=f"192.0.2.{number}")
        logins.age(15.1)

    assert logins.fail(1, address="198.51.100.1") == [WRONG]
    assert logins.waits_s("ada", "") == pytest.approx(15, abs=1)


def test_guesses_at_many_names_from_one_address_slow_down(logins: Aged) -> None:
    guesses = [Attempt(f"u{number}", ELSEWHERE, False) for number in range(300)]

    verdicts = logins.counts.judge(LIMITS, guesses)

    assert verdicts == (OF_ADDRESS + 1) * [WRONG] + (299 - OF_ADDRESS) * [BLOCKED]


def test_who_has_logged_in_from_an_address_does_not_pay_for_its_others(logins: Aged) -> None:
    logins.succeed("bob")
    logins.counts.judge(LIMITS, [Attempt(f"u{number}", HERE, False) for number in range(300)])

    assert logins.succeed("bob") is ADMITTED
    assert logins.succeed("cleo") is BLOCKED


def test_mistakes_that_end_in_a_login_do_not_count_for_the_address(logins: Aged) -> None:
    for number in range(3 * OF_ADDRESS):
        logins.fail(2, f"u{number}")
        assert logins.succeed(f"u{number}") is ADMITTED

    assert logins.fail(1, "bob") == [WRONG]


def test_all_who_have_no_address_are_not_one(logins: Aged) -> None:
    guesses = [Attempt(f"u{number}", UNKNOWN, False) for number in range(300)]

    assert logins.counts.judge(LIMITS, guesses) == 300 * [WRONG]


def test_a_limit_of_zero_is_none(logins: Aged) -> None:
    free = replace(LIMITS, pair=Limit(0, 0, 0), name=Limit(0, 1, 15), address=Limit(0, 1, 15))

    assert logins.counts.judge(free, 300 * [Attempt("ada", HERE, False)]) == 300 * [WRONG]


# --- forgiving, listing, bounds ---------------------------------------------------------------


def test_a_forgiven_name_is_as_new_at_every_address(logins: Aged) -> None:
    logins.succeed(address="10.0.0.9")
    for address in (HERE, ELSEWHERE):
        logins.fail(ALLOWED + 1, address=address)

    logins.counts.forgive("ada")

    assert [logins.succeed(address=address) for address in (HERE, ELSEWHERE)] == 2 * [ADMITTED]
    assert logins.counts.blocked(LIMITS) == []


def test_a_forgiven_address_may_try_all_names(logins: Aged) -> None:
    logins.counts.judge(LIMITS, [Attempt(f"u{number}", HERE, False) for number in range(300)])

    logins.counts.forgive_address(HERE)

    assert logins.succeed("bob") is ADMITTED


def test_who_is_blocked_is_listed_newest_first_and_nobody_else(logins: Aged) -> None:
    logins.fail(ALLOWED + 1)
    logins.age(5)
    logins.fail(ALLOWED + 3, "bob", ELSEWHERE)
    logins.fail(ALLOWED, "cleo")

    found = logins.counts.blocked(LIMITS)

    assert [(one.name, one.address, one.failures) for one in found] == [
        ("bob", ELSEWHERE, ALLOWED + 1),
        ("ada", HERE, ALLOWED + 1),
    ]


def test_who_was_untouched_for_longest_is_forgotten_first(
    logins: Aged, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (login_counts, shared_login_counts):
        monkeypatch.setattr(module, "NAMES_KEPT", 3)
        monkeypatch.setattr(module, "ADDRESSES_PER_NAME", 2)
    for number, name in enumerate(("ada", "bob", "cleo", "dan")):
        logins.fail(ALLOWED + 1, name, f"10.0.0.{number}")
        logins.age(0.001)
        logins.fail(1, "ada", f"10.1.0.{number}")
        logins.age(0.001)

    found = {(one.name, one.address) for one in logins.counts.blocked(LIMITS)}

    assert found == {("ada", "10.0.0.0"), ("cleo", "10.0.0.2"), ("dan", "10.0.0.3")}


def test_guesses_at_several_gateways_at_once_get_no_more_tries(redis: Redis) -> None:
    def guess(gateway: int) -> list[Verdict]:
        counts = SharedCounts(redis, "test:")
        return [counts.judge(LIMITS, [Attempt("ada", HERE, False)])[0] for _ in range(10)]

    with ThreadPoolExecutor(8) as gateways:
        verdicts = [verdict for some in gateways.map(guess, range(8)) for verdict in some]

    assert verdicts.count(WRONG) == ALLOWED + 1


def test_all_that_redis_keeps_expires(redis: Redis) -> None:
    counts = SharedCounts(redis, "test:")
    counts.judge(LIMITS, [Attempt("ada", HERE, False), Attempt("bob", HERE, True)])
    counts.judge(LIMITS, [Attempt("ada", HERE, True), Attempt("bob", HERE, False)])

    assert {redis.ttl(key) > 0 for key in redis.keys("test:*")} == {True}


# --- what an address counts as ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "home"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:50000", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("[::ffff:10.0.0.1]:50000", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:50000", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("[::1]:50000", "::/64"),
        ("?:0", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_an_address_counts_as_itself_and_an_ipv6_address_as_its_network(
    peer: str, home: str
) -> None:
    assert home_of(peer) == home
