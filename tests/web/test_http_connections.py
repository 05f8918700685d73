"""HTTP connections of clients that are slow, silent or many: real sockets, short deadlines."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.client import Client
from tests.e2e.web import ask
from tests.people import People, each_once, sqlite_with_people
from tests.server import Server
from tests.web.conftest import Sockets

PATIENCE_S = 10.0
HEADER = b"GET /msg_server HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = HEADER + b"\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose deadlines are short, with room for eight connections, four of an address."""
    directory = tmp_path_factory.mktemp("http")
    server = Server(
        sqlite_with_people(sqlite_template, directory / "teamtalk.sqlite3", 10),
        directory / "var",
        IM_HTTP_CONNECTIONS=8,
        IM_HTTP_CONNECTIONS_PER_ADDRESS=4,
        IM_HTTP_HEADER_SECONDS=0.5,
        IM_HTTP_IDLE_SECONDS=1,
        IM_HTTP_BYTES_PER_SECOND=20_000,
    ).start()
    server.wait_for("ready")
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


_take_people = each_once(10)


@pytest.fixture
def people() -> People:
    """Return a function that gives n users nobody has used before."""
    return _take_people


def connect(server: Server, source: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(
        ("127.0.0.1", server.http_port), timeout=PATIENCE_S, source_address=(source, 0)
    )
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def ended(connection: socket.socket) -> bool:
    """Wait until the server ends a connection that it says nothing on."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"", b"G", HEADER, HEADER + b"X-A: b\r\n", UPLOAD, UPLOAD + b"x"])
def test_half_a_request_is_not_waited_for(server: Server, said: bytes) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(said)

        assert ended(connection)


@pytest.mark.parametrize("begin", [HEADER, UPLOAD])
def test_who_trickles_gains_no_time(server: Server, begin: bytes) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(begin)
        connection.settimeout(0.05)
        deadline = time.monotonic() + PATIENCE_S

        while time.monotonic() < deadline:
            try:
                connection.sendall(b"X-A: b\r\n")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break

        assert time.monotonic() < deadline


def test_between_requests_a_connection_stays_for_a_while(server: Server) -> None:
    with closing(HTTPConnection("127.0.0.1", server.http_port, timeout=PATIENCE_S)) as connection:
        for _ in range(2):
            connection.request("GET", "/chat")
            assert connection.getresponse().read()

        assert connection.sock.recv(1) == b""


def test_an_address_has_so_many_connections_and_others_are_served(server: Server) -> None:
    with ExitStack() as stack:
        mine = [stack.enter_context(closing(connect(server))) for _ in range(4)]
        fifth = stack.enter_context(closing(connect(server)))

        refused = fifth.recv(100)
        other = ask(server.http_port, "/msg_server", source="127.0.0.2")

        assert refused.startswith(b"HTTP/1.1 503")
        assert other.status == 200
        assert all(ended(connection) for connection in mine)
    assert ask(server.http_port, "/msg_server").status == 200


async def test_http_has_so_many_connections_and_the_gateway_is_served(
    server: Server, people: People
) -> None:
    [ada] = people(1)
    with ExitStack() as stack:
        for number in range(8):
            stack.enter_context(closing(connect(server, f"127.0.1.{number + 1}")))

        ninth = stack.enter_context(closing(connect(server, "127.0.2.1")))
        async with await Client.connect(server.port) as client:
            await client.log_in(ada.name)
            assert await client.server_time()

        assert ninth.recv(100).startswith(b"HTTP/1.1 503")


async def test_a_websocket_is_no_http_connection_any_more(server: Server, people: People) -> None:
    async with Sockets(server.http_port) as sockets:
        clients = [await sockets.log_in(person) for person in people(5)]

        assert len({client.user_id for client in clients}) == 5
        assert (await sockets.browser().get("/chat")).status == 200
        assert await clients[0].tell(clients[1].user_id, "still here") == 1


def test_who_does_not_read_a_long_answer_is_cut_off(server: Server, long_file: str) -> None:
    with closing(socket.socket()) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(PATIENCE_S)
        deaf.connect(("127.0.0.1", server.http_port))
        deaf.sendall(f"GET /{long_file} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert deaf.recv(12) == b"HTTP/1.1 200"

        deadline = time.monotonic() + PATIENCE_S
        while _is_open(deaf) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert time.monotonic() < deadline


def _is_open(connection: socket.socket) -> bool:
    """Tell whether the server's end is there: a reset shows in the socket's error."""
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


@pytest.fixture
def long_file(server: Server, tmp_path: Path) -> str:
    """The path of a file of 8 MB."""
    directory = Path(server._environment["IM_DATA_DIR"]) / "files" / "000" / "000"
    directory.mkdir(parents=True, exist_ok=True)
    name = "1_2.png"  # as the original's server names files
    (directory / name).write_bytes(b"x" * 8_000_000)
    return f"g0/000/000/{name}"


# --- Host ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/login/", "/chat", "/", "/static/admin_ui/console.css"])
def test_http_1_1_without_a_host_is_refused(server: Server, path: str) -> None:
    assert ask(server.http_port, path, "Connection: close", host=None).status == 400


@pytest.mark.parametrize("path", ["/admin/login/", "/chat", "/msg_server", "/g0/x"])
def test_two_hosts_are_one_too_many(server: Server, path: str) -> None:
    twice = ("Host: localhost", "Connection: close")

    assert ask(server.http_port, path, *twice).status == 400


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_original_clients_need_no_host(server: Server, version: str) -> None:
    reply = ask(server.http_port, "/msg_server", host=None, version=version)

    assert reply.status == 200


def test_http_1_0_needs_none_anywhere(server: Server) -> None:
    assert ask(server.http_port, "/chat", host=None, version="1.0").status == 200
