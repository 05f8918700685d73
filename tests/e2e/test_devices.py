"""One person, several devices: which displace each other, and what phones hear of the PC."""

import asyncio
import itertools

import pytest

from im.types import ClientType, KickReason, OnlineStatus
from im.wire.catalog import Command
from im.wire.proto import buddy_pb2, login_pb2, message_pb2
from tests.client import Client
from tests.people import Entrance, People

ONLINE, OFFLINE = int(OnlineStatus.ONLINE), int(OnlineStatus.OFFLINE)
SAME_CLASS = [
    pytest.param(ClientType.WINDOWS, ClientType.WINDOWS, id="Windows, Windows"),
    pytest.param(ClientType.WINDOWS, ClientType.MAC, id="Windows, Mac"),
    pytest.param(ClientType.MAC, ClientType.WINDOWS, id="Mac, Windows"),
    pytest.param(ClientType.IOS, ClientType.ANDROID, id="iOS, Android"),
    pytest.param(ClientType.ANDROID, ClientType.IOS, id="Android, iOS"),
    pytest.param(ClientType.WEB, ClientType.WEB, id="web, web"),
]


async def pc_statuses(phone: Client) -> list[int]:
    """Return what the phone has been told of its user's PC so far."""
    notices = await phone.arrived(buddy_pb2.IMPCLoginStatusNotify)
    assert {notice.user_id for notice in notices} <= {phone.user_id}
    return [notice.login_stat for notice in notices]


# --- displacement -----------------------------------------------------------------------------


@pytest.mark.parametrize(("old_type", "new_type"), SAME_CLASS)
async def test_a_newer_login_displaces_the_older_one_of_its_class(
    entrance: Entrance, people: People, old_type: ClientType, new_type: ClientType
) -> None:
    [ada] = people(1)
    old = await entrance.log_in(ada, old_type)
    await old.arrived(message_pb2.IMMsgData)

    new = await entrance.log_in(ada, new_type)

    notice = await old.receive_pdu(login_pb2.IMKickUser)
    kick = login_pb2.IMKickUser.FromString(notice.body)
    assert (kick.user_id, kick.kick_reason) == (ada.id, int(KickReason.DUPLICATE_USER))
    assert notice.seq == 0
    assert await old.closed()
    assert await new.unread_counts() == {}


