"""Several gateways on one database and one Redis behave as one server."""

import asyncio
import contextlib
import json
import shutil
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from im.types import ClientType, KickReason, OnlineStatus
from im.wire.proto import buddy_pb2, login_pb2, message_pb2
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.server import Server

LEASE_S = 3


@dataclass(frozen=True, slots=True)
class Cluster:
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
