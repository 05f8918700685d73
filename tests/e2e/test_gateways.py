"""Several gateways on one database and one Redis behave as one server."""

import asyncio
import contextlib
import itertools
import json
import shutil
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from im.types import (
    ClientType,
    FileMode,
    GroupChange,
    KickReason,
    OnlineStatus,
    SessionType,
)
from im.wire.proto import buddy_pb2, file_pb2, group_pb2, login_pb2, message_pb2
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.e2e.files import offer
from tests.e2e.groups import (
    change,
    group_history,
    group_text,
    listed_groups,
    make_group,
    unread_of,
    write,
)
from tests.people import Person
from tests.server import Server

LEASE_S = 3


class Cluster(NamedTuple):
    """Two gateways and a web process (which is a gateway too)."""

    first: Server
    second: Server
    web: Server


@pytest.fixture(scope="module")
def cluster(
    mariadb: services.MariaDB,
    mariadb_template: bytes,
    redis_server: services.Redis,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    database_url = mariadb.load("gateways", mariadb_template)
    manage("seed_demo", "--users", "40", "--password", "pass", database_url=database_url)

    def server(*command: str) -> Server:
        return Server(
            database_url,
            tmp_path_factory.mktemp("var"),
            *command,
            redis_url=redis_server.url,
            IM_LEASE_SECONDS=LEASE_S,
            IM_STATUS_INTERVAL_SECONDS=0.02,
            IM_KICK_GRACE_SECONDS=0.2,
            IM_FILE_SERVERS="192.0.2.7:8600",
        )

    servers = [server("rungateway"), server("rungateway"), server("serve")]
    for each in servers:
        each.start()
    yield Cluster(*servers)
    for each in servers:
        assert each.stop() == 0
        assert each.complaints() == []


LogIn = Callable[..., Awaitable[Client]]


@pytest.fixture
async def log_in_at() -> AsyncIterator[LogIn]:
    """Return a function that logs a user in at a gateway; the test's end closes what it opened."""
    async with contextlib.AsyncExitStack() as stack:

        async def log_in(server: Server, user_id: int, client_type: int = 1) -> Client:
            client = await stack.enter_async_context(await Client.connect(server.port))
            return await client.log_in(f"u{user_id:05d}", client_type=client_type)

        yield log_in


async def until_known(client: Client, user_id: int, status: OnlineStatus) -> bool:
    """Wait until the client's gateway has heard of a user's status."""
    request = buddy_pb2.IMUsersStatReq(user_id=0, user_id_list=[user_id])
    for _ in range(100):
        answer = await client.call(request, buddy_pb2.IMUsersStatRsp)
        if answer.user_stat_list[0].status == int(status):
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_text_crosses_gateways(cluster: Cluster, log_in_at: LogIn) -> None:
    ada = await log_in_at(cluster.first, 1)
    bob = await log_in_at(cluster.second, 2)
    assert await until_known(ada, 2, OnlineStatus.ONLINE)

    msg_id = await ada.tell(2, "over the bus")
    message = await bob.receive(message_pb2.IMMsgData)

    assert (message.msg_id, message.msg_data) == (msg_id, b"over the bus")


async def test_one_device_per_class_stays_in_the_whole_system(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    old = await log_in_at(cluster.first, 3)
    new = await log_in_at(cluster.second, 3, ClientType.MAC)

    kick = await old.receive(login_pb2.IMKickUser)

    assert kick.kick_reason == int(KickReason.DUPLICATE_USER)
    assert await old.closed()
    assert await until_known(new, 3, OnlineStatus.ONLINE)


async def test_presence_is_seen_on_all_gateways(cluster: Cluster, log_in_at: LogIn) -> None:
    watcher = await log_in_at(cluster.first, 4)
    ada = await log_in_at(cluster.second, 5)
    assert await until_known(watcher, 5, OnlineStatus.ONLINE)

    await ada.close()

    assert await until_known(watcher, 5, OnlineStatus.OFFLINE)


async def test_reading_on_one_gateway_is_told_to_the_phone_on_another(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    reader = await log_in_at(cluster.first, 6)
    phone = await log_in_at(cluster.second, 6, ClientType.IOS)
    writer = await log_in_at(cluster.web, 7)
    assert await until_known(writer, 6, OnlineStatus.ONLINE)
    await writer.tell(6, "read me")

    await reader.mark_read(7, 1)
    notice = await phone.receive(message_pb2.IMMsgDataReadNotify)

    assert (notice.session_id, notice.msg_id) == (7, 1)


# --- groups -----------------------------------------------------------------------------------


async def test_a_group_message_reaches_members_at_every_gateway_once(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada = await log_in_at(cluster.first, 12)
    ada_phone = await log_in_at(cluster.second, 12, ClientType.IOS)
    others = [await log_in_at(server, 13 + n) for n, server in enumerate(cluster)]
    stranger = await log_in_at(cluster.second, 16)
    for user_id in (13, 14, 15):
        assert await until_known(ada, user_id, OnlineStatus.ONLINE)
    group_id = await make_group(ada, *(member(user_id) for user_id in (13, 14, 15)))

    ids = [await write(ada, group_id, text) for text in ("one", "two")]
    heard = [
        [(m.to_session_id, m.msg_id, m.from_user_id) for m in await messages_of(client, 2)]
        for client in (ada_phone, *others)
    ]

    assert ids == [1, 2]
    assert heard == 4 * [[(group_id, 1, 12), (group_id, 2, 12)]]
    for client in (ada, ada_phone, *others, stranger):
        assert await client.arrived(message_pb2.IMMsgData) == []
    assert [await unread_of(client, group_id) for client in others] == [2, 2, 2]


async def test_a_change_of_members_is_told_at_every_gateway(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada = await log_in_at(cluster.first, 17)
    bob, cleo = await log_in_at(cluster.second, 18), await log_in_at(cluster.web, 19)
    assert await until_known(ada, 18, OnlineStatus.ONLINE)
    assert await until_known(ada, 19, OnlineStatus.ONLINE)
    group_id = await make_group(ada, member(18))

    await change(ada, group_id, GroupChange.ADD, member(19))
    added = [await client.receive(group_pb2.IMGroupChangeMemberNotify) for client in (bob, cleo)]
    await change(ada, group_id, GroupChange.REMOVE, member(19))
    removed = [await client.receive(group_pb2.IMGroupChangeMemberNotify) for client in (bob, cleo)]
    await write(ada, group_id, "without Cleo")
    await bob.receive(message_pb2.IMMsgData)

    assert [list(notice.chg_user_id_list) for notice in (*added, *removed)] == 4 * [[19]]
    assert {tuple(sorted(notice.cur_user_id_list)) for notice in added} == {(17, 18, 19)}
    assert {tuple(sorted(notice.cur_user_id_list)) for notice in removed} == {(17, 18)}
    assert await cleo.arrived(message_pb2.IMMsgData) == []


async def test_who_was_taken_out_at_one_gateway_can_not_write_at_another(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(cluster.first, 20), await log_in_at(cluster.second, 21)
    group_id = await make_group(ada, member(21))
    await write(bob, group_id, "while I may")

    await change(ada, group_id, GroupChange.REMOVE, member(21))
    bob.send(group_text(bob, group_id, "am I in?"))

    assert await bob.arrived(message_pb2.IMMsgDataAck) == []
    assert await group_history(ada, group_id) == [(1, "while I may")]


async def test_members_write_at_two_gateways_at_once_and_ids_stay_dense(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    clients = [await log_in_at(server, 22 + n) for n, server in enumerate(cluster)]
    ada, *others = clients
    group_id = await make_group(ada, *(member(client.user_id) for client in others))

    async def write_ten(client: Client) -> list[int]:
        return [await write(client, group_id, f"{client.user_id}") for _ in range(10)]

    given = await asyncio.gather(*map(write_ten, clients))

    assert all(ids == sorted(ids) for ids in given)
    assert sorted(itertools.chain(*given)) == list(range(1, 31))


async def test_reading_a_group_is_told_to_ones_phone_at_another_gateway(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(cluster.first, 25), await log_in_at(cluster.second, 26)
    phone = await log_in_at(cluster.web, 26, ClientType.IOS)
    group_id = await make_group(ada, member(26))
    await write(ada, group_id, "read me")

    bob.send(
        message_pb2.IMMsgDataReadAck(
            user_id=0, session_id=group_id, msg_id=1, session_type=int(SessionType.GROUP)
        )
    )
    notice = await phone.receive(message_pb2.IMMsgDataReadNotify)

    assert (notice.session_id, notice.msg_id, notice.session_type) == (group_id, 1, 2)
    assert await unread_of(phone, group_id) == 0
    assert await ada.arrived(message_pb2.IMMsgDataReadNotify) == []


async def test_a_removed_conversation_goes_from_ones_phone_at_another_gateway(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(cluster.first, 27), await log_in_at(cluster.second, 28)
    phone = await log_in_at(cluster.web, 28, ClientType.IOS)
    group_id = await make_group(ada, member(28))
    await write(ada, group_id, "in the group")
    await ada.tell(28, "to Bob")

    for kind, session_id in ((SessionType.GROUP, group_id), (SessionType.SINGLE, 27)):
        request = buddy_pb2.IMRemoveSessionReq(
            user_id=0, session_type=int(kind), session_id=session_id
        )
        answer = await bob.call(request, buddy_pb2.IMRemoveSessionRsp)
        assert answer.result_code == 0
    notice = await phone.receive(buddy_pb2.IMRemoveSessionNotify)
    listed = await listed_groups(phone)
    await write(ada, group_id, "again")

    assert (notice.session_type, notice.session_id) == (int(SessionType.SINGLE), 27)
    assert group_id not in listed
    assert group_id in await listed_groups(phone)


async def test_a_file_is_offered_to_a_pc_at_another_gateway(
    cluster: Cluster, log_in_at: LogIn
) -> None:
    ada, bob = await log_in_at(cluster.first, 29), await log_in_at(cluster.second, 30)
    assert await until_known(ada, 30, OnlineStatus.ONLINE)

    answer = await offer(ada, 30)
    notice = await bob.receive(file_pb2.IMFileNotify)

    assert (answer.result_code, int(answer.trans_mode)) == (0, int(FileMode.ONLINE))
    assert notice.task_id == answer.task_id


def member(user_id: int) -> Person:
    return Person(user_id, f"u{user_id:05d}")


async def messages_of(client: Client, count: int) -> list[message_pb2.IMMsgData]:
    return [await client.receive(message_pb2.IMMsgData) for _ in range(count)]


async def test_discovery_names_the_least_loaded_gateway(cluster: Cluster, log_in_at: LogIn) -> None:
    await log_in_at(cluster.first, 10)
    await log_in_at(cluster.web, 11)
    await asyncio.sleep(LEASE_S / 3 + 0.5)  # until the next announcement of the load

    url = f"http://127.0.0.1:{cluster.web.http_port}/msg_server"
    with contextlib.closing(await asyncio.to_thread(urllib.request.urlopen, url)) as answer:
        found = json.load(answer)

    assert found["code"] == 0
    assert found["port"] == str(cluster.second.port)


def test_several_workers_need_redis(tmp_path: Path, sqlite_template: Path) -> None:
    database = shutil.copyfile(sqlite_template, tmp_path / "db.sqlite3")
    server = Server(f"sqlite:///{database}", tmp_path, "rungateway", "--workers", "2")

    with pytest.raises(RuntimeError, match="REDIS_URL"):
        server.start()
    assert "Traceback" not in server.log
