"""The benchmark's loads in small, against the real server: they must find nothing lost.

Never a time, never a rate: only that what is counted is checked, and that the check can fail.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import workers
from bench.client import Entrance
from bench.cpu import Watch
from bench.crowds import Idle, Storm
from bench.figures import figures_of
from bench.group_talk import GroupTalk
from bench.loads import Load, Window
from bench.talk import Talk
from bench.visits import LatestPages, Logins, Syncs
from tests.conftest import manage
from tests.server import Server

SHORT = Window(0.1, 0.4)


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of our own, with people in a group."""
    directory = tmp_path_factory.mktemp("bench")
    url = f"sqlite:///{shutil.copyfile(sqlite_template, directory / 'teamtalk.sqlite3')}"
    manage(
        "seed_demo",
        *("--users", "40", "--prefix", "b", "--password", "pass"),
        *("--departments", "3"),
        *("--groups", "1", "--members", "12"),
        database_url=url,
    )
    server = Server(url, directory, "rungateway", IM_MESSAGES_PER_SECOND=0)
    yield server.start()
    assert server.stop() == 0
    assert server.complaints() == []


@pytest.mark.parametrize(
    "load",
    [
        Talk(4, 4, reads=True, window=SHORT, workers=2),
        Talk(4, per_second=30, window=SHORT),
        GroupTalk(12, 3, window=SHORT),
        Logins(20, 8, window=SHORT),
        Syncs(4, since_then=True, window=SHORT),
        LatestPages(window=SHORT),
        Idle(30, settle_s=0.2),
        Storm(30, settle_s=0.3),
    ],
    ids=lambda load: type(load).__name__,
)
def test_a_load_does_something_and_finds_no_fault(server: Server, load: Load) -> None:
    entrance = Entrance((server.port,), prefix="b")

    figures = figures_of(workers.run(load, entrance, Watch({"gateway": server.pid})))

    assert figures.faults == {}
    assert figures.metrics["p50_ms"] > 0


def test_the_command_says_what_it_found_and_that_it_looked(server: Server) -> None:
    said = manage(
        "loadtest",
        "talk",
        *("--port", str(server.port), "--prefix", "b", "--password", "pass"),
        *("--people", "8", "--seconds", "0.5", "--pid", str(server.pid)),
        database_url="sqlite://:memory:",
    )

    assert "per second" in said
    assert "µs CPU each" in said
    assert "nothing lost, doubled or out of order" in said


def test_the_command_says_why_it_has_no_figures(server: Server) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        manage(
            "loadtest",
            "talk",
            *("--port", str(server.port), "--prefix", "b", "--password", "wrong"),
            database_url="sqlite://:memory:",
        )

    assert "b00001 may not log in" in failed.value.stderr.splitlines()[-1]
