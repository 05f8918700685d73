"""Whatever reaches other connections reaches those at another gateway."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

import pytest

from im.types import ClientType, GroupChange, KickReason, OnlineStatus
from im.wire.proto import buddy_pb2, group_pb2, login_pb2, message_pb2, switch_service_pb2
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.e2e.groups import make_group
from tests.people import Person
from tests.server import Server

ONLINE, OFFLINE = int(OnlineStatus.ONLINE), int(OnlineStatus.OFFLINE)
LEASE_S = 3


class Pair(NamedTuple):
    """Two gateways that share a database and a Redis of their own."""

    first: Server
    second: Server
    database_url: str
    redis: services.Redis

    def elsewhere(self, *steps: str) -> None:
        """Announce what each piece of Python returns, in a process that hosts no connection."""
        imports = "from im.dispatch import announce; from im.types import *; "
        imports += "from im.services.directory import users; "
        imports += "from im.services.groups import administration"
        code = "\n".join([imports, *(f"announce({step})" for step in steps)])
        command = ("shell", "--no-imports", "-c", code)
        manage(*command, database_url=self.database_url, REDIS_URL=self.redis.url)


@pytest.fixture(scope="module")
def pair(
    mariadb: services.MariaDB,
    mariadb_template: bytes,
    redis_server: services.Redis,  # for its check that there is one
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    database_url = mariadb.load("across", mariadb_template)
    manage("seed_demo", "--users", "40", "--password", "pass", database_url=database_url)
    redis = services.Redis()
    servers = [
        Server(
            database_url,
            tmp_path_factory.mktemp("var"),
            "rungateway",
            redis_url=redis.url,
            IM_LOGIN_PORT=0,
            IM_LEASE_SECONDS=LEASE_S,
            IM_STATUS_INTERVAL_SECONDS=0.02,
            IM_KICK_GRACE_SECONDS=0.2,
        ).start()
        for _ in range(2)
    ]
    yield Pair(servers[0], servers[1], database_url, redis)
    for server in servers:
        assert server.stop() == 0
    redis.stop()


LogIn = Callable[..., Awaitable[Client]]


@pytest.fixture
async def log_in_at() -> AsyncIterator[LogIn]:
    """Return a function that logs a user in at a gateway; the test's end closes what it opened."""
    async with contextlib.AsyncExitStack() as stack:

        async def log_in(
            server: Server, user_id: int, client_type: int = ClientType.WINDOWS
        ) -> Client:
            client = await stack.enter_async_context(await Client.connect(server.port))
            return await client.log_in(f"u{user_id:05d}", client_type=client_type)

        yield log_in


async def told_of(watcher: Client, user_id: int) -> int:
    """Return the next status that a client is told of a user."""
    while True:
        stat = (await watcher.receive(buddy_pb2.IMUserStatNotify)).user_stat
        if stat.user_id == user_id:
            status: int = stat.status
            return status


async def test_the_senders_other_devices_hear_what_he_says_and_signals(
    pair: Pair, log_in_at: LogIn
) -> None:
    phone = await log_in_at(pair.second, 1, ClientType.IOS)
    bob = await log_in_at(pair.second, 2)
    ada = await log_in_at(pair.first, 1)
    assert await told_of(bob, 1) == ONLINE  # the gateways know of each other's users
    assert await ada.statuses(2) == [ONLINE]

    await ada.tell(2, "hello")
    ada.send(switch_service_pb2.IMP2PCmdMsg(from_user_id=0, to_user_id=2, cmd_msg_data="typing"))

    for client in (phone, bob):
        assert (await client.receive(message_pb2.IMMsgData)).msg_data == b"hello"
        signal = await client.receive(switch_service_pb2.IMP2PCmdMsg)
        assert (signal.from_user_id, signal.cmd_msg_data) == (1, "typing")


