"""Finding a gateway: by HTTP and by TCP, with whatever old clients send; and the console's door."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from im.types import LoginResult
from im.wire.catalog import Command
from im.wire.pdu import encode_pdu
from im.wire.proto import login_pb2
from tests.client import Client
from tests.e2e.database import Database
from tests.e2e.web import ask
from tests.people import Entrance
from tests.server import Server

CAPACITY = 3


@pytest.fixture(scope="module")
def tiny_server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server for three clients, which says how full it is three times a second."""
    server = Server(
        f"sqlite:///{sqlite_template}",
        tmp_path_factory.mktemp("var"),
        IM_MAX_CONNECTIONS=CAPACITY,
        IM_LEASE_SECONDS=1,
        IM_ADVERTISED_HOST="im.example",
        IM_ADVERTISED_HOST_BACKUP="10.0.0.2",
        IM_PUBLIC_URL="https://files.example/",
    ).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


# --- HTTP -------------------------------------------------------------------------------------


def test_the_answer_names_the_gateway_in_the_originals_words(server: Server) -> None:
    reply = ask(server.http_port, "/msg_server")

    web = f"http://127.0.0.1:{server.http_port}"
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html;charset=utf-8"
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert list(json.loads(reply.body).items()) == [
        ("backupIP", "127.0.0.1"),
        ("code", 0),
        ("discovery", f"{web}/api/discovery"),
        ("msfsBackup", f"{web}/"),
        ("msfsPrior", f"{web}/"),
        ("msg", ""),
        ("port", str(server.port)),
        ("priorIP", "127.0.0.1"),
    ]


def test_addresses_may_be_set(tiny_server: Server) -> None:
    answer = json.loads(ask(tiny_server.http_port, "/msg_server").body)

    assert (answer["priorIP"], answer["backupIP"]) == ("im.example", "10.0.0.2")
    assert answer["msfsPrior"] == answer["msfsBackup"] == "https://files.example/"
    assert answer["discovery"] == "https://files.example/api/discovery"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
def test_any_method_will_do(server: Server, method: str) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"

    reply = ask(server.http_port, "/msg_server", form, method=method, body=b"a=%ff&b")

    assert (reply.status, json.loads(reply.body)["code"]) == (200, 0)


@pytest.mark.parametrize(
    "target", ["/msg_server/", "/msg_server?v=1&x=%ff", "/msg_server.php", "/msg_server/a/b?c"]
)
def test_whatever_follows_the_path_is_ignored(server: Server, target: str) -> None:
    reply = ask(server.http_port, target)

    assert (reply.status, json.loads(reply.body)["code"]) == (200, 0)


@pytest.mark.parametrize(
    "host", ["login.example:8080", "10.1.2.3", "under_score", "[::1", "a,b", "", "x" * 300]
)
@pytest.mark.parametrize("target", ["/msg_server", "/api/discovery"])
def test_any_host_header_will_do(server: Server, target: str, host: str) -> None:
    reply = ask(server.http_port, target, "Connection: close", host=host)

    assert reply.status == 200
    assert isinstance(json.loads(reply.body), dict | list)


def test_http_1_0_without_a_host_will_do(server: Server) -> None:
    reply = ask(server.http_port, "/msg_server", host=None, version="1.0")

    assert (reply.status, json.loads(reply.body)["port"]) == (200, str(server.port))


# --- TCP --------------------------------------------------------------------------------------


async def test_the_login_port_names_the_gateway_and_closes(server: Server) -> None:
    async with await Client.connect(server.login_port) as client:
        client.send(login_pb2.IMMsgServReq(), seq=0xABCD)
        answer = await client.receive(login_pb2.IMMsgServRsp, seq=0xABCD)

        assert answer == login_pb2.IMMsgServRsp(
            result_code=int(LoginResult.NONE),
            prior_ip="127.0.0.1",
            backip_ip="127.0.0.1",
            port=server.port,
        )
        assert await client.closed()


@pytest.mark.parametrize(
    "command_id",
    [
        Command.LOGIN_REQ_USERLOGIN,
        Command.LOGIN_REQ_LOGINOUT,
        Command.OTHER_HEARTBEAT,
        Command.MSG_TIME_REQUEST,
        Command.LOGIN_RES_MSGSERVER,
        0x7777,
    ],
)
async def test_the_login_port_knows_no_other_command(server: Server, command_id: int) -> None:
    async with await Client.connect(server.login_port) as client:
        client.send_bytes(encode_pdu(command_id, b""))

        assert await client.closed()
        assert client.unread == []


