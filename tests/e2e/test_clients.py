"""The four clients, imitated: what each does from switching on to the first idle minute."""

import time

import pytest
from django.conf import settings

from im.types import ClientType, OnlineStatus, SessionType
from im.wire import cipher
from im.wire.pdu import HEADER, HEADER_LENGTH
from im.wire.proto import buddy_pb2, message_pb2
from tests.e2e.clients import IOS, Android, Device, Mac, Windows
from tests.e2e.conftest import SwitchOn
from tests.e2e.database import Database
from tests.people import Entrance, People
from tests.server import Server

SINGLE, GROUP = int(SessionType.SINGLE), int(SessionType.GROUP)
ALL = [Windows, Mac, IOS, Android]
# One client of each class; what it is told of the other's doings.
PAIRS = [(Windows, Android), (Windows, IOS), (Mac, Android), (Mac, IOS)]
HEARTBEATS = {
    Windows: "00000010 0001 0000 0007 0701 0000 0000",
    Mac: "00000010 0001 0000 0007 0701 0005 0000",
    IOS: "00000010 000d 0000 0007 0701 0005 0001",
    Android: "00000010 0006 0000 0007 0701 0005 0030",
}

every_client = pytest.mark.parametrize("kind", ALL)


def encrypted(text: str) -> bytes:
    return cipher.encrypt_text(text, settings.IM_AES_KEY.encode())


def add_group(database: Database, group_id: int, *member_ids: int) -> None:
    """Add a fixed group in its first version."""
    database.change(
        "INSERT INTO IMGroup (id, name, avatar, creator, type, status, version, created, updated)"
        " VALUES (%s, %s, '', %s, 1, 0, 1, 1, 1)",
        group_id,
        f"group {group_id}",
        member_ids[0],
    )
    for user_id in member_ids:
        database.change(
            "INSERT INTO IMGroupMember (groupId, userId, status) VALUES (%s, %s, 0)",
            group_id,
            user_id,
        )


# --- the first login --------------------------------------------------------------------------


@every_client
async def test_a_first_login_brings_everybody(
    switch_on: SwitchOn, people: People, database: Database, kind: type[Device]
) -> None:
    [ada] = people(1)

    client = await switch_on(kind, ada)

    rows = database.rows("SELECT id, nick FROM IMUser WHERE status <> 3 ORDER BY id")
    assert [(row.user_id, row.user_nick_name) for row in client.cache.people.values()] == rows


@pytest.mark.parametrize("kind", [Windows, Mac, Android])
async def test_a_first_login_brings_the_departments(
    switch_on: SwitchOn, people: People, database: Database, kind: type[Device]
) -> None:
    [ada] = people(1)

    client = await switch_on(kind, ada)

    rows = database.rows("SELECT id, parentId, departName, status FROM IMDepart ORDER BY id")
    found = [
        (row.dept_id, row.parent_dept_id, row.dept_name, row.dept_status)
        for row in client.cache.departments.values()
    ]
    assert found == rows


@every_client
async def test_a_first_login_brings_conversations_and_what_is_unread_in_them(
    entrance: Entrance, switch_on: SwitchOn, people: People, kind: type[Device]
) -> None:
    ada, bob, cleo = people(3)
    talker = await entrance.log_in(bob)
    for number in range(1, 4):
        await talker.tell(ada.id, encrypted(f"text {number}"))
    await (await entrance.log_in(cleo)).tell(ada.id, encrypted("read elsewhere"))
    await (await entrance.log_in(ada)).mark_read(cleo.id, 1)

    client = await switch_on(kind, ada)

    cache = client.cache
    assert set(cache.sessions) == {(SINGLE, bob.id), (SINGLE, cleo.id)}
    newest = cache.sessions[SINGLE, bob.id]
    assert (newest.latest_msg_id, newest.latest_msg_data) == (3, encrypted("text 3"))
    assert newest.latest_msg_from_user_id == bob.id
    assert cache.unread == {(SINGLE, bob.id): 3}
    assert cache.messages[SINGLE, bob.id] == {
        number: encrypted(f"text {number}") for number in (1, 2, 3)
    }


@pytest.mark.parametrize("kind", [Mac, IOS, Android])
async def test_a_first_login_brings_ones_groups(
    switch_on: SwitchOn, people: People, database: Database, kind: type[Device]
) -> None:
    ada, bob, cleo = people(3)
    add_group(database, 10_000 + ada.id, ada.id, bob.id)
    add_group(database, 10_000 + bob.id, bob.id, cleo.id)

    client = await switch_on(kind, ada)

    [group] = client.cache.groups.values()
    assert (group.group_id, group.group_name) == (10_000 + ada.id, f"group {10_000 + ada.id}")
    assert list(group.group_member_list) == sorted((ada.id, bob.id), key=str)
    assert client.cache.group_versions == {group.group_id: 1}


