"""However many requests a server answers, of whatever kind, it holds no more database connections
than docs/operations.md says: one for each thread that asks the database.
"""

import json
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from im.wire.proto import buddy_pb2, group_pb2, login_pb2
from tests import services
from tests.conftest import manage
from tests.e2e.web import Reply, ask
from tests.forms import FORM, form, part
from tests.people import Entrance, Person
from tests.server import Daphne, Server
from tests.services import Redis
from tests.web.conftest import Sockets

PASSWORD = "a console password"
DB_THREADS, HTTP_THREADS = 2, 3
BATCHERS = 4  # writer, logins, lists, directory
AT_ONCE = 16
ADA, BOB = Person(1, "u00001"), Person(2, "u00002")
PAGES = {
    "/im/imuser/": 200,
    "/im/imuser/?q=u0000": 200,
    "/im/imuser/1/change/": 200,
    "/im/imuser/1/history/": 200,
    "/im/imuser/export/": 200,
    "/im/imuser/import/": 200,
    "/im/imdepart/": 200,
    "/im/imgroup/": 200,
    "/im/imdiscovery/": 200,
    "/admin_ui/operator/": 200,
    "/admin_ui/auditentry/": 200,
    "/axes/accessattempt/": 200,
    "/dashboard/": 200,
    "/live/": 200,
    "/conversations/": 200,
    "/conversations/?text=hello&who=1": 200,
    "/im/imuser/999999/change/": 302,  # there is none
    "/nothing/": 404,
    "/jsi18n/": 200,
}


class Counted:
    """A MariaDB account that may hold `allowed` connections, and how many it does."""

    def __init__(self, server: services.MariaDB, database: str, allowed: int) -> None:
        self._server = server
        self._name = f"counted{os.getpid()}"
        self._run(f"DROP USER IF EXISTS `{self._name}`@'%'")
        self._run(f"CREATE USER `{self._name}`@'%' WITH MAX_USER_CONNECTIONS {allowed}")
        self._run(f"GRANT ALL ON `{database}`.* TO `{self._name}`@'%'")
        self.url = f"mysql://{self._name}@127.0.0.1:{server.port}/{database}"

    def connections(self) -> int:
        """Return how many there are now."""
        of_user = f"WHERE user = '{self._name}'"
        return self._run(f"SELECT COUNT(*) FROM information_schema.processlist {of_user}")[0][0]

    def _run(self, statement: str) -> tuple[tuple[int, ...], ...]:
        with closing(self._server.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Visit:
    """A request, and the status that its answer has."""

    target: str
    status: int
    headers: tuple[str, ...] = ()
    method: str = "GET"
    body: bytes = b""

    def pay(self, port: int) -> str:
        """Make the request; return what is wrong with the answer, or nothing."""
        reply = self.ask(port)
        return "" if reply.status == self.status else f"{self.target}: {reply.status}"

    def ask(self, port: int) -> Reply:
        headers = ("Connection: close", *self.headers)
        return ask(port, self.target, *headers, method=self.method, body=self.body)


def post(target: str, status: int, body: bytes, *headers: str) -> Visit:
    return Visit(target, status, headers, "POST", body)


def cookies(reply: Reply) -> dict[str, str]:
    """Return the cookies an answer sets."""
    set_cookies = reply.headers.get_all("Set-Cookie") or []
    pairs = (str(one).partition(";")[0].partition("=") for one in set_cookies)
    return {name: value for name, _, value in pairs}


def as_header(jar: dict[str, str]) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in jar.items())


def operators_cookies(port: int) -> dict[str, str]:
    """Log an operator in to the console."""
    door = Visit("/admin/login/", 200).ask(port)
    jar = cookies(door)
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', door.text)[:1]
    fields = f"csrfmiddlewaretoken={token}&username=chief&password={PASSWORD.replace(' ', '+')}"
    kind = "Content-Type: application/x-www-form-urlencoded"
    entered = post("/admin/login/", 302, fields.encode(), kind, as_header(jar)).ask(port)
    assert entered.status == 302
    return jar | cookies(entered)


