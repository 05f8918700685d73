"""Bodies of requests while they arrive: so much of them at once, and of one address a share."""

import pytest

from tcpgateway.http.bodies import FREE_BYTES, SHARE, Bodies, Body

MOST = 400_000
PART = MOST // SHARE
LIMIT = 1_000_000
HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def bodies() -> Bodies:
    return Bodies(MOST)


def body(bodies: Bodies, address: str = HERE, *pieces: int, limit: int = LIMIT) -> Body:
    """Return a body of which pieces of these lengths have come."""
    made = Body(bodies, address, limit)
    for length in pieces:
        made.kept(bytes(length))
    return made


def test_a_piece_is_kept_as_far_as_the_limit() -> None:
    made = Body(Bodies(MOST), HERE, 1000)

    assert [len(made.kept(bytes(600))) for _ in range(3)] == [600, 400, 0]
    assert not made.is_dropped


def test_one_address_takes_its_share_and_no_more(bodies: Bodies) -> None:
    first = body(bodies, HERE, FREE_BYTES, PART)

    second = body(bodies, HERE, FREE_BYTES + 1)
    other = body(bodies, THERE, FREE_BYTES, PART)

    assert (first.is_dropped, second.is_dropped, other.is_dropped) == (False, True, False)


def test_all_addresses_take_no_more_than_all(bodies: Bodies) -> None:
    full = [body(bodies, f"192.0.2.{number}", FREE_BYTES + PART) for number in range(SHARE)]

    assert not any(one.is_dropped for one in full)
    assert body(bodies, THERE, FREE_BYTES + 1).is_dropped


def test_a_short_body_is_taken_however_much_is_held(bodies: Bodies) -> None:
    for number in range(SHARE):
        body(bodies, f"192.0.2.{number}", FREE_BYTES + PART)

    assert not body(bodies, HERE, FREE_BYTES).is_dropped


def test_what_was_dropped_stays_so(bodies: Bodies) -> None:
    held = body(bodies, HERE, FREE_BYTES + PART)
    dropped = body(bodies, HERE, FREE_BYTES + 1)
    held.forget()

    assert dropped.kept(b"more") == b""


def test_what_is_answered_or_broken_off_makes_room_once(bodies: Bodies) -> None:
    held = body(bodies, HERE, FREE_BYTES + PART)
    dropped = body(bodies, HERE, FREE_BYTES + 1)
    for one in (held, held, dropped):
        one.forget()

    assert not body(bodies, HERE, FREE_BYTES + PART).is_dropped
    assert body(bodies, HERE, FREE_BYTES + 1).is_dropped
