"""End-to-end tests: one real server per kind of database, new users for each test."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import services
from tests.e2e.clients import Cache, Device
from tests.e2e.database import Database
from tests.people import (
    Entrance,
    People,
    Person,
    add_people,
    each_once,
    shared_server,
    sqlite_with_people,
)
from tests.server import Server

USERS = 3000  # per server; a test takes two or three


SwitchOn = Callable[..., Awaitable[Device]]


@pytest.fixture(scope="session")
def sqlite_people(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with USERS people, to be copied."""
    path = tmp_path_factory.mktemp("people") / "template.sqlite3"
    sqlite_with_people(sqlite_template, path, USERS)
    return path


@pytest.fixture(scope="session")
def mariadb_people(mariadb: services.MariaDB, mariadb_template: bytes) -> bytes:
    """A migrated MariaDB database with USERS people, as SQL."""
    add_people(mariadb.load("people", mariadb_template), USERS)
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


def running_server(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AbstractContextManager[Server]:
    """Run a server for many tests, without limits."""
    return shared_server(
        database_url,
        tmp_path_factory,
        IM_SIGNALS_PER_SECOND=0,
        IM_BROADCASTS_PER_SECOND=0,
        IM_FILE_SERVERS="192.0.2.7:8600",
    )


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


_take_people = each_once(USERS)


@pytest.fixture
def people() -> People:
    """Return a function that gives n users nobody has used before."""
    return _take_people


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory for a server of the test's own."""
    return tmp_path / "var"
