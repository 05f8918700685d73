"""WebSockets to the real server: a small client that speaks JSON frames or binary ones."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.client import wire_password
from tests.e2e.database import Database
from tests.people import Entrance, People, Person, each_once, shared_server, sqlite_with_people
from tests.server import Server

USERS = 200
TIMEOUT_S = 10.0

Body = dict[str, Any]  # Any: JSON


class WebClient:
    """One WebSocket that speaks JSON; frames that nobody asked for yet wait in `unread`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.unread: list[Body] = []
        self.user_id = 0
        self._seqs = itertools.count(1)

    async def send(self, cmd: str, body: Body | None = None) -> int:
        """Send a command; return its sequence number."""
        seq = next(self._seqs)
        await self.socket.send(json.dumps({"cmd": cmd, "seq": seq, "body": body or {}}))
        return seq

    async def receive(self, cmd: str, seq: int | None = None) -> Body:
        """Return the body of the next frame of this kind (and number)."""

        def fits(frame: Body) -> bool:
            return frame["cmd"] == cmd and seq in (None, frame["seq"])

        for index, frame in enumerate(self.unread):
            if fits(frame):
                return self.unread.pop(index)["body"]  # type: ignore[no-any-return]
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                frame = json.loads(await self.socket.recv())
                if fits(frame):
                    return frame["body"]  # type: ignore[no-any-return]
                self.unread.append(frame)

    async def call(self, cmd: str, body: Body, reply: str) -> Body:
        """Send a command and return its reply."""
        return await self.receive(reply, await self.send(cmd, body))

    async def log_in(self, name: str, password: str = "pass") -> Self:
        """Log in; anything but success fails the test."""
        wanted = {"user_name": name, "password": wire_password(password)}
        answer = await self.call("IMLoginReq", wanted, "IMLoginRes")
        assert answer["result_code"] == "REFUSE_REASON_NONE", answer
        self.user_id = answer["user_info"]["user_id"]
        return self

    async def tell(self, to_user_id: int, text: str, client_id: str = "") -> int:
        """Send a text, wait for its ACK and return the message id."""
        body = {"to_session_id": to_user_id, "msg_type": "MSG_TYPE_SINGLE_TEXT", "msg_data": text}
        if client_id:
            body["client_msg_id"] = client_id
        ack = await self.call("IMMsgData", body, "IMMsgDataAck")
        return ack["msg_id"]  # type: ignore[no-any-return]

    async def closed(self) -> int:
        """Read until the server closes; return the code."""
        async with asyncio.timeout(TIMEOUT_S):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered."""

    status: int
    body: bytes

    @property
    def json(self) -> Body:
        found: Body = json.loads(self.body)
        return found


class Browser:
    """What a browser does over HTTP: cookies, and the CSRF token once it has seen the page."""

    def __init__(self, http_port: int) -> None:
        self._port = http_port
        self._cookies: dict[str, str] = {}
        self.set_cookie = ""

    def copied(self) -> "Browser":
        """Return another browser with the cookies of this one."""
        other = Browser(self._port)
        other._cookies = dict(self._cookies)
        return other

    async def get(self, path: str) -> Answer:
        """Fetch a path."""
        return await asyncio.to_thread(self._ask, "GET", path, {}, b"")

    async def post(self, what: str, **fields: object) -> Answer:
        """Send fields as JSON to a path below /chat."""
        headers = {"Content-Type": "application/json", **self._csrf()}
        body = json.dumps(fields).encode()
        return await asyncio.to_thread(self._ask, "POST", f"/chat/{what}", headers, body)

    async def send(self, path: str, content: bytes) -> Answer:
        """Send bytes to a path below /chat."""
        headers = {"Content-Type": "application/octet-stream", **self._csrf()}
        return await asyncio.to_thread(self._ask, "POST", f"/chat/{path}", headers, content)

    async def upload(self, name: str, content: bytes) -> Answer:
        """Send a file as a form."""
        await self.get("/chat")
        form = (
            b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
            b"Content-Type: image/png\r\n\r\n%s\r\n--xyz--\r\n"
        ) % (name.encode(), content)
        headers = {"Content-Type": "multipart/form-data; boundary=xyz", **self._csrf()}
        return await asyncio.to_thread(self._ask, "POST", "/chat/files", headers, form)

    def _csrf(self) -> dict[str, str]:
        token = self._cookies.get("csrftoken")
        return {"X-CSRFToken": token} if token else {}

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)) as connection:
            connection.request(method, path, body, headers | {"Cookie": cookies})
            response = connection.getresponse()
            for name, value in response.getheaders():
                if name.lower() == "set-cookie":
                    self.set_cookie = value
                    cookie, _, content = value.partition(";")[0].partition("=")
                    self._cookies[cookie] = content
            return Answer(response.status, response.read())


class Sockets:
    """Opens WebSockets to a server; all of them are closed when the test ends."""

    def __init__(self, http_port: int) -> None:
        self.http_port = http_port
        self.url = f"ws://127.0.0.1:{http_port}/chat/socket"
        self._stack = AsyncExitStack()

    async def raw(self, **options: Any) -> ClientConnection:  # Any: connect()'s
        """Return a connection that has said nothing."""
        options = {"ping_interval": None, "compression": None, "proxy": None, **options}
        return await self._stack.enter_async_context(connect(self.url, **options))

    async def connect(self, **options: Any) -> WebClient:
        """Return a client that has not logged in."""
        return WebClient(await self.raw(**options))

    async def log_in(self, person: Person) -> WebClient:
        """Return a client of this person's."""
        return await (await self.connect()).log_in(person.name)

    def browser(self) -> Browser:
        """Return a browser that has seen the page."""
        browser = Browser(self.http_port)
        browser._ask("GET", "/chat", {}, b"")
        return browser

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()


@pytest.fixture(scope="session")
def web_database_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """DATABASE_URL of a migrated SQLite database with USERS people, one for the session."""
    path = tmp_path_factory.mktemp("web") / "teamtalk.sqlite3"
    return sqlite_with_people(sqlite_template, path, USERS)


@pytest.fixture(scope="session")
def own_database_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """DATABASE_URL of one like it, for servers that single tests start, one at a time."""
    path = tmp_path_factory.mktemp("web-own") / "teamtalk.sqlite3"
    return sqlite_with_people(sqlite_template, path, USERS)


@pytest.fixture(scope="session")
def server(web_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server all tests share.  Its log must be free of complaints at the end."""
    with shared_server(
        web_database_url, tmp_path_factory, IM_WEB_ORIGINS="https://intranet.example"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def database(web_database_url: str) -> Database:
    """The shared server's database."""
    return Database(web_database_url)


@pytest.fixture
async def sockets(server: Server) -> AsyncIterator[Sockets]:
    """The way into the shared server by WebSocket."""
    async with Sockets(server.http_port) as sockets:
        yield sockets


@pytest.fixture
async def entrance(server: Server) -> AsyncIterator[Entrance]:
    """The way in by TCP."""
    async with Entrance(server.port) as entrance:
        yield entrance


_take_people = each_once(USERS)


@pytest.fixture
def people() -> People:
    """Return a function that gives n users nobody has used before."""
    return _take_people
