"""The commands of docs/operations.md do what the page says: they are run as they stand there.

Only names of this machine are put in their place: ports, the addresses of private servers, and the
interpreter that runs these tests.  `sudo apt` and `git pull` are not run.
"""

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.conftest import ROOT, manage
from tests.ports import free_port
from tests.running.conftest import ENVIRONMENT
from tests.services import MariaDB, Redis

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
# Sections with commands, each named by the test that runs them; the others hold no commands.
RUN_HERE = {"Installing for production", "Backup", "Restore", "Upgrade", "Audit"}
RUN_ELSEWHERE = {
    "Adopting an existing TeamTalk database": "tests/models/test_schema.py adopts one",
    "Behind a web server": "tests/web/test_nginx.py puts nginx in front",
    "Processes": "a line of cron; tests/writer/test_voice_sweep.py runs the command",
    "systemd": "a unit; its commands are the ones above",
}


def blocks(section: str) -> list[list[str]]:
    """Return the indented blocks of a section, each as its lines without comments."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"(?:^    .*\n)(?:(?:^    .*)?\n)*", text, re.MULTILINE)
    lines = [[re.sub(r"\s+# .*", "", line[4:]) for line in block.splitlines()] for block in found]
    return [[line for line in block if line] for block in lines]


@dataclass(slots=True)
class Shell:
    """A checkout in which commands of the page run, and what stands for what in them."""

    checkout: Path
    environment: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)

    def run(self, lines: list[str]) -> str:
        """Run lines as one script that stops at the first failure; return what it printed."""
        script = "\n".join(["set -e", *lines])
        for shown, real in self.replaced.items():
            script = script.replace(shown, real)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.checkout,
            env=ENVIRONMENT
            | {"PATH": f"{self.checkout}/shims:{os.environ['PATH']}:/usr/sbin"}
            | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert done.returncode == 0, script + done.stdout + done.stderr
        return done.stdout

    def start(self, lines: list[str]) -> subprocess.Popen[bytes]:
        """Run lines whose last one is a server."""
        script = "\n".join(["set -e", *lines[:-1], f"exec {lines[-1]}"])
        for shown, real in self.replaced.items():
            script = script.replace(shown, real)
        return subprocess.Popen(
            ["bash", "-c", script], cwd=self.checkout, env=ENVIRONMENT | self.environment
        )

    def port(self, name: str) -> int:
        """Return where a server of this shell listens."""
        return int(self.environment[f"IM_{name}_PORT"])

    def shim(self, name: str, command: str) -> None:
        """Let a program's name run a command instead."""
        program(self.checkout / "shims" / name, command)