def visits(port: int) -> list[Visit]:
    """Return requests of every kind that a server answers."""
    operator = operators_cookies(port)
    console = as_header(operator)
    jar = cookies(Visit("/chat", 200).ask(port))
    as_json = ("Content-Type: application/json", f"X-CSRFToken: {jar['csrftoken']}")
    wish = json.dumps({"name": ADA.name, "password": "pass"}).encode()
    jar |= cookies(post("/chat/login", 200, wish, *as_json, as_header(jar)).ask(port))
    chat = (*as_json, as_header(jar))
    picture = form(part(b"\x89PNG\r\n\x1a\n" + bytes(100)))
    stored = json.loads(post("/", 200, picture, FORM).ask(port).body)["path"]
    token = f"csrfmiddlewaretoken={operator['csrftoken']}".encode()
    urlencoded = "Content-Type: application/x-www-form-urlencoded"
    return [
        *(Visit(f"/admin{page}", status, (console,)) for page, status in PAGES.items()),
        Visit("/admin/im/imuser/", 302),  # nobody is logged in
        Visit("/admin/im/imuser/", 302, ("Cookie: sessionid=nonsense",)),
        post("/admin/im/imuser/1/change/", 200, token, urlencoded, console),  # a form with errors
        post("/admin/im/imuser/import/", 200, token, urlencoded, console),
        post("/admin/im/imuser/", 403, b"", urlencoded, console),  # no CSRF token
        post("/admin/language/setlang/", 302, token + b"&language=zh-hans", urlencoded, console),
        Visit("/", 302),
        Visit("/chat", 200),
        Visit("/static/admin_ui/console.css", 200),
        post("/chat/login", 200, wish, *chat),
        post("/chat/login", 403, wish.replace(b'"pass"', b'"fail"'), *chat),
        post("/chat/login", 400, b"[", *chat),
        post("/chat/token", 200, b"", *chat),
        post("/chat/token", 204, b"", *as_json, f"Cookie: csrftoken={jar['csrftoken']}"),
        post("/chat/password", 403, b'{"old": "wrong", "new": "another"}', *chat),
        post("/chat/files", 200, picture, FORM, *chat[1:]),
        post("/chat/voice", 422, b"no sound", *chat),
        Visit("/msg_server", 200),
        Visit("/api/discovery", 200),
        post("/upload/", 200, picture, FORM),
        Visit(f"/{stored}", 200),
        Visit("/g0/000/000/none.png", 404),
        Visit("/nowhere", 404),
    ]


def leave_early(port: int, visit: Visit) -> str:
    """Ask, and be gone before the answer comes."""
    head = "\r\n".join([f"GET {visit.target} HTTP/1.1", "Host: localhost", *visit.headers, "", ""])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
    return ""


def answer_all(port: int) -> list[str]:
    """Ask for everything one by one, then at once, some of it without waiting for the answer.

    Return what was answered otherwise than it should be.
    """
    todo = visits(port)
    calls: list[Callable[[], str]] = [partial(visit.pay, port) for visit in todo]
    gone = [
        partial(leave_early, port, visit)
        for visit in todo
        if visit.method == "GET" and visit.target.startswith(("/admin", "/chat", "/api"))
    ]
    found = [call() for call in calls]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found += pool.map(lambda call: call(), [*calls, *gone, *calls, *gone, *calls])
    found += [call() for call in calls]
    assert len(found) >= 200
    return [wrong for wrong in found if wrong]


def add_operator(database_url: str) -> None:
    code = (
        "from admin_ui.models import Operator; "
        f"Operator.objects.create_superuser('chief', password={PASSWORD!r})"
    )
    manage("shell", "-c", code, database_url=database_url)


SETTINGS: dict[str, Any] = {  # Any: as the server takes them
    "IM_DB_THREADS": DB_THREADS,
    "IM_HTTP_THREADS": HTTP_THREADS,
    "IM_LOGIN_FAILURES": 10_000,  # wrong passwords are among what is tried
    "IM_UPLOAD_NETWORKS": "127.0.0.1",  # nobody is connected while pictures are sent
}
GATEWAY = DB_THREADS + BATCHERS  # connections of a process that has clients, HTTP left out
LOCK = 1  # where there is no Redis