# --- full -------------------------------------------------------------------------------------


async def test_a_full_server_says_so_and_takes_nobody(tiny_server: Server) -> None:
    async with Entrance(tiny_server.port) as entrance:
        clients = [await entrance.connect() for _ in range(CAPACITY)]
        for client in clients:
            await client.server_time()

        assert await refused(tiny_server.port)
        assert until_answered(tiny_server, 2) == {"code": 2, "msg": "负载过高"}
        async with await Client.connect(tiny_server.login_port) as asker:
            answer = await asker.call(login_pb2.IMMsgServReq(), login_pb2.IMMsgServRsp)
        assert answer == login_pb2.IMMsgServRsp(result_code=int(LoginResult.MSG_SERVER_FULL))
        for client in clients:
            assert await client.server_time()

        await clients[0].close()
        assert until_answered(tiny_server, 0)["code"] == 0
        assert not await refused(tiny_server.port)


async def refused(port: int) -> bool:
    """Tell whether a new connection is closed at once."""
    async with await Client.connect(port) as client:
        return await client.closed(timeout_s=0.5)


def until_answered(server: Server, code: int) -> dict[str, object]:
    """Return discovery's answer once it has this code: the gateway tells its load in intervals."""
    deadline = time.monotonic() + 5
    while True:
        answer: dict[str, object] = json.loads(ask(server.http_port, "/msg_server").body)
        if answer["code"] == code or time.monotonic() > deadline:
            return answer


# --- web --------------------------------------------------------------------------------------


def test_the_discovery_page_gets_its_links(server: Server, database: Database) -> None:
    for name, priority, status in (("second", 9, 0), ("hidden", 1, 1), ("第一", 8, 0)):
        database.change(
            "INSERT INTO IMDiscovery (itemName, itemUrl, itemPriority, status, created, updated)"
            " VALUES (%s, 'http://x/', %s, %s, 1, 1)",
            name,
            priority,
            status,
        )

    reply = ask(server.http_port, "/api/discovery", "Connection: close")

    assert reply.headers["Content-Type"] == "application/json"
    assert json.loads(reply.body) == [
        {"itemName": "第一", "itemUrl": "http://x/", "itemPriority": "8"},
        {"itemName": "second", "itemUrl": "http://x/", "itemPriority": "9"},
    ]


def test_the_console_shows_its_login_page_with_styles(server: Server) -> None:
    page = ask(server.http_port, "/admin/login/", "Connection: close")
    styles = re.findall(r'<link href="(/[^"]+)" rel="stylesheet"', page.text)

    replies = {href: ask(server.http_port, href, "Connection: close") for href in styles}

    assert page.status == 200
    assert "/static/admin_ui/console.css" in styles
    for reply in replies.values():
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith("text/css")
        assert len(reply.body) > 100


def test_errors_tell_nothing_about_the_inside(server: Server) -> None:
    reply = ask(server.http_port, "/no/such/page", "Connection: close")

    assert reply.status == 404
    assert not re.search(r"urlconf|traceback|DEBUG", reply.text, re.IGNORECASE)


def test_a_request_of_a_browser_with_long_headers_is_answered(server: Server) -> None:
    reply = ask(server.http_port, "/msg_server", f"Cookie: a={'x' * 6000}", f"Accept: {'y' * 2000}")

    assert (reply.status, json.loads(reply.body)["code"]) == (200, 0)


def test_an_answer_with_long_addresses_is_whole(sqlite_template: Path, tmp_path: Path) -> None:
    host = ".".join(["h" * 50] * 4)
    path = shutil.copyfile(sqlite_template, tmp_path / "teamtalk.sqlite3")
    server = Server(
        f"sqlite:///{path}",
        tmp_path / "var",
        IM_ADVERTISED_HOST=host,
        IM_PUBLIC_URL=f"http://{host}/{'p' * 800}",
    ).start()
    try:
        reply = ask(server.http_port, "/msg_server")

        assert json.loads(reply.body)["priorIP"] == host
        assert len(reply.body) > 2000
    finally:
        server.kill()
