"""The server as its operator sees it: it stops when told, and says plainly why it can't start."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import services
from tests.conftest import manage
from tests.e2e.database import Database, messages_between
from tests.people import Entrance, Person
from tests.ports import free_port
from tests.server import ROOT, Server

START_S = 30


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """DATABASE_URL of a migrated database without anybody in it."""
    path = tmp_path / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


# --- stopping ---------------------------------------------------------------------------------


async def test_a_stop_stores_and_acknowledges_what_was_taken_and_a_start_finds_it(
    database_url: str, data_dir: Path
) -> None:
    manage("seed_demo", "--users", "2", "--password", "pass", database_url=database_url)
    ada, bob = Person(1, "u00001"), Person(2, "u00002")
    server = Server(database_url, data_dir, IM_MESSAGES_PER_SECOND=0, IM_DRAIN_SECONDS=0.5).start()

    async with Entrance(server.port) as entrance:
        sender, idle = await entrance.log_in(ada), await entrance.connect()
        for number in range(2000):
            sender.say(bob.id, f"text {number}")
        first = await sender.acks(1)
        os.kill(server.pid, signal.SIGTERM)
        assert await sender.closed()
        assert await idle.closed()
        acknowledged = first + await sender.received_acks()
    assert server.stop() == 0
    assert server.complaints() == []

    stored = [row[0] for row in messages_between(Database(database_url), ada.id, bob.id)]
    assert [msg_id for _, msg_id in acknowledged] == stored == list(range(1, len(stored) + 1))

    server.start()
    async with Entrance(server.port) as entrance:
        receiver = await entrance.log_in(bob)
        assert await receiver.unread_counts() == {ada.id: len(stored)}
        assert await receiver.tell(ada.id, "we go on") == len(stored) + 1
    assert server.stop(signal.SIGINT) == 0
    assert server.complaints() == []


async def test_a_client_that_does_not_leave_cannot_hold_up_the_stop(
    database_url: str, data_dir: Path
) -> None:
    server = Server(database_url, data_dir, IM_DRAIN_SECONDS=0.5).start()

    async with Entrance(server.port) as entrance:
        stubborn = await entrance.connect()
        await stubborn.server_time()
        assert server.stop() == 0

    assert server.complaints() == []


# --- not starting -----------------------------------------------------------------------------


def refusal(**environment: str) -> str:
    """Start the server in vain; return the one line it says, without a traceback, when it ends."""
    ports = {name: str(free_port()) for name in ("IM_TCP_PORT", "IM_HTTP_PORT", "IM_LOGIN_PORT")}
    outcome = subprocess.run(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=os.environ | ports | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=START_S,
    )
    [line] = [line for line in outcome.stdout.splitlines() if " INFO " not in line]
    assert outcome.returncode not in (0, None)
    return line


@pytest.mark.parametrize("setting", ["IM_TCP_PORT", "IM_HTTP_PORT"])
def test_a_taken_port_is_named(database_url: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])

        line = refusal(**{"DATABASE_URL": database_url, setting: port})

    said = f"configuration error: can't listen on 127.0.0.1:{port}: Address already in use"
    assert line.startswith(said)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        pytest.param("nonsense", "DATABASE_URL must name SQLite", id="nonsense"),
        pytest.param("postgres://a:b@c/d", "DATABASE_URL must name SQLite", id="another kind"),
        pytest.param("sqlite:////no/such/x", "unable to open", id="no such directory"),
        pytest.param("sqlite:///{}/text", "not a database", id="another kind of file"),
        pytest.param("sqlite:///{}/new", "tables are not up to date", id="empty"),
    ],
)
def test_a_wrong_database_url_is_named(tmp_path: Path, url: str, complaint: str) -> None:
    (tmp_path / "text").write_text("no database" * 100)

    assert complaint in refusal(DATABASE_URL=url.format(tmp_path))


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        pytest.param("mysql://root@127.0.0.1:1/x", "Can't connect", id="nobody listens"),
        pytest.param("{}/no_such_database", "Unknown database", id="no such database"),
    ],
)
def test_a_wrong_mysql_url_is_named_without_its_password(
    mariadb: services.MariaDB, url: str, complaint: str
) -> None:
    url = url.format(mariadb.url).replace("root@", "root:topsecret@")

    line = refusal(DATABASE_URL=url)

    assert complaint in line or "Access denied" in line
    assert "topsecret" not in line


def test_an_unusable_data_directory_is_named(database_url: str, tmp_path: Path) -> None:
    # In place of a read-only one, which a test run as root could write to.
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "var"

    line = refusal(DATABASE_URL=database_url, IM_DATA_DIR=str(directory), SECRET_KEY="")

    assert line.startswith(f"configuration error: the data directory {directory} can't be used")


def test_a_redis_that_does_not_answer_is_named_and_keeps_nobody_from_starting(
    database_url: str, data_dir: Path
) -> None:
    url = f"redis://127.0.0.1:{free_port()}/0"
    server = Server(database_url, data_dir, redis_url=url).start().wait_for("ready")

    assert server.stop() == 0

    warnings = [line for line in server.log.splitlines() if " WARNING " in line]
    assert any("127.0.0.1" in line for line in warnings), server.log
    assert server.complaints() == []