@pytest.mark.parametrize(("pc", "phone"), PAIRS)
async def test_a_pc_and_a_phone_see_each_other_come_and_go(
    switch_on: SwitchOn, people: People, pc: type[Device], phone: type[Device]
) -> None:
    [ada] = people(1)

    on_pc = await switch_on(pc, ada)
    on_phone = await switch_on(phone, ada)
    told = [await on_phone.receive(buddy_pb2.IMPCLoginStatusNotify)]
    await on_pc.close()
    # That the PC is on may be told twice: for the phone's login, and for the PC's a moment before.
    while told[-1].login_stat == int(OnlineStatus.ONLINE):
        told.append(await on_phone.receive(buddy_pb2.IMPCLoginStatusNotify))

    assert told[0].login_stat == int(OnlineStatus.ONLINE)
    assert told[-1].login_stat == int(OnlineStatus.OFFLINE)
    assert (await on_phone.beat()).body == b""  # nobody was displaced


async def test_a_phone_asks_whether_its_pc_is_on(switch_on: SwitchOn, people: People) -> None:
    [ada] = people(1)
    without_pc = await switch_on(IOS, ada)

    await switch_on(Mac, ada)
    with_pc = await switch_on(IOS, ada)

    assert (without_pc.cache.online, with_pc.cache.online) == (set(), {ada.id})


async def test_windows_sees_who_is_online(
    switch_on: SwitchOn, people: People, entrance: Entrance
) -> None:
    ada, bob, cleo = people(3)
    await entrance.log_in(bob)
    await entrance.log_in(cleo, ClientType.ANDROID)  # phones don't count

    client = await switch_on(Windows, ada)

    assert {bob.id, ada.id} <= client.cache.online
    assert cleo.id not in client.cache.online


# --- stamps -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fast_s", "is_told"),
    [
        (Android, 0, True),
        (Android, 200, True),
        (Android, 86_400, True),
        (Windows, 0, False),
        (Windows, 86_400, True),
    ],
)
async def test_a_clock_that_is_not_the_servers_misses_nothing(
    switch_on: SwitchOn,
    people: People,
    database: Database,
    kind: type[Device],
    fast_s: int,
    is_told: bool,
) -> None:
    ada, bob = people(2)
    client = await switch_on(kind, ada)
    now = int(time.time())
    database.change("UPDATE IMUser SET updated = %s WHERE id = %s", now - 60, bob.id)

    await client.sync_people(now + fast_s)

    assert (bob.id in client.cache.news) == is_told
    assert client.cache.people_stamp <= time.time()


# --- the second login -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Windows, IOS, Android])
async def test_a_removed_conversation_is_not_told_again(
    switch_on: SwitchOn, entrance: Entrance, people: People, kind: type[Device]
) -> None:
    ada, bob = people(2)
    await (await entrance.log_in(bob)).tell(ada.id, "hello")
    first = await switch_on(kind, ada)
    first.read(bob.id, 1)
    await first.sync_unread()
    await first.remove(SessionType.SINGLE, bob.id)
    await first.close()

    second = await switch_on(kind, ada, first.cache)
    fresh = await switch_on(kind, ada)

    assert second.cache.sessions == {}
    assert fresh.cache.sessions == {}


@pytest.mark.parametrize("kind", [Mac, Android])
async def test_a_group_is_asked_for_again_when_its_version_is_new(
    switch_on: SwitchOn, people: People, database: Database, kind: type[Device]
) -> None:
    ada, bob = people(2)
    group_id = 10_000 + ada.id
    add_group(database, group_id, ada.id, bob.id)
    first = await switch_on(kind, ada)
    await first.close()

    database.change("UPDATE IMGroup SET name = 'new', version = 2 WHERE id = %s", group_id)
    second = await switch_on(kind, ada, first.cache)

    assert second.cache.groups[group_id].group_name == "new"
    assert second.cache.group_versions == {group_id: 2}


@every_client
async def test_a_client_that_was_cut_off_finds_what_came_meanwhile(
    switch_on: SwitchOn, entrance: Entrance, people: People, kind: type[Device]
) -> None:
    ada, bob = people(2)
    talker = await entrance.log_in(bob)
    client = await switch_on(kind, ada)
    await talker.tell(ada.id, "heard")
    await client.hear()

    client.abort()
    for number in range(30):
        await talker.tell(ada.id, f"missed {number}")
    back = await switch_on(kind, ada, client.cache)

    assert back.cache.unread == {(SINGLE, bob.id): 31}
    assert back.cache.sessions[SINGLE, bob.id].latest_msg_id == 31
    page = back.cache.messages[SINGLE, bob.id]
    assert sorted(page)[-1] == 31
    assert len(page) >= 18  # the shortest page any of them asks for
    await talker.tell(ada.id, "heard again")
    assert (await back.hear()).msg_id == 32


