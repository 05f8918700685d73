"""Networks that people are connected from."""

import pytest

from im.delivery.local.sessions import Session, Sessions
from im.delivery.local.unacked import UnackedDeliveries
from im.networks import is_within
from im.types import ClientType
from tests.doubles import RecordingLink, session_on

ADA, BOB = 1, 2
OFFICE, HOME = "192.0.2.1", "198.51.100.7"


@pytest.mark.parametrize(
    ("host", "is_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::5", True),
        ("11.1.2.3", False),
        ("", False),
    ],
)
def test_a_host_is_in_a_network_or_not(host: str, is_in: bool) -> None:
    assert is_within(host, ["10.0.0.0/8", "2001:db8::/32"]) is is_in


def test_somebody_with_two_devices_is_one_of_the_people_until_both_are_gone() -> None:
    sessions = Sessions(UnackedDeliveries(seconds=1, items=1))
    at_office = [bound(sessions, user_id, OFFICE) for user_id in (ADA, ADA, BOB)]
    bound(sessions, ADA, HOME)

    counts = [sessions.people_at(OFFICE)]
    for session in at_office:
        sessions.unbind(session)
        counts.append(sessions.people_at(OFFICE))

    assert counts == [2, 2, 1, 0]
    assert sessions.people_at(HOME) == 1


def bound(sessions: Sessions, user_id: int, address: str) -> Session:
    link = RecordingLink()
    link.peer = f"{address}:4711"
    session = session_on(link)
    sessions.bind(session, user_id, ClientType.WINDOWS)
    return session
