"""What is remembered of each sender's last messages, for how long, and that it does not grow."""

import time

import pytest

from im.delivery.retries import RetryMemory
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


def test_an_attempt_is_recalled_on_its_way_and_stored(memory: RetryMemory) -> None:
    assert memory.begin(1, "key") is None

    on_its_way = memory.begin(1, "key")
    assert on_its_way is not None
    assert on_its_way.msg_id == 0
    memory.stored(1, "key", 7)
    stored = memory.begin(1, "key")
    assert stored is not None
    assert stored.msg_id == 7


def test_who_waits_for_an_attempt_is_told_once(memory: RetryMemory) -> None:
    session = session_on(RecordingLink())
    memory.begin(1, "key")
    retry = memory.begin(1, "key")
    assert retry is not None
    retry.waiting = [session]

    assert list(memory.stored(1, "key", 7)) == [session]
    assert list(memory.stored(1, "key", 7)) == []
    assert list(memory.stored(1, "another key", 8)) == []
    assert list(memory.stored(2, "key", 9)) == []


def test_senders_do_not_share_their_keys(memory: RetryMemory) -> None:
    memory.begin(1, "key")

    assert memory.begin(2, "key") is None
    assert memory.begin(1, "another key") is None


def test_an_attempt_is_forgotten_after_its_time(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(1, "key")

    clock.now_s += SECONDS - 1
    assert memory.begin(1, "key") is not None
    clock.now_s += 2
    assert memory.begin(1, "key") is None


def test_only_the_last_few_of_a_sender_are_kept(memory: RetryMemory) -> None:
    for key in "abcd":
        memory.begin(1, key)

    assert [memory.begin(1, key) is not None for key in "bcda"] == [True, True, True, False]


def test_an_expired_attempt_made_again_is_the_youngest(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(1, "a")
    clock.now_s += SECONDS + 1
    for key in "bca":
        memory.begin(1, key)

    memory.begin(1, "d")

    assert [memory.begin(1, key) is not None for key in "acdb"] == [True, True, True, False]


def test_what_was_not_stored_is_forgotten_at_once(memory: RetryMemory) -> None:
    memory.begin(1, "key")

    memory.forget(1, "key")
    memory.forget(1, "no such key")
    memory.forget(2, "no such sender")

    assert memory.begin(1, "key") is None


def test_who_has_long_been_silent_takes_no_room(memory: RetryMemory, clock: Clock) -> None:
    for sender_id in range(1000):
        memory.begin(sender_id, "key")
    clock.now_s += SECONDS + 1

    for number in range(600):
        memory.begin(1000, number)

    assert len(memory) == 1


def test_who_writes_on_is_not_taken_for_silent(memory: RetryMemory, clock: Clock) -> None:
    memory.begin(1, "first")
    clock.now_s += SECONDS - 1
    memory.begin(2, "key")
    memory.begin(1, "second")
    clock.now_s += 2

    memory.begin(3, "key")

    assert memory.begin(1, "second") is not None
    assert memory.begin(2, "key") is not None