async def test_statuses_are_told_asked_and_shown_to_ones_phone(
    pair: Pair, log_in_at: LogIn
) -> None:
    watcher = await log_in_at(pair.first, 3)
    phone = await log_in_at(pair.first, 4, ClientType.ANDROID)

    pc = await log_in_at(pair.second, 4)

    assert await told_of(watcher, 4) == ONLINE
    assert (await phone.receive(buddy_pb2.IMPCLoginStatusNotify)).login_stat == ONLINE
    assert await watcher.statuses(4) == [ONLINE]
    pc.abort()
    assert await told_of(watcher, 4) == OFFLINE
    assert (await phone.receive(buddy_pb2.IMPCLoginStatusNotify)).login_stat == OFFLINE
    assert await watcher.statuses(4) == [OFFLINE]


async def test_a_phone_ends_its_users_pc(pair: Pair, log_in_at: LogIn) -> None:
    phone = await log_in_at(pair.first, 5, ClientType.IOS)
    pc = await log_in_at(pair.second, 5)
    await phone.receive(buddy_pb2.IMPCLoginStatusNotify)

    await phone.call(login_pb2.IMKickPCClientReq(user_id=0), login_pb2.IMKickPCClientRsp)

    kick = await pc.receive(login_pb2.IMKickUser)
    assert kick.kick_reason == int(KickReason.MOBILE_KICK)
    assert await pc.closed()
    assert (await phone.receive(buddy_pb2.IMPCLoginStatusNotify)).login_stat == OFFLINE


async def test_a_new_signature_and_picture_are_shown(pair: Pair, log_in_at: LogIn) -> None:
    ada, bob = await log_in_at(pair.first, 6), await log_in_at(pair.second, 7)

    await ada.call(
        buddy_pb2.IMChangeSignInfoReq(user_id=0, sign_info="gone fishing"),
        buddy_pb2.IMChangeSignInfoRsp,
    )
    await ada.call(
        buddy_pb2.IMChangeAvatarReq(user_id=0, avatar_url="http://127.0.0.1/g0/000/000/1_2.jpg"),
        buddy_pb2.IMChangeAvatarRsp,
    )

    sign = await bob.receive(buddy_pb2.IMSignInfoChangedNotify)
    avatar = await bob.receive(buddy_pb2.IMAvatarChangedNotify)
    assert (sign.changed_user_id, sign.sign_info) == (6, "gone fishing")
    assert (avatar.changed_user_id, avatar.avatar_url[-7:]) == (6, "1_2.jpg")


async def test_what_a_process_without_connections_changes_is_told_at_every_gateway(
    pair: Pair, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(pair.first, 8), await log_in_at(pair.second, 9)
    group_id = await make_group(ada, Person(9, "u00009"))

    # One after the other: the gateways look by themselves, too, for whom to end.
    pair.elsewhere(
        f"[administration.change_members({group_id}, GroupChange.ADD, [10])]",
        "users.mark_left([8])",
        "users.set_password(9, 'another one').events",
    )

    for client in (ada, bob):
        notice = await client.receive(group_pb2.IMGroupChangeMemberNotify)
        assert list(notice.chg_user_id_list) == [10]
        assert notice.change_type == int(GroupChange.ADD)
        assert await client.closed()


async def test_without_redis_a_new_password_ends_sessions_and_those_of_the_new_one_stay(
    pair: Pair, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(pair.first, 11), await log_in_at(pair.second, 12)
    witness = await log_in_at(pair.second, 13)
    pair.redis.crash()
    try:
        pair.elsewhere("[*users.set_password(11, 'another one').events] + [*users.mark_left([12])]")
        async with await Client.connect(pair.second.port) as phone:
            await phone.log_in("u00011", "another one", client_type=ClientType.IOS)

            for client in (ada, bob):
                assert await client.closed()

            await witness.tell(11, "still there?")
            assert (await phone.receive(message_pb2.IMMsgData)).msg_data == b"still there?"
    finally:
        pair.redis.run()
