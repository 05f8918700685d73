"""The trace of pushed messages: what it remembers, and that it has a bound."""

import pytest

from im.delivery.local.push_trace import Trace
from im.delivery.local.sessions import Delivery, Sessions
from im.delivery.local.unacked import UnackedDeliveries
from im.types import ClientType, DeviceClass, MessagePlace, SessionType
from tests.doubles import RecordingLink, session_on

PLACE = MessagePlace(SessionType.SINGLE, 1, 2, 7)


@pytest.fixture
def sessions() -> Sessions:
    sessions = Sessions(UnackedDeliveries(seconds=10, items=10))
    for user_id, client_type in ((1, ClientType.MAC), (2, ClientType.WINDOWS), (2, ClientType.IOS)):
        sessions.bind(session_on(RecordingLink()), user_id, client_type)
    return sessions


def test_a_message_is_found_with_the_connections_it_was_pushed_to(sessions: Sessions) -> None:
    sessions.deliver(Delivery(b"", (1, 2), place=PLACE), skip=sessions.of_user(1)[0])
    sessions.deliver(Delivery(b"", (1, 2), place=MessagePlace(SessionType.SINGLE, 1, 2, 8)))
    phone = sessions.of_user(2)[1]
    sessions.trace.arrived(phone.id, 1, 7)

    found = sessions.trace.find(PLACE)

    assert [(push.user_id, push.client_type) for push in found] == [
        (2, ClientType.WINDOWS),
        (2, ClientType.IOS),
    ]
    assert [push.arrived_at is not None for push in found] == [False, True]


def test_what_is_no_message_is_not_remembered(sessions: Sessions) -> None:
    sessions.deliver(Delivery(b"", (1, 2)))

    assert sessions.trace.find(PLACE) == []


def test_the_newest_pushes_take_the_places_of_the_oldest() -> None:
    trace = Trace(items=3)
    places = [MessagePlace(SessionType.GROUP, 1, 5, number) for number in range(5)]

    for place in places:
        trace.pushed(place, 2, ClientType.MAC, 1)

    assert [len(trace.find(place)) for place in places] == [0, 0, 1, 1, 1]


def test_a_delivery_keeps_its_place_on_the_way_to_another_gateway() -> None:
    delivery = Delivery(b"pdu", (1, 2), DeviceClass.PC, message=(1, 7), place=PLACE)

    assert Delivery.from_plain(*delivery.plain()) == delivery