async def test_a_displaced_connection_hears_nothing_after_its_kick(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    old = await entrance.log_in(ada)
    sender = await entrance.log_in(bob)
    await old.arrived(message_pb2.IMMsgData)

    new = await entrance.log_in(ada)
    await sender.tell(ada.id, "to the new one")

    assert (await new.receive(message_pb2.IMMsgData)).msg_data == b"to the new one"
    assert await old.closed()
    # The notice that the user is online again would have come after the kick.
    assert old.unread[-1].command_id == Command.LOGIN_KICK_USER
    assert Command.MSG_DATA not in {pdu.command_id for pdu in old.unread}


async def test_a_displaced_connection_is_not_obeyed_any_more(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    old = await entrance.log_in(ada)
    new = await entrance.log_in(ada)
    await old.receive(login_pb2.IMKickUser)

    old.say(bob.id, "from beyond")
    old.send(message_pb2.IMClientTimeReq())

    assert await old.closed()
    assert {pdu.command_id for pdu in old.unread} <= {Command.BUDDY_LIST_STATUS_NOTIFY}
    assert await new.history(bob.id) == []


async def test_whoever_ignores_the_kick_does_not_shield_the_next_one(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    devices = [await entrance.log_in(ada, ClientType.MAC) for _ in range(3)]

    for displaced in devices[:-1]:
        assert (await displaced.receive(login_pb2.IMKickUser)).user_id == ada.id
    assert await devices[-1].arrived(login_pb2.IMKickUser) == []


async def test_of_logins_at_once_exactly_one_stays(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    connections = [await entrance.connect() for _ in range(8)]

    await asyncio.gather(*(connection.log_in(ada.name) for connection in connections))

    kicks = {asyncio.create_task(c.receive(login_pb2.IMKickUser)): c for c in connections}
    for kicked in itertools.islice(asyncio.as_completed(kicks), len(connections) - 1):
        assert (await kicked).user_id == ada.id
    [(waiting, staying)] = [(task, c) for task, c in kicks.items() if not task.done()]
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await staying.unread_counts() == {}


async def test_pc_phone_and_web_stay_together(entrance: Entrance, people: People) -> None:
    ada, bob = people(2)
    types = (ClientType.WINDOWS, ClientType.IOS, ClientType.WEB)
    devices = [await entrance.log_in(ada, client_type) for client_type in types]
    sender = await entrance.log_in(bob)

    await sender.tell(ada.id, "to all three")

    for device in devices:
        assert (await device.receive(message_pb2.IMMsgData)).msg_data == b"to all three"
        assert await device.arrived(login_pb2.IMKickUser) == []


async def test_a_refused_login_displaces_nobody(entrance: Entrance, people: People) -> None:
    [ada] = people(1)
    device = await entrance.log_in(ada)
    stranger = await entrance.connect()

    await stranger.try_log_in(ada.name, "wrong")

    assert await device.arrived(login_pb2.IMKickUser) == []


# --- what phones hear of the PC ---------------------------------------------------------------


@pytest.mark.parametrize("pc_type", [ClientType.WINDOWS, ClientType.MAC, ClientType.WEB])
async def test_a_phone_hears_that_the_pc_comes_and_goes(
    entrance: Entrance, people: People, pc_type: ClientType
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.ANDROID)

    pc = await entrance.log_in(ada, pc_type)
    coming = await phone.receive_pdu(buddy_pb2.IMPCLoginStatusNotify)
    await pc.close()
    going = await phone.receive(buddy_pb2.IMPCLoginStatusNotify)

    notice = buddy_pb2.IMPCLoginStatusNotify.FromString(coming.body)
    assert (notice.user_id, notice.login_stat, coming.seq) == (ada.id, ONLINE, 0)
    assert (going.user_id, going.login_stat) == (ada.id, OFFLINE)


async def test_a_phone_that_comes_later_hears_that_the_pc_is_on(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    await entrance.log_in(ada, ClientType.MAC)

    phone = await entrance.log_in(ada, ClientType.IOS)

    assert await pc_statuses(phone) == [ONLINE]


async def test_a_phone_without_a_pc_hears_nothing(entrance: Entrance, people: People) -> None:
    [ada] = people(1)

    phone = await entrance.log_in(ada, ClientType.IOS)

    assert await pc_statuses(phone) == []


async def test_the_pc_itself_hears_nothing_of_its_own_coming(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)

    pc = await entrance.log_in(ada)
    await entrance.log_in(ada, ClientType.IOS)
    await pc.receive(buddy_pb2.IMUserStatNotify)

    assert await pc.arrived(buddy_pb2.IMPCLoginStatusNotify) == []


async def test_a_phone_hears_of_a_new_pc_but_not_of_the_end_of_the_old(
    entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    phone = await entrance.log_in(ada, ClientType.IOS)
    old = await entrance.log_in(ada, ClientType.WINDOWS)
    told = [await phone.receive(buddy_pb2.IMPCLoginStatusNotify)]

    await entrance.log_in(ada, ClientType.MAC)
    told.append(await phone.receive(buddy_pb2.IMPCLoginStatusNotify))
    assert await old.closed()

    assert [notice.login_stat for notice in told] == [ONLINE, ONLINE]
    assert await pc_statuses(phone) == []


async def test_other_peoples_phones_hear_nothing_of_a_pc(
    entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    phone = await entrance.log_in(bob, ClientType.IOS)

    pc = await entrance.log_in(ada)
    await pc.receive(buddy_pb2.IMUserStatNotify)  # when this is told, that would have been

    assert await pc_statuses(phone) == []
