"""A server and a database for each section, all started at once: starting is what takes long."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import services
from tests.e2e.database import Database
from tests.replay import company
from tests.replay.player import STATUS_INTERVAL_S
from tests.replay.recording import SECTIONS
from tests.replay.tally import Tally
from tests.server import Server

SETTINGS: dict[str, dict[str, Any]] = {  # Any: as Server takes them
    "s02_unauth": {"IM_LOGIN_WAIT_SECONDS": 2},
    "s03_buddy": {"IM_BROADCASTS_PER_SECOND": 0},  # the recorder had no patience
    "s07_file": {"IM_FILE_SERVERS": "127.0.0.1:8600"},
}
AT_TWO = {"s08_two_servers"}  # sections whose people are at two gateways
TALLIES = pytest.StashKey[list[tuple[str, Tally]]]()


@dataclass(frozen=True, slots=True)
class Stage:
    """What one section is played on."""

    backend: str
    database: Database
    servers: list[Server]

    @property
    def ports(self) -> list[int]:
        """Where the gateways listen."""
        return [server.port for server in self.servers]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def stages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Stage]]:
    """The stages by section.  Each server's log must be free of complaints at the end."""
    directory = tmp_path_factory.mktemp("replay")
    new_database = _databases(request, directory)

    def opened(section: str) -> Stage:
        url = new_database(section)
        company.found(Database(url))
        redis_url = request.getfixturevalue("redis_server").url if section in AT_TWO else ""
        gateways = [
            Server(
                url,
                directory / section,
                "rungateway",  # starts sooner than `serve`, and has all that is played
                redis_url=redis_url,
                IM_STATUS_INTERVAL_SECONDS=STATUS_INTERVAL_S,
                IM_KICK_GRACE_SECONDS=0.3,
                **SETTINGS.get(section, {}),
            )
            for _ in range(2 if section in AT_TWO else 1)
        ]
        for gateway in gateways:
            servers.callback(gateway.kill)  # if a test run ends early
        return Stage(request.param, Database(url), [gateway.start() for gateway in gateways])

    with ExitStack() as servers, ThreadPoolExecutor(len(SECTIONS)) as threads:
        found = dict(zip(SECTIONS, threads.map(opened, SECTIONS), strict=True))
        yield found
        started = [server for stage in found.values() for server in stage.servers]
        statuses = list(threads.map(Server.stop, started))
    assert statuses == [0] * len(started)
    assert [line for server in started for line in server.complaints()] == []


def _databases(request: pytest.FixtureRequest, directory: Path) -> Callable[[str], str]:
    """Return what makes a migrated database of a name and returns its URL."""
    if request.param == "sqlite":
        file: Path = request.getfixturevalue("sqlite_template")

        def copied(name: str) -> str:
            path = shutil.copyfile(file, directory / f"{name}.sqlite3")
            return f"sqlite:///{path}"

        return copied
    template: bytes = request.getfixturevalue("mariadb_template")
    mariadb: services.MariaDB = request.getfixturevalue("mariadb")
    return lambda name: mariadb.load(f"replay_{name}", template)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLIES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for backend, tally in terminalreporter.config.stash.get(TALLIES, []):
        terminalreporter.write_line(f"Replayed on {backend}: {tally}")
