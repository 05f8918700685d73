"""Signals (P2P commands): passed on at once, kept nowhere, always in the sender's own name."""

from im.types import ClientType
from im.wire.proto import switch_service_pb2
from tests.client import Client
from tests.people import Entrance, People

Signal = switch_service_pb2.IMP2PCmdMsg
TYPING = '{"cmd_id":65538,"content":"{}","service_id":1}'


def signal(to_user_id: int, content: str = TYPING, from_user_id: int = 0) -> Signal:
    return Signal(from_user_id=from_user_id, to_user_id=to_user_id, cmd_msg_data=content)


async def heard(client: Client) -> list[tuple[int, int]]:
    """Return sender and receiver of the signals that have come so far."""
    return [(s.from_user_id, s.to_user_id) for s in await client.arrived(Signal)]


async def test_a_signal_reaches_the_receivers_devices_and_the_senders_others_once(
    entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    a, a_phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)
    b, b_phone = await entrance.log_in(bob), await entrance.log_in(bob, ClientType.ANDROID)
    c = await entrance.log_in(cleo)

    a.send(signal(bob.id), seq=77)

    for device in (a_phone, b, b_phone):
        pdu = await device.receive_pdu(Signal)
        assert (pdu.seq, Signal.FromString(pdu.body)) == (0, signal(bob.id, from_user_id=ada.id))
        assert await heard(device) == []
    assert await heard(a) == await heard(c) == []


async def test_a_signal_comes_from_whom_the_connection_belongs_to(
    entrance: Entrance, people: People
) -> None:
    ada, bob, cleo = people(3)
    a, b, c = [await entrance.log_in(person) for person in (ada, bob, cleo)]

    a.send(signal(bob.id, from_user_id=cleo.id))

    assert (await b.receive(Signal)).from_user_id == ada.id
    assert await heard(c) == []


async def test_the_senders_other_device_gets_a_signal_to_somebody_offline(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    a, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)

    a.send(signal(bob.id))
    await phone.receive(Signal)
    b = await entrance.log_in(bob)

    assert await heard(b) == []
    assert await b.unread_counts() == {}


async def test_a_signal_to_oneself_reaches_the_other_device_once(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    a, phone = await entrance.log_in(ada), await entrance.log_in(ada, ClientType.IOS)

    a.send(signal(ada.id))
    await phone.receive(Signal)

    assert await heard(phone) == await heard(a) == []


async def test_a_signal_that_is_too_long_is_dropped(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    a, b = await entrance.log_in(ada), await entrance.log_in(bob)

    a.send(signal(bob.id, "x" * 4097))
    a.send(signal(bob.id, "x" * 4096))

    assert len((await b.receive(Signal)).cmd_msg_data) == 4096
    assert await a.unread_counts() == {}
