"""The writer called as a function, in the tests' own process, on a database of each kind.

All tests of a kind share one database; each takes users that no other test knows.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from im.storage.writer.writer import Writer
from teamtalk_site import settings
from tests import services
from tests.proxy import Proxy
from tests.writer.store import Store

USERS = 15_000

ON_SQLITE, ON_MARIADB = (
    pytest.mark.parametrize("store_url", [kind], indirect=True, scope="session")
    for kind in ("sqlite", "mariadb")
)

TakeUsers = Callable[[int], list[int]]
PointDjangoAt = Callable[[str], None]


@pytest.fixture(scope="session")
def sqlite_store_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("writer") / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return _peopled(f"sqlite:///{path}")


@pytest.fixture(scope="session")
def mariadb_store_url(
    mariadb: services.MariaDB, mariadb_template: bytes, tmp_path_factory: pytest.TempPathFactory
) -> str:
    name = tmp_path_factory.mktemp("writer").name  # other folders of tests have one too
    return _peopled(mariadb.load(name, mariadb_template))


def _peopled(url: str) -> str:
    Store(url).add_users(USERS)
    return url


@pytest.fixture(scope="session", params=["sqlite", "mariadb"])
def store_url(request: pytest.FixtureRequest) -> str:
    """DATABASE_URL of a migrated database with users 1 to USERS, one for the session."""
    url: str = request.getfixturevalue(f"{request.param}_store_url")
    return url


@pytest.fixture
def point_django_at(
    monkeypatch: pytest.MonkeyPatch, django_db_blocker: DjangoDbBlocker
) -> Iterator[PointDjangoAt]:
    """Return a function that points Django's default connection, of every thread, at a database.

    The settings are made from the URL as the server makes them.
    """
    configured, own = connections.settings["default"], connections["default"]

    def point(database_url: str) -> None:
        monkeypatch.setenv("DATABASE_URL", database_url)
        config = {"default": settings._database()}  # the one road from a URL to our options
        connections.settings["default"] = connections.configure_settings(config)["default"]
        connections["default"].close()
        connections["default"] = connections.create_connection("default")

    with django_db_blocker.unblock():
        yield point
        connections["default"].close()
    connections.settings["default"] = configured
    connections["default"] = own


@pytest.fixture
def store(store_url: str) -> Store:
    """The database that the writer writes to."""
    return Store(store_url)


@pytest.fixture
def writer(store_url: str, point_django_at: PointDjangoAt) -> Iterator[Writer]:
    """A writer that knows nothing yet."""
    point_django_at(store_url)
    writer = Writer(owns_thread=True)
    yield writer
    writer.close()


@pytest.fixture
def proxy(
    writer: Writer,
    store_url: str,
    mariadb: services.MariaDB,
    point_django_at: PointDjangoAt,
) -> Iterator[Proxy]:
    """A proxy between the writer and MariaDB."""
    with Proxy(mariadb.port) as proxy:
        point_django_at(store_url.replace(f":{mariadb.port}/", f":{proxy.port}/"))
        yield proxy


_next_user = itertools.count(1)


@pytest.fixture
def users() -> TakeUsers:
    """Return a function that gives the ids of n users nobody has used before, ascending."""

    def take(count: int) -> list[int]:
        ids = list(itertools.islice(_next_user, count))
        assert ids[-1] <= USERS, "raise USERS"
        return ids

    return take
