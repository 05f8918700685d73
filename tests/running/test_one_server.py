"""Without Redis one process alone serves a database: a second one is refused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import manage
from tests.server import ROOT, Daphne, Server
from tests.services import MariaDB, Redis

REFUSED = "configuration error: another process serves this database already ("


@pytest.fixture
def server(backend: str, tmp_path: Path) -> Iterator[Server]:
    running = Server(backend, tmp_path / "var").start()
    yield running
    running.kill()


def said(server: Server) -> list[str]:
    """Start a server in vain; return what it says."""
    with pytest.raises(RuntimeError) as refusal:
        server.start()
    return str(refusal.value).splitlines()[1:]


def test_a_second_process_of_any_kind_is_refused_in_one_line(
    server: Server, backend: str, tmp_path: Path
) -> None:
    for other in (
        Server(backend, tmp_path / "other"),
        Server(backend, tmp_path / "other", "rungateway"),
        Daphne(backend, tmp_path / "other"),
    ):
        [line] = said(other)

        assert line.startswith(REFUSED)
        assert "REDIS_URL" in line


def test_a_server_that_was_killed_leaves_the_database_to_the_next_one(
    server: Server, backend: str, tmp_path: Path
) -> None:
    server.kill()

    other = Server(backend, tmp_path / "var").start().wait_for("is ready")

    assert other.stop() == 0


def test_commands_run_beside_a_server(server: Server, backend: str) -> None:
    manage("seed_demo", "--users", "2", "--password", "pass", database_url=backend)
    manage("audit", database_url=backend)


def test_an_sqlite_file_is_the_same_by_another_name(sqlite_template: Path, tmp_path: Path) -> None:
    file, link = tmp_path / "im.sqlite3", tmp_path / "elsewhere" / "link.sqlite3"
    file.write_bytes(sqlite_template.read_bytes())
    link.parent.mkdir()
    link.symlink_to(file)
    first = Server(f"sqlite:///{file}", tmp_path / "var").start()

    [line] = said(Server(f"sqlite:///{link}", tmp_path / "var"))

    first.kill()
    assert f"(process {first.pid})" in line


def test_with_redis_there_may_be_many(backend: str, tmp_path: Path, redis_server: Redis) -> None:
    gateways = [
        Server(backend, tmp_path / "var", "rungateway", redis_url=redis_server.url).start()
        for _ in range(2)
    ]

    for gateway in gateways:
        gateway.kill()


# --- the lock of a database server --------------------------------------------------------------

HOLD = """
import signal
from im.services.setup import instance_lock

instance_lock.LOOK_S = instance_lock.LOST_LOOK_S = 0.02
instance_lock.claim()
print(instance_lock._held._name(), flush=True)
signal.pause()
"""


class Holder:
    """A process that has the lock of a MariaDB database, and the server's view of it."""

    def __init__(self, server: MariaDB, database_url: str) -> None:
        self._server = server
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "shell", "-v0", "-c", HOLD],
            env=os.environ | {"DATABASE_URL": database_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.lock = self.process.stdout.readline().strip()
        [self.first] = self.ask(f"SELECT IS_USED_LOCK('{self.lock}')")

    def ask(self, statement: str) -> list[Any]:  # Any: whatever the statement selects
        """Return the first column of what a statement gives."""
        with closing(self._server.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            return [row[0] for row in cursor.fetchall()]

    def until(self, statement: str) -> None:
        """Wait until a statement gives true."""
        deadline = time.monotonic() + 20
        while self.ask(statement) != [1]:
            assert time.monotonic() < deadline, statement
            time.sleep(0.01)


@pytest.fixture
def holder(mariadb: MariaDB, mariadb_template: bytes) -> Iterator[Holder]:
    held = Holder(mariadb, mariadb.load("held", mariadb_template))
    yield held
    held.process.kill()
    held.process.communicate()


def test_a_lock_that_was_lost_with_its_connection_is_taken_again(holder: Holder) -> None:
    holder.ask(f"KILL {holder.first}")

    holder.until(f"SELECT IS_USED_LOCK('{holder.lock}') <> {holder.first}")
    assert holder.process.poll() is None


def test_a_server_that_lost_its_lock_to_another_one_stops(holder: Holder) -> None:
    with ThreadPoolExecutor() as threads, closing(holder._server.connect()) as other:
        cursor = other.cursor()
        taken = threads.submit(cursor.execute, f"SELECT GET_LOCK('{holder.lock}', 20)")
        holder.until(
            "SELECT COUNT(*) FROM information_schema.processlist"
            f" WHERE info LIKE 'SELECT GET_LOCK(%{holder.lock}%' AND state = 'User lock'"
        )
        holder.ask(f"KILL {holder.first}")
        taken.result()

        said = holder.process.communicate()[1]

    assert holder.process.returncode == -signal.SIGTERM
    assert "another process serves this database already (connected from" in said
