"""A web process of its own: plain daphne beside a gateway, with Redis."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from im.delivery.remote.origins import UNKNOWN_S
from im.wire.proto import login_pb2, message_pb2
from tests.client import Client
from tests.e2e.web import ask
from tests.forms import FORM, form, part
from tests.people import People
from tests.server import Daphne, Server
from tests.services import Redis
from tests.web.conftest import Sockets, WebClient

NO_LOGIN = 12


@pytest.fixture
def processes(
    web_database_url: str, tmp_path: Path, redis_server: Redis
) -> Iterator[tuple[Server, Daphne]]:
    """A gateway and a web process."""
    settings = {"IM_DRAIN_SECONDS": 1}
    gateway = Server(
        web_database_url, tmp_path / "var", "rungateway", redis_url=redis_server.url, **settings
    ).start()
    web = Daphne(web_database_url, tmp_path / "var", redis_url=redis_server.url, **settings).start()
    yield gateway, web
    gateway.kill()
    web.kill()


async def test_web_and_gateway_talk_and_discovery_names_the_gateway_only(
    processes: tuple[Server, Daphne], people: People
) -> None:
    ada, bob = people(2)
    gateway, web = processes
    async with Sockets(web.http_port) as sockets, await Client.connect(gateway.port) as b:
        a = await sockets.log_in(ada)
        await b.log_in(bob.name)
        while await _status(a, bob.id) != "USER_STATUS_ONLINE":  # noqa: ASYNC110  # nothing tells us
            await asyncio.sleep(0.02)

        await a.tell(bob.id, "from the web")
        pushed = await b.receive(message_pb2.IMMsgData)
        await b.tell(ada.id, "from the gateway")
        received = await a.receive("IMMsgData")
        discovered = (await sockets.browser().get("/msg_server")).json
        async with await Client.connect(gateway.login_port) as searcher:
            found = await searcher.call(login_pb2.IMMsgServReq(), login_pb2.IMMsgServRsp)

        assert pushed.msg_id == 1
        assert received["msg_data"] == "from the gateway"
        assert discovered["port"] == str(found.port) == str(gateway.port)

        assert web.stop() == 0
        assert await a.closed() == 1000
    assert web.complaints() == []


async def test_a_web_process_takes_uploads_of_who_is_logged_in_at_a_gateway(
    processes: tuple[Server, Daphne], people: People
) -> None:
    gateway, web = processes
    [ada] = people(1)
    picture = form(part(b"picture"))

    def upload() -> object:
        reply = ask(web.http_port, "/", FORM, method="POST", body=picture)
        return json.loads(reply.body)["error_code"]

    before = await asyncio.to_thread(upload)
    async with await Client.connect(gateway.port) as client:
        await client.log_in(ada.name)
        await asyncio.sleep(UNKNOWN_S)  # so long a no is remembered

        within = await asyncio.to_thread(upload)

    assert (before, within) == (NO_LOGIN, 0)
    assert web.complaints() == []


async def _status(client: WebClient, user_id: int) -> object:
    answer = await client.call("IMUsersStatReq", {"user_id_list": [user_id]}, "IMUsersStatRsp")
    return answer["user_stat_list"][0]["status"]