def program(path: Path, command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A checkout with this project's code and this interpreter, and data of its own."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in (
        "manage.py",
        "im",
        "tcpgateway",
        "admin_ui",
        "teamtalk_site",
        "templates",
        "bench",
        "locale",
    ):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / "var").mkdir()
    program(checkout / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"')
    program(checkout / ".venv" / "bin" / "daphne", f'exec {sys.executable} -m daphne "$@"')
    program(checkout / "bin" / "venv", "true")  # tests/running/test_venv.py has the real one
    shell = Shell(checkout, {"IM_DATA_DIR": str(checkout / "var"), "PYTHONWARNINGS": "error"})
    shell.shim("git", "true")
    return shell


@pytest.fixture
def sqlite_shell(shell: Shell, sqlite_template: Path) -> Shell:
    """The same with an SQLite database in which one person is."""
    path = shutil.copyfile(sqlite_template, shell.checkout / "var" / "teamtalk.sqlite3")
    manage("seed_demo", "--users", "1", "--password", "secret", database_url=f"sqlite:///{path}")
    return shell


@pytest.fixture
def mariadb_shell(shell: Shell, mariadb: MariaDB) -> Shell:
    """The same with MariaDB's own programs, which find the tests' server."""
    address = f"--no-defaults --host=127.0.0.1 --port={mariadb.port} --user=root"
    for name in ("mariadb", "mariadb-dump"):
        shell.shim(name, f'exec {shutil.which(name)} {address} "$@"')
    shell.shim("sudo", '[ "$1" = apt ] || exec "$@"')
    return shell


def people(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        [(count,)] = database.execute("SELECT count(*) FROM IMUser")
    return int(count)


def test_every_section_with_commands_is_run() -> None:
    sections = re.findall(r"^## (.*)", PAGE, re.MULTILINE)

    assert {name for name in sections if blocks(name)} == RUN_HERE | RUN_ELSEWHERE.keys()


def test_every_command_of_manage_py_exists() -> None:
    named = set(re.findall(r"manage\.py (\w+)", PAGE))

    assert named <= get_commands().keys()


def test_an_sqlite_backup_is_made_each_night_for_its_owner_and_restored(
    sqlite_shell: Shell,
) -> None:
    checkout = sqlite_shell.checkout
    database, backup = checkout / "var" / "teamtalk.sqlite3", checkout / "backup.sqlite3"
    [of_sqlite, _] = blocks("Backup")
    [restore, _, look] = blocks("Restore")

    for _ in range(2):
        sqlite_shell.run(of_sqlite)
    (checkout / "var" / "teamtalk.sqlite3-wal").write_bytes(b"of another file")
    database.write_bytes(b"broken")
    sqlite_shell.run(restore)
    printed = sqlite_shell.run(look)

    assert people(backup) == people(database) == 1
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert "nothing is wrong" in printed


def test_a_mariadb_backup_is_made_each_night_and_restored(
    mariadb_shell: Shell, mariadb: MariaDB, mariadb_template: bytes
) -> None:
    url = mariadb.load("teamtalk", mariadb_template)
    manage("seed_demo", "--users", "1", "--password", "secret", database_url=url)
    mariadb_shell.environment["DATABASE_URL"] = url
    [_, of_mariadb] = blocks("Backup")
    [_, restore, look] = blocks("Restore")

    for _ in range(2):
        mariadb_shell.run(of_mariadb)
    with closing(mariadb.connect("teamtalk")) as connection:
        connection.query("DELETE FROM IMUser")
    mariadb_shell.run(restore)
    mariadb_shell.run(look)

    with closing(mariadb.connect("teamtalk")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM IMUser")
        assert cursor.fetchone() == (1,)
    backup = mariadb_shell.checkout / "backup.sql"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_an_upgrade_brings_the_tables_up_to_date(sqlite_shell: Shell) -> None:
    url = f"sqlite:///{sqlite_shell.checkout / 'var' / 'teamtalk.sqlite3'}"
    manage("migrate", "admin_ui", "0001", database_url=url)

    [upgrade] = blocks("Upgrade")
    sqlite_shell.run(upgrade)

    manage("migrate", "--check", database_url=url)


def test_the_audit_section_seeds_and_finds_nothing(shell: Shell, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, shell.checkout / "var" / "teamtalk.sqlite3")
    [audit, at_size] = blocks("Audit")
    shell.replaced = {
        "--users 10000 --groups 200": "--users 60 --groups 1",
        "--messages 1000000 --pairs 20000": "--messages 100 --pairs 20",
        "/usr/bin/time -v ": "",
    }

    shell.run(at_size)
    shell.run(audit)


@pytest.fixture
def servers(mariadb_shell: Shell) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test starts; they are ended with it."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.terminate()
        process.wait(20)


def test_an_installation_for_production_has_an_operator_and_no_demo(
    mariadb_shell: Shell,
    mariadb: MariaDB,
    redis_server: Redis,
    servers: list[subprocess.Popen[bytes]],
) -> None:
    with closing(mariadb.connect()) as connection:
        connection.query("DROP DATABASE IF EXISTS teamtalk")
        connection.query("DROP USER IF EXISTS teamtalk@localhost")
    [database, install, run] = blocks("Installing for production")
    host = f"127.0.0.1:{mariadb.port}"
    mariadb_shell.environment |= {
        f"IM_{name}_PORT": str(free_port()) for name in ("TCP", "HTTP", "LOGIN")
    }
    mariadb_shell.replaced = {
        "teamtalk@localhost": "teamtalk@127.0.0.1",
        "@localhost/": f"@{host}/",
        "redis://127.0.0.1:6379/0": redis_server.url,
        "-p 8080": f"-p {mariadb_shell.port('HTTP')}",
        "--workers 4": "--workers 1",
        "cd /opt/teamtalk": f"cd '{mariadb_shell.checkout}'",
        "createsuperuser": "createsuperuser --noinput --username anna --email ''",
    }
    mariadb_shell.environment["DJANGO_SUPERUSER_PASSWORD"] = "long enough"

    mariadb_shell.run([*database, *install])

    with closing(mariadb.connect("teamtalk")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT username FROM admin_ui_operator")
        assert cursor.fetchall() == (("anna",),)
        cursor.execute("SELECT count(*) FROM IMUser")
        assert cursor.fetchone() == (0,)
    for line in run:
        servers.append(mariadb_shell.start([*exports(install), line]))
    assert all(is_listening(mariadb_shell.port(name), servers) for name in ("TCP", "HTTP"))


def exports(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(("export", "cd"))]


def is_listening(port: int, servers: list[subprocess.Popen[bytes]]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(server.poll() is None for server in servers):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        time.sleep(0.05)
    return False
