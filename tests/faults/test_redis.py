"""Redis is refused, hangs or is full: clients find their gateways, and operators their pages."""

import asyncio
import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis as redis_client

from im.types import OnlineStatus
from im.wire.proto import message_pb2
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.e2e.test_console import PASSWORD, Console
from tests.e2e.web import ask
from tests.people import sqlite_with_people
from tests.server import Daphne, Server

LEASE_S = 2
LEASE_IS_OVER_S = 1.5 * LEASE_S  # what is known by its lease alone is forgotten by then
PATIENCE_S = 20.0
READY = re.compile("The server is ready|gateway on port")
BOUND_S = 3.0  # for an answer, however Redis is gone


class Cluster(NamedTuple):
    """A gateway alone, the web alone, both in one, and what ties them together."""

    redis: services.Redis
    gateway: Server
    web: Server
    both: Server

    @property
    def servers(self) -> tuple[Server, Server, Server]:
        return self.gateway, self.web, self.both


@pytest.fixture
def redis() -> Iterator[services.Redis]:
    redis = services.Redis()
    yield redis
    redis.stop()


@pytest.fixture
def cluster(redis: services.Redis, sqlite_template: Path, tmp_path: Path) -> Iterator[Cluster]:
    """The processes; the test starts them."""
    url = sqlite_with_people(sqlite_template, tmp_path / "teamtalk.sqlite3", 3)
    code = (
        "from admin_ui.models import Operator; "
        f"Operator.objects.create_superuser('chief', password={PASSWORD!r})"
    )
    manage("shell", "-c", code, database_url=url)
    settings: dict[str, Any] = {"IM_LEASE_SECONDS": LEASE_S, "IM_DRAIN_SECONDS": 1}
    var = tmp_path / "var"
    cluster = Cluster(
        redis,
        Server(url, var, "rungateway", redis_url=redis.url, **settings),
        Daphne(url, var, redis_url=redis.url, **settings),
        Server(url, var, redis_url=redis.url, **settings),
    )
    yield cluster
    for server in cluster.servers:
        server.kill()


def start(*servers: Server) -> None:
    """Start them, and wait until each takes clients."""
    for server in servers:
        server.start()
    for server in servers:
        if not isinstance(server, Daphne):
            until(partial(is_ready, server), "not ready")


def is_ready(server: Server) -> bool:
    return READY.search(server.log) is not None


def until(is_so: Callable[[], Any], what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def found(server: Server) -> int:
    """Return the port of the gateway that discovery names, 0 for none; in time."""
    began = time.monotonic()
    reply = ask(server.http_port, "/msg_server")
    assert reply.status == 200
    assert time.monotonic() - began < BOUND_S
    return int(json.loads(reply.body).get("port", 0))


def lose(redis: services.Redis, how: str) -> None:
    """Let Redis be gone in this way until `regain`."""
    if how == "refused":
        redis.crash()
    elif how == "hanging":
        redis.send_signal(signal.SIGSTOP)
    else:
        with redis_client.Redis.from_url(redis.url) as client:
            client.config_set("maxmemory", 1)


def regain(redis: services.Redis, how: str) -> None:
    if how == "refused":
        redis.run()
    elif how == "hanging":
        redis.send_signal(signal.SIGCONT)
    else:
        with redis_client.Redis.from_url(redis.url) as client:
            client.config_set("maxmemory", 0)


@pytest.mark.parametrize("how", ["refused", "hanging", "full"])
async def test_without_redis_discovery_names_the_gateways_that_it_knows(
    cluster: Cluster, how: str
) -> None:
    start(*cluster.servers)
    ports = {cluster.gateway.port, cluster.both.port}

    lose(cluster.redis, how)
    await asyncio.sleep(LEASE_IS_OVER_S)

    own = ports if how == "full" else {cluster.both.port}
    assert found(cluster.both) in own
    assert found(cluster.web) in ports
    async with await Client.connect(cluster.both.port) as client:
        await client.log_in("u00001")
    regain(cluster.redis, how)
    assert [line for server in cluster.servers for line in server.complaints()] == []


@pytest.mark.parametrize("how", ["refused", "hanging", "full"])
def test_without_redis_every_page_of_the_console_is_there(cluster: Cluster, how: str) -> None:
    start(cluster.web, cluster.both)
    consoles = [Console(server.http_port) for server in (cluster.web, cluster.both)]
    for console in consoles:
        console.post("/login/", username="chief", password=PASSWORD)

    lose(cluster.redis, how)
    time.sleep(LEASE_IS_OVER_S)

    for console in consoles:
        for page in ("/", "/dashboard/", "/live/", "/im/imuser/"):
            began = time.monotonic()
            assert console.get(page)
            assert time.monotonic() - began < 2 * BOUND_S
    regain(cluster.redis, how)
    assert cluster.web.complaints() + cluster.both.complaints() == []


@pytest.mark.parametrize("how", ["refused", "hanging"])
async def test_who_starts_without_redis_is_alone_and_joins_when_it_is_back(
    cluster: Cluster, how: str
) -> None:
    lose(cluster.redis, how)

    start(*cluster.servers)

    assert found(cluster.both) == cluster.both.port
    assert found(cluster.web) in {cluster.gateway.port, cluster.both.port}
    async with (
        await Client.connect(cluster.gateway.port) as a,
        await Client.connect(cluster.both.port) as b,
    ):
        ada, bob = await a.log_in("u00001"), await b.log_in("u00002")
        assert await a.statuses(bob.user_id) == [OnlineStatus.OFFLINE]
        regain(cluster.redis, how)
        async with asyncio.timeout(PATIENCE_S):
            while await a.statuses(bob.user_id) != [OnlineStatus.ONLINE]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await ada.tell(bob.user_id, "over the bus")
        assert (await b.receive(message_pb2.IMMsgData)).msg_data == b"over the bus"
