"""End-to-end tests: one real server per kind of database, new users for each test."""

import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from im.types import ClientType
from tests import services
from tests.client import Client
from tests.conftest import manage
from tests.e2e.clients import Cache, Device
from tests.e2e.database import Database
from tests.server import Server

USERS = 3000  # per server; a test takes two or three


@dataclass(frozen=True, slots=True)
class Person:
    """A user that no other test knows; the password is "pass"."""

    id: int
    name: str


People = Callable[[int], list[Person]]
SwitchOn = Callable[..., Awaitable[Device]]


def _add_people(database_url: str) -> None:
    manage("seed_demo", "--users", str(USERS), "--password", "pass", database_url=database_url)


@pytest.fixture(scope="session")
def sqlite_people(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with USERS people, to be copied."""
    path = tmp_path_factory.mktemp("people") / "template.sqlite3"
    shutil.copyfile(sqlite_template, path)
    _add_people(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def mariadb_people(mariadb: services.MariaDB, mariadb_template: bytes) -> bytes:
    """A migrated MariaDB database with USERS people, as SQL."""
    _add_people(mariadb.load("people", mariadb_template))
    return mariadb.dump("people")


def make_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kind: str, name: str
) -> str:
    """Make a database of this kind ("sqlite", "mariadb") with USERS people; return its URL."""
    if kind == "sqlite":
        path = tmp_path_factory.mktemp(name) / "teamtalk.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_people"), path)
        return f"sqlite:///{path}"
    mariadb: services.MariaDB = request.getfixturevalue("mariadb")
    return mariadb.load(name, request.getfixturevalue("mariadb_people"))


@contextmanager
def running_server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server for many tests.  Its log must be free of complaints at the end."""
    server = Server(
        database_url,
        tmp_path_factory.mktemp("var"),
        IM_KICK_GRACE_SECONDS=0.2,
        IM_STATUS_INTERVAL_SECONDS=0.02,
        IM_MESSAGES_PER_SECOND=0,
        IM_SIGNALS_PER_SECOND=0,
        IM_BROADCASTS_PER_SECOND=0,
        IM_FILE_SERVERS="192.0.2.7:8600",
    ).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


@dataclass(frozen=True, slots=True)
class Shared:
    """A server that many tests share."""

    database_url: str
    server: Server


def _shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> Iterator[Shared]:
    url = make_database(request, tmp_path_factory, kind, "e2e")
    with running_server(url, tmp_path_factory) as server:
        yield Shared(url, server)


# Fixtures of their own, for a parameter's would be ended whenever the parameter changes.
@pytest.fixture(scope="session")
def shared_sqlite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared]:
    yield from _shared(request, tmp_path_factory, "sqlite")


@pytest.fixture(scope="session")
def shared_mariadb(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shared]:
    yield from _shared(request, tmp_path_factory, "mariadb")


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def shared(request: pytest.FixtureRequest) -> Shared:
    """The server all tests of a kind of database share, and that database."""
    found: Shared = request.getfixturevalue(f"shared_{request.param}")
    return found


@pytest.fixture(scope="session")
def database_url(shared: Shared) -> str:
    """DATABASE_URL of a migrated database with USERS people, one for the session."""
    return shared.database_url


@pytest.fixture(scope="session")
def server(shared: Shared) -> Server:
    """The server all tests of a kind of database share."""
    return shared.server


@pytest.fixture(scope="session")
def database(database_url: str) -> Database:
    """The shared server's database."""
    return Database(database_url)


class Entrance:
    """Opens connections to a server; all of them are closed when the test ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = AsyncExitStack()

    async def connect(self) -> Client:
        """Return a connection that has not logged in."""
        return await self._stack.enter_async_context(await Client.connect(self._port))

    async def log_in(self, person: Person, client_type: ClientType = ClientType.WINDOWS) -> Client:
        """Return a connection of this person's."""
        return await (await self.connect()).log_in(person.name, client_type=client_type)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


@pytest.fixture
async def entrance(server: Server) -> AsyncIterator[Entrance]:
    """The way into the shared server."""
    async with Entrance(server.port) as entrance:
        yield entrance


@pytest.fixture
async def switch_on(server: Server) -> AsyncIterator[SwitchOn]:
    """Return a function that starts a client of a kind for a person, with a cache or without."""
    async with AsyncExitStack() as stack:

        async def start(kind: type[Device], person: Person, cache: Cache | None = None) -> Device:
            device = await kind.switch_on(server.http_port, person.name, cache)
            return await stack.enter_async_context(device)

        yield start


_next_user = itertools.count(1)


@pytest.fixture
def people() -> People:
    """Return a function that gives n users nobody has used before."""

    def take(count: int) -> list[Person]:
        ids = list(itertools.islice(_next_user, count))
        assert ids[-1] <= USERS, "raise USERS"
        return [Person(user_id, f"u{user_id:05d}") for user_id in ids]

    return take


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory for a server of the test's own."""
    return tmp_path / "var"