@pytest.fixture
def counted(
    mariadb: services.MariaDB, mariadb_people: bytes, request: pytest.FixtureRequest
) -> Counted:
    """An account of a database with people that may hold `request.param` connections."""
    add_operator(mariadb.load("counted", mariadb_people))
    return Counted(mariadb, "counted", request.param)


async def use_the_gateway(port: int) -> None:
    """Let two people do what makes a gateway ask its database in every way, many at once."""
    async with Entrance(port) as entrance:
        ada, bob = await entrance.log_in(ADA), await entrance.log_in(BOB)
        await ada.tell(bob.user_id, "hello")
        for client in (ada, bob) * 4:
            client.send(buddy_pb2.IMAllUserReq(user_id=client.user_id, latest_update_time=0))
            client.send(buddy_pb2.IMRecentContactSessionReq(user_id=0, latest_update_time=0))
            client.send(group_pb2.IMNormalGroupListReq(user_id=client.user_id))
            client.send(login_pb2.IMQueryPushShieldReq(user_id=client.user_id))
        for client in (ada, bob) * 4:
            await client.receive(login_pb2.IMQueryPushShieldRsp)


@pytest.mark.parametrize("counted", [GATEWAY + HTTP_THREADS + LOCK], indirect=True)
async def test_a_server_with_everything_holds_a_connection_per_thread(
    counted: Counted, data_dir: Path
) -> None:
    with running(Server(counted.url, data_dir, **SETTINGS)) as server:
        await use_the_gateway(server.port)
        wrong = answer_all(server.http_port)
        await use_the_gateway(server.port)

        assert wrong == []
        assert counted.connections() <= GATEWAY + HTTP_THREADS + LOCK


@pytest.mark.parametrize("counted", [GATEWAY + LOCK], indirect=True)
async def test_a_gateway_alone_holds_a_connection_per_thread(
    counted: Counted, data_dir: Path
) -> None:
    with running(Server(counted.url, data_dir, "rungateway", **SETTINGS)) as server:
        await use_the_gateway(server.port)

        assert counted.connections() <= GATEWAY + LOCK


@pytest.mark.parametrize("counted", [HTTP_THREADS + LOCK], indirect=True)
def test_a_web_process_without_websockets_holds_a_connection_per_thread_of_http(
    counted: Counted, data_dir: Path
) -> None:
    with running(Daphne(counted.url, data_dir, **SETTINGS)) as server:
        wrong = answer_all(server.http_port)

        assert [one for one in wrong if "/msg_server" not in one] == []  # there is no gateway
        assert counted.connections() <= HTTP_THREADS + LOCK


@pytest.mark.parametrize("counted", [GATEWAY + HTTP_THREADS], indirect=True)
async def test_a_web_process_with_websockets_holds_those_of_a_gateway_too(
    counted: Counted, data_dir: Path, redis_server: Redis
) -> None:
    with running(Daphne(counted.url, data_dir, redis_url=redis_server.url, **SETTINGS)) as server:
        async with Sockets(server.http_port) as sockets:
            ada, bob = await sockets.log_in(ADA), await sockets.log_in(BOB)
            await ada.tell(bob.user_id, "hello")
            wrong = answer_all(server.http_port)

        assert [one for one in wrong if "/msg_server" not in one] == []
        assert counted.connections() <= GATEWAY + HTTP_THREADS


def test_a_sqlite_file_is_open_once_per_thread(sqlite_people: Path, data_dir: Path) -> None:
    data_dir.mkdir()
    path = data_dir / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_people, path)
    add_operator(f"sqlite:///{path}")
    with running(Server(f"sqlite:///{path}", data_dir, **SETTINGS)) as server:
        wrong = answer_all(server.http_port)

        links = [os.readlink(one) for one in Path(f"/proc/{server.pid}/fd").iterdir()]
        assert wrong == []
        assert links.count(str(path)) <= GATEWAY + HTTP_THREADS


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server, which must end in order and have nothing to complain about."""
    server.start()
    try:
        yield server
        assert server.stop() == 0
        assert server.complaints() == []
    finally:
        server.kill()
