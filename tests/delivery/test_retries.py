"""What is remembered of each sender's last messages, for how long, and that it does not grow."""

import time

import pytest

from im.delivery.local.duplicate_filter import RetryMemory
from im.delivery.local.sessions import Session
from tests.doubles import RecordingLink, session_on

SECONDS = 30.0


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


@pytest.fixture
def memory(clock: Clock) -> RetryMemory:
    return RetryMemory(items=3, seconds=SECONDS)


def of(user_id: int) -> Session:
    """Return a connection of a user's."""
    session = session_on(RecordingLink())
    session.user_id = user_id
    return session


ADA, BOB = of(1), of(2)


def test_an_attempt_is_recalled_on_its_way_and_stored(memory: RetryMemory) -> None:
    assert memory.begin(ADA, "key") is None

    on_its_way = memory.begin(ADA, "key")
    assert on_its_way is not None
    assert on_its_way.msg_id == 0
    memory.stored(ADA, "key", 7)
    stored = memory.begin(ADA, "key")
    assert stored is not None
    assert stored.msg_id == 7


def test_who_waits_for_an_attempt_is_told_once(memory: RetryMemory) -> None:
    session = session_on(RecordingLink())
    memory.begin(ADA, "key")
    retry = memory.begin(ADA, "key")
    assert retry is not None
    retry.waiting = [session]

    assert list(memory.stored(ADA, "key", 7)) == [session]
    assert list(memory.stored(ADA, "key", 7)) == []
    assert list(memory.stored(ADA, "another key", 8)) == []
    assert list(memory.stored(BOB, "key", 9)) == []


def test_senders_do_not_share_their_keys(memory: RetryMemory) -> None:
    memory.begin(ADA, "key")

    assert memory.begin(BOB, "key") is None
    assert memory.begin(ADA, "another key") is None


def test_an_attempt_is_forgotten_after_its_time(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(ADA, "key")

    clock.now_s += SECONDS - 1
    assert memory.begin(ADA, "key") is not None
    clock.now_s += 2
    assert memory.begin(ADA, "key") is None


def test_only_the_last_few_of_a_sender_are_kept(memory: RetryMemory) -> None:
    for key in "abcd":
        memory.begin(ADA, key)

    assert [memory.begin(ADA, key) is not None for key in "bcda"] == [True, True, True, False]


def test_an_expired_attempt_made_again_is_the_youngest(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(ADA, "a")
    clock.now_s += SECONDS + 1
    for key in "bca":
        memory.begin(ADA, key)

    memory.begin(ADA, "d")

    assert [memory.begin(ADA, key) is not None for key in "acdb"] == [True, True, True, False]


def test_what_was_not_stored_is_forgotten_at_once(memory: RetryMemory) -> None:
    memory.begin(ADA, "key")

    memory.forget(ADA, "key")
    memory.forget(ADA, "no such key")
    memory.forget(BOB, "no such sender")

    assert memory.begin(ADA, "key") is None


def test_how_one_attempt_ended_is_not_noted_of_another_connections(memory: RetryMemory) -> None:
    other = of(1)
    memory.begin(ADA, "key")
    assert memory.begin(other, "key") is None

    assert list(memory.stored(ADA, "key", 7)) == []
    memory.forget(ADA, "key")

    on_its_way = memory.begin(other, "key")
    assert on_its_way is not None
    assert on_its_way.msg_id == 0


def test_who_has_long_been_silent_takes_no_room(memory: RetryMemory, clock: Clock) -> None:
    for sender_id in range(1000):
        memory.begin(of(sender_id), "key")
    clock.now_s += SECONDS + 1

    last = of(1000)
    for number in range(600):
        memory.begin(last, number)

    assert len(memory) == 1


def test_who_writes_on_is_not_taken_for_silent(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(ADA, "first")
    clock.now_s += SECONDS - 1
    memory.begin(BOB, "key")
    memory.begin(ADA, "second")
    clock.now_s += 2

    memory.begin(of(3), "key")

    assert memory.begin(ADA, "second") is not None
    assert memory.begin(BOB, "key") is not None