# --- staying ----------------------------------------------------------------------------------


@every_client
async def test_a_heartbeat_comes_back_byte_for_byte(server: Server, kind: type[Device]) -> None:
    heartbeat = bytes.fromhex(HEARTBEATS[kind])
    async with await kind.connect(server.port) as client:
        client.send_bytes(heartbeat)

        pdu = await client.next_pdu()

    assert pdu.encode() == heartbeat


@every_client
async def test_heartbeats_go_on_beside_everything_else(
    switch_on: SwitchOn, entrance: Entrance, people: People, kind: type[Device]
) -> None:
    ada, bob = people(2)
    client = await switch_on(kind, ada)
    talker = await entrance.log_in(bob)

    for number in range(1, 6):
        await talker.tell(ada.id, f"text {number}")
        echo = await client.beat()
        assert (echo.version, echo.reserved) == (kind.pdu_version, kind.reserved)
        assert await client.write(bob.id, b"and") == 2 * number

    assert [(await client.hear()).msg_id for _ in range(5)] == [1, 3, 5, 7, 9]


async def test_a_login_as_recorded_from_windows_is_taken_to_pieces_alike(server: Server) -> None:
    recorded = bytes.fromhex(
        "00000047 0001 0000 0001 0103 0001 0000 0a047465737412206531306164633339343962613539616262"
        "65353665303537663230663838336518012001 2a0977696e5f3130303836"
    )
    async with await Windows.connect(server.port) as client:
        client.cache.logins = 1
        client.send_bytes(recorded)

        pdu = await client.next_pdu()

    assert HEADER.size == HEADER_LENGTH == 16
    assert (pdu.command_id, pdu.seq) == (0x0104, 1)  # nobody is called "test" here: refused


# --- talking ----------------------------------------------------------------------------------


@every_client
async def test_a_text_arrives_as_its_author_wrote_it_whoever_he_says_he_is(
    switch_on: SwitchOn, entrance: Entrance, people: People, kind: type[Device]
) -> None:
    ada, bob = people(2)
    receiver = await entrance.log_in(bob)
    client = await switch_on(kind, ada)

    assert await client.write(bob.id, encrypted("hello")) == 1

    pdu = await receiver.receive_pdu(message_pb2.IMMsgData)
    message = message_pb2.IMMsgData.FromString(pdu.body)
    assert (message.from_user_id, message.to_session_id, message.msg_id) == (ada.id, bob.id, 1)
    assert message.msg_data == encrypted("hello")
    assert abs(message.create_time - time.time()) < 60
    assert pdu.seq == 0


@pytest.mark.parametrize(("pc", "phone"), PAIRS)
async def test_what_is_read_on_one_device_is_read_on_the_other_and_then_it_is_quiet(
    switch_on: SwitchOn, entrance: Entrance, people: People, pc: type[Device], phone: type[Device]
) -> None:
    ada, bob = people(2)
    talker = await entrance.log_in(bob)
    on_pc, on_phone = await switch_on(pc, ada), await switch_on(phone, ada)
    await talker.tell(ada.id, "hello")
    assert [(await device.hear()).msg_id for device in (on_pc, on_phone)] == [1, 1]

    on_pc.read(bob.id, 1)
    told = await on_phone.hear_reading()  # and says so in turn
    echo = await on_pc.hear_reading()  # which a PC does not

    assert (told.session_id, told.msg_id) == (echo.session_id, echo.msg_id) == (bob.id, 1)
    for device in (on_pc, on_phone):
        await device.sync_unread()
        assert device.cache.unread == {}
        assert await device.arrived(message_pb2.IMMsgDataReadNotify) == []


@pytest.mark.parametrize(("pc", "phone"), PAIRS)
async def test_what_one_device_writes_the_other_shows_too(
    switch_on: SwitchOn, people: People, pc: type[Device], phone: type[Device]
) -> None:
    ada, bob = people(2)
    on_pc, on_phone = await switch_on(pc, ada), await switch_on(phone, ada)

    await on_pc.write(bob.id, b"from the PC")
    await on_phone.write(bob.id, b"from the phone")

    for device, expected in ((on_phone, (1, b"from the PC")), (on_pc, (2, b"from the phone"))):
        echo = await device.hear()
        assert (echo.from_user_id, echo.to_session_id) == (ada.id, bob.id)
        assert (echo.msg_id, echo.msg_data) == expected
