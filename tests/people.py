"""People for tests: databases full of them, servers that tests share, and the way in by TCP."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from im.types import ClientType
from tests.client import Client
from tests.conftest import manage
from tests.server import Server


@dataclass(frozen=True, slots=True)
class Person:
    """A user that no other test knows; the password is "pass"."""

    id: int
    name: str


People = Callable[[int], list[Person]]


def add_people(database_url: str, count: int) -> None:
    """Add users 1 to `count` to a database that has none."""
    manage("seed_demo", "--users", str(count), "--password", "pass", database_url=database_url)


def sqlite_with_people(template: Path, path: Path, count: int) -> str:
    """Make a SQLite database of the migrated template, with people; return its URL."""
    shutil.copyfile(template, path)
    url = f"sqlite:///{path}"
    add_people(url, count)
    return url


def each_once(count: int) -> People:
    """Return a function that gives n users nobody has used before, of `count` in all."""
    user_ids = itertools.count(1)

    def take(number: int) -> list[Person]:
        ids = list(itertools.islice(user_ids, number))
        assert ids[-1] <= count, "raise USERS"
        return [Person(user_id, f"u{user_id:05d}") for user_id in ids]

    return take


@contextmanager
def shared_server(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, **settings: Any
) -> Iterator[Server]:
    """Run a server for many tests.  Its log must be free of complaints at the end."""
    server = Server(
        database_url,
        tmp_path_factory.mktemp("var"),
        IM_KICK_GRACE_SECONDS=0.2,
        IM_STATUS_INTERVAL_SECONDS=0.02,
        IM_MESSAGES_PER_SECOND=0,
        **settings,
    ).start()
    yield server
    assert server.stop() == 0
    assert server.complaints() == []


class Entrance:
    """Opens connections to a server; all of them are closed when the test ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stack = AsyncExitStack()

    async def connect(self, own_host: str = "") -> Client:
        """Return a connection that has not logged in, from this address of the machine."""
        client = await Client.connect(self._port, own_host=own_host)
        return await self._stack.enter_async_context(client)

    async def log_in(self, person: Person, client_type: ClientType = ClientType.WINDOWS) -> Client:
        """Return a connection of this person's."""
        return await (await self.connect()).log_in(person.name, client_type=client_type)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()
