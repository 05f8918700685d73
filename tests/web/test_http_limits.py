"""When an HTTP connection takes too long, and how many there may be: by a clock of the test's."""

import pytest

from tcpgateway.http.limits import Limits, Places, Progress

LIMITS = Limits(connections=3, connections_per_address=2, header_s=10, idle_s=30, bytes_per_s=1000)


def complaint(progress: Progress, now: float, *, unsent: int = 0, sent: int = 0) -> str:
    return progress.complaint(LIMITS, now, unsent=unsent, sent=sent)


def test_a_header_has_its_time_whatever_trickles_in() -> None:
    progress = Progress(100)
    for second in range(10):
        progress.received(1, 100 + second)

    assert complaint(progress, 110) == ""
    assert complaint(progress, 110.1) == "no whole header in time"


def test_a_body_has_to_move() -> None:
    progress = Progress(100)
    progress.header_ended(105)
    progress.received(5000, 112)

    assert complaint(progress, 115) == ""
    assert complaint(progress, 120) == ""
    assert complaint(progress, 120.1) == "its body comes too slowly"


def test_an_answer_may_take_as_long_as_the_server_likes() -> None:
    progress = Progress(100)
    progress.header_ended(100)
    progress.request_ended(100)

    assert complaint(progress, 10_000) == ""


def test_between_requests_a_connection_may_idle_for_a_while() -> None:
    progress = Progress(100)
    progress.header_ended(100)
    progress.request_ended(100)
    progress.answer_ended(101)

    assert complaint(progress, 131) == ""
    assert complaint(progress, 131.1) == "idle"

    progress.received(1, 131.2)  # the next request has its own time
    assert complaint(progress, 141) == ""
    assert complaint(progress, 141.3) == "no whole header in time"


def test_an_answer_has_to_be_read() -> None:
    progress = Progress(100)
    progress.request_ended(100)

    assert complaint(progress, 101, unsent=50_000, sent=10_000) == ""
    assert complaint(progress, 111.1, unsent=50_000, sent=21_000) == ""  # by the second
    assert complaint(progress, 121, unsent=50_000, sent=21_500) == ""
    assert complaint(progress, 121.2, unsent=40_000, sent=30_000) == "it reads too slowly"


def test_who_reads_all_begins_anew() -> None:
    progress = Progress(100)
    progress.request_ended(100)
    complaint(progress, 101, unsent=50_000)

    assert complaint(progress, 105) == ""
    assert complaint(progress, 200, unsent=50_000) == ""


def test_what_is_unread_counts_after_the_answer_too() -> None:
    progress = Progress(100)
    progress.request_ended(100)
    progress.answer_ended(100)
    complaint(progress, 101, unsent=50_000)

    assert complaint(progress, 111.1, unsent=50_000) == "it reads too slowly"


def test_there_are_places_for_all_and_for_each_address(caplog: pytest.LogCaptureFixture) -> None:
    places = Places(LIMITS)

    assert [places.enter(address, 0) for address in ("a", "a", "a", "b", "c")] == [
        True, True, False, True, False,
    ]  # fmt: skip
    places.leave("a")
    assert places.enter("c", 1)
    assert places.taken == 3
    assert len(caplog.records) == 1  # one line for a while


def test_proxies_have_no_bound_of_their_own() -> None:
    places = Places(LIMITS)

    assert [places.enter("", 0) for _ in range(4)] == [True, True, True, False]
