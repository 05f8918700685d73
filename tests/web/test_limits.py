"""Bounds of WebSockets: readers that stop, writers that hurry, silence, the end of the server."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection

from im.wire.proto import message_pb2
from tests.client import Client, wire_password
from tests.conftest import manage
from tests.people import People
from tests.server import Server
from tests.web.conftest import Sockets, WebClient

MakeServer = Callable[..., Server]
PATIENCE_S = 20.0


@pytest.fixture
def make_server(own_database_url: str, tmp_path: Path) -> Iterator[MakeServer]:
    """Return a function that starts a server of the test's own; it is killed at the end."""
    servers: list[Server] = []

    def make(**settings: Any) -> Server:
        server = Server(own_database_url, tmp_path / "var", **settings)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.kill()


def texts(to_user_id: int, count: int) -> list[str]:
    """Return frames of numbered texts."""
    return [
        json.dumps(
            {
                "cmd": "IMMsgData",
                "seq": number,
                "body": {"to_session_id": to_user_id, "msg_type": 1, "msg_data": f"{number}"},
            }
        )
        for number in range(1, count + 1)
    ]


async def test_who_does_not_read_is_cut_off_and_others_notice_nothing(
    make_server: MakeServer, people: People
) -> None:
    ada, bob = people(2)
    server = make_server(IM_OUTBOX_BYTES=200_000, IM_MESSAGES_PER_SECOND=0)
    async with Sockets(server.http_port) as sockets, await Client.connect(server.port) as b:
        deaf = await _deaf_client(sockets, ada.name)
        await b.log_in(bob.name)

        for _ in range(200):
            for _ in range(20):
                b.say(ada.id, "x" * 4000)
            await b.acks(20)
            if "it does not read" in server.log:
                break

        assert "it does not read" in server.log
        assert await b.server_time()
        deaf.close()
    assert server.complaints() == []


async def _deaf_client(sockets: Sockets, name: str) -> socket.socket:
    """Return a connection that logs in and then reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = sockets.url.removeprefix("ws://").partition("/")[0].split(":")
    raw.connect((host, int(port)))
    raw.setblocking(False)
    client = WebClient(await sockets.raw(sock=raw))
    await client.log_in(name)
    client.socket.transport.pause_reading()
    return raw


async def test_who_sends_too_fast_is_read_no_faster_and_loses_nothing(
    make_server: MakeServer, people: People
) -> None:
    ada, bob = people(2)
    server = make_server(IM_MESSAGES_PER_SECOND=50, IM_INBOX_PDUS=8)
    async with Sockets(server.http_port) as sockets, await Client.connect(server.port) as b:
        a = await sockets.log_in(ada)
        await b.log_in(bob.name)
        began = asyncio.get_running_loop().time()

        for frame in texts(bob.id, 150):
            await a.socket.send(frame)
        acks = [await a.receive("IMMsgDataAck", seq) for seq in range(1, 151)]

        assert asyncio.get_running_loop().time() - began > 1.5
        assert [ack["msg_id"] for ack in acks] == list(range(1, 151))
        got = [await b.receive(message_pb2.IMMsgData) for _ in range(150)]
        assert [message.msg_id for message in got] == list(range(1, 151))


async def test_who_does_not_log_in_or_falls_silent_is_closed(
    make_server: MakeServer, people: People
) -> None:
    [ada] = people(1)
    server = make_server(IM_LOGIN_WAIT_SECONDS=1, IM_PC_SILENCE_SECONDS=1)
    async with Sockets(server.http_port) as sockets:
        stranger, a = await sockets.connect(), await sockets.log_in(ada)

        assert await stranger.closed() == 1000
        assert await a.closed() == 1000


async def test_there_is_room_for_so_many(make_server: MakeServer) -> None:
    server = make_server(IM_MAX_CONNECTIONS=2)
    async with Sockets(server.http_port) as sockets:
        for _ in range(2):
            await sockets.raw()

        with pytest.raises(Exception, match="403"):
            await sockets.raw()


async def test_websockets_take_the_places_of_clients(make_server: MakeServer) -> None:
    server = make_server(IM_MAX_CONNECTIONS=2)
    async with Sockets(server.http_port) as sockets:
        for _ in range(2):
            await sockets.raw()

        async with await Client.connect(server.port) as refused:
            assert await refused.closed()


async def test_a_stop_answers_what_was_taken(make_server: MakeServer, people: People) -> None:
    ada, bob = people(2)
    server = make_server(IM_MESSAGES_PER_SECOND=0, IM_DRAIN_SECONDS=1)
    async with Sockets(server.http_port) as sockets:
        a = await sockets.log_in(ada)
        for frame in texts(bob.id, 20):
            await a.socket.send(frame)
        await a.receive("IMMsgDataAck", 20)

        status = await asyncio.to_thread(server.stop)

        assert status == 0
        assert await a.closed() == 1000
        assert server.complaints() == []


async def test_a_client_that_vanishes_in_the_middle_of_sending_is_forgotten(
    make_server: MakeServer, people: People
) -> None:
    ada, bob = people(2)
    server = make_server()
    async with Sockets(server.http_port) as sockets, await Client.connect(server.port) as b:
        await b.log_in(bob.name)
        a = await sockets.log_in(ada)
        for frame in texts(bob.id, 5):
            await a.socket.send(frame)

        _abort(a.socket)
        async with asyncio.timeout(PATIENCE_S):
            while await b.statuses(ada.id) != [2]:  # noqa: ASYNC110  # nothing tells us
                await asyncio.sleep(0.02)

    assert server.complaints() == []


def _abort(connection: ClientConnection) -> None:
    connection.transport.abort()


async def test_http_logins_count_like_those_over_tcp(
    make_server: MakeServer, people: People
) -> None:
    [ada] = people(1)
    server = make_server(IM_LOGIN_FAILURES=2)
    async with Sockets(server.http_port) as sockets:
        for _ in range(3):
            wrong = await sockets.connect()
            await wrong.send(
                "IMLoginReq", {"user_name": ada.name, "password": wire_password("wrong")}
            )
            assert (await wrong.receive("IMLoginRes"))["result_code"].endswith("VALIDATE_FAILED")
        browser = sockets.browser()

        refused = await browser.post("login", name=ada.name, password="pass")

        assert refused.status == 403
        assert "次数太多" in refused.json["text"]


@pytest.fixture
def large_database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """DATABASE_URL of a SQLite database with 6,000 people."""
    path = tmp_path / "large.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    manage("seed_demo", "--users", "6000", "--password", "pass", database_url=url)
    return url


async def test_a_directory_of_several_megabytes_arrives(
    large_database_url: str, tmp_path: Path
) -> None:
    server = Server(large_database_url, tmp_path / "var").start()
    try:
        async with Sockets(server.http_port) as sockets:
            client = await (await sockets.connect(max_size=None)).log_in("u00001")

            answer = await client.call("IMAllUserReq", {"latest_update_time": 0}, "IMAllUserRsp")

            assert len({user["user_id"] for user in answer["user_list"]}) == 6000
            assert len(json.dumps(answer)) > 1024 * 1024
    finally:
        server.kill()
