"""What clients bring about is logged some times, then counted, and told once a minute."""

import logging

import pytest

from im.peer_log import IN_FULL, MAX_CLIENTS, PERIOD_S, OfLibraries, PeerLog, Repetitions


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def repetitions(clock: Clock) -> Repetitions:
    return Repetitions(clock)


@pytest.fixture
def log(repetitions: Repetitions, caplog: pytest.LogCaptureFixture) -> PeerLog:
    caplog.set_level(logging.INFO, "test.peers")
    return PeerLog("test.peers", repetitions)


def test_some_lines_are_logged_and_the_others_counted_once_a_minute(
    log: PeerLog, clock: Clock, repetitions: Repetitions, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        log.info("user 7", "dropped body %d", number)
    at_once = caplog.messages[:]
    clock.now_s += PERIOD_S
    repetitions.account()

    assert at_once == [f"dropped body {number}" for number in range(IN_FULL)]
    assert caplog.messages[IN_FULL:] == [f"{10_000 - IN_FULL} more, user 7: dropped body {IN_FULL}"]


def test_an_account_comes_with_the_next_line_too(
    log: PeerLog, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(IN_FULL + 2):
        log.warning("user 7", "too slow")
    clock.now_s += PERIOD_S
    log.warning("user 8", "too slow")

    assert caplog.messages[IN_FULL:] == ["2 more, user 7: too slow", "too slow"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_kinds_and_clients_are_counted_apart(
    log: PeerLog, caplog: pytest.LogCaptureFixture
) -> None:
    for whose in ("user 7", "user 8"):
        for text in ("dropped", "refused"):
            for _ in range(2 * IN_FULL):
                log.info(whose, text)

    assert len(caplog.messages) == 4 * IN_FULL


def test_many_strangers_are_counted_together(
    log: PeerLog, clock: Clock, repetitions: Repetitions, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        log.info(("192.0.2.1", number), "closing %d", number)
    at_once = len(caplog.messages)
    clock.now_s += PERIOD_S
    repetitions.account()

    assert at_once == MAX_CLIENTS + IN_FULL
    [account] = caplog.messages[at_once:]
    assert account.startswith(f"{10_000 - at_once} more, others: closing ")


def test_a_minute_of_silence_begins_anew(
    log: PeerLog, clock: Clock, repetitions: Repetitions, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        log.info("user 7", "dropped")
        clock.now_s += PERIOD_S
        repetitions.account()

    assert caplog.messages == 3 * ["dropped"]


def test_an_error_keeps_its_traceback_and_another_error_is_of_another_kind(
    log: PeerLog, caplog: pytest.LogCaptureFixture
) -> None:
    for error in [ValueError()] * 5 + [KeyError()]:
        log.error("user 7", "failed", exc_info=error)

    kinds = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert kinds == [ValueError] * IN_FULL + [KeyError]


def test_what_is_not_logged_is_not_counted(
    log: PeerLog, clock: Clock, repetitions: Repetitions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "test.peers")
    for _ in range(2 * IN_FULL):
        log.info("user 7", "dropped")
    clock.now_s += PERIOD_S
    repetitions.account()

    assert caplog.messages == []


def test_the_last_account_is_told_at_the_end(
    log: PeerLog, repetitions: Repetitions, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(IN_FULL + 1):
        log.info("user 7", "dropped")
    repetitions.account(now=True)

    assert caplog.messages[-1] == "1 more, user 7: dropped"


def record(name: str, text: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, text, (), None)


def test_libraries_lines_about_requests_are_counted_and_no_others(
    repetitions: Repetitions,
) -> None:
    filter_ = OfLibraries(repetitions)

    hosts = [
        filter_.filter(record("django.security.DisallowedHost", f"Invalid host: {number}"))
        for number in range(100)
    ]
    others = [filter_.filter(record("im.storage.writer.writer", "x")) for _ in range(100)]

    assert sum(hosts) == IN_FULL
    assert all(others)
