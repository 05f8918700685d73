"""Which addresses clients are given: none that they can't connect to."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from im.wire.proto import login_pb2
from tests.client import Client
from tests.e2e.web import ask
from tests.ports import free_port
from tests.server import Server

MakeServer = Callable[..., Server]


@pytest.fixture
def make_server(sqlite_template: Path, tmp_path: Path) -> Iterator[MakeServer]:
    """Return a function that makes a server, not started yet; all are killed at the end."""
    database = tmp_path / "teamtalk.sqlite3"
    database.write_bytes(sqlite_template.read_bytes())
    servers: list[Server] = []

    def make(*command: str, **settings: Any) -> Server:
        servers.append(Server(f"sqlite:///{database}", tmp_path / "var", *command, **settings))
        return servers[-1]

    yield make
    for server in servers:
        server.kill()


@pytest.mark.parametrize(
    ("everywhere", "asked"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.2"),
        ("::", "127.0.0.1"),
        ("::", "127.0.0.2"),
        ("::", "::1"),
    ],
)
async def test_who_listens_everywhere_names_the_address_that_was_asked(
    make_server: MakeServer, everywhere: str, asked: str
) -> None:
    server = make_server(IM_TCP_HOST=everywhere, IM_HTTP_HOST=everywhere).start()
    server.wait_for("ready")

    found = json.loads(ask(server.http_port, "/msg_server", at=asked).body)
    async with await Client.connect(server.login_port, asked) as client:
        told = await client.call(login_pb2.IMMsgServReq(), login_pb2.IMMsgServRsp)

    written = f"[{asked}]" if ":" in asked else asked
    assert (found["priorIP"], found["backupIP"]) == (asked, asked)
    assert found["msfsPrior"] == f"http://{written}:{server.http_port}/"
    assert found["discovery"] == f"http://{written}:{server.http_port}/api/discovery"
    assert (told.prior_ip, told.backip_ip, told.port) == (asked, asked, server.port)


@pytest.mark.parametrize("command", ["rungateway", "serve"])
def test_a_gateway_that_others_are_to_name_has_to_know_its_address(
    make_server: MakeServer, command: str
) -> None:
    redis_url = f"redis://127.0.0.1:{free_port()}/0"
    server = make_server(command, redis_url=redis_url, IM_TCP_HOST="0.0.0.0")

    server.start()
    with pytest.raises(RuntimeError, match="IM_ADVERTISED_HOST has to say how they reach it"):
        server.wait_for("never said")
    assert "Traceback" not in server.log


def test_ipv6_addresses_have_brackets_everywhere(make_server: MakeServer) -> None:
    server = make_server(IM_TCP_HOST="::1", IM_HTTP_HOST="[::1]", IM_ADVERTISED_HOST="[::1]")
    server.start(at="::1").wait_for("ready")

    found = json.loads(ask(server.http_port, "/msg_server", at="::1").body)
    page = ask(
        server.http_port,
        "/admin/login/",
        "Connection: close",
        host=f"[::1]:{server.http_port}",
        at="::1",
    )

    assert found["priorIP"] == "::1"
    assert found["msfsPrior"] == f"http://[::1]:{server.http_port}/"
    assert page.status == 200
    assert f"http://[::1]:{server.http_port}/admin/" in server.log
    assert f"[::1]:{server.port} (gateway)" in server.log


def test_an_unknown_host_is_a_400_and_one_line(make_server: MakeServer) -> None:
    server = make_server(ALLOWED_HOSTS="a.example, b.example").start().wait_for("ready")
    lines = len(server.log.splitlines())

    statuses = [
        ask(server.http_port, "/admin/login/", "Connection: close", host=host).status
        for host in ("a.example", "b.example", "evil.example")
    ]

    assert statuses == [200, 200, 400]
    server.wait_for("evil.example")
    assert len(server.log.splitlines()) == lines + 1


def test_a_second_gateway_of_a_host_does_without_the_port_of_discovery(
    make_server: MakeServer,
) -> None:
    redis_url = f"redis://127.0.0.1:{free_port()}/0"  # nobody there: each is alone
    first = make_server(redis_url=redis_url).start().wait_for("ready")
    second = make_server("rungateway", redis_url=redis_url, IM_LOGIN_PORT=first.login_port)

    second.start()

    assert f"IM_LOGIN_PORT {first.login_port} is taken" in second.log
    assert second.stop() == 0
    assert second.complaints() == []


def test_what_a_trusted_proxy_says_counts_and_nobody_elses_word(make_server: MakeServer) -> None:
    def asked_at(**settings: str) -> str:
        server = make_server(IM_TCP_HOST="0.0.0.0", **settings).start().wait_for("ready")
        said = ("X-Forwarded-For: 203.0.113.7:51234", "X-Forwarded-Host: im.example")
        reply = ask(server.http_port, "/msg_server", *said)
        server.kill()
        return str(json.loads(reply.body)["priorIP"])

    assert asked_at() == "127.0.0.1"
    assert asked_at(IM_TRUSTED_PROXIES="10.0.0.0/8") == "127.0.0.1"
    assert asked_at(IM_TRUSTED_PROXIES="10.0.0.1, 127.0.0.1") == "im.example"
