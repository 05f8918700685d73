"""Private MariaDB and Redis servers for tests: own port, own directory, gone afterwards.

Ours rather than pytest-mysql and pytest-redis (four more packages): two command lines are all that
would be left to them, and here no server outlives a killed test run.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.ports import free_port

START_SECONDS = 60  # a start takes 0.3 s; a busy CI machine may need much longer

_GUARD = Path(__file__).with_name("guard.py")
# Debian keeps servers in /usr/sbin, which is not on everybody's path.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def missing_for_mariadb() -> str | None:
    """Say what keeps a MariaDB from being started here and how to get it; None if nothing."""
    if not all(map(_find, ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump"))):
        return "MariaDB is not installed (Debian: apt install mariadb-server)"
    if not importlib.util.find_spec("MySQLdb"):
        return (
            "mysqlclient is not installed (pip install -r requirements-mysql.txt; "
            "Debian: apt install gcc pkg-config python3-dev libmariadb-dev)"
        )
    return None


def missing_for_redis() -> str | None:
    """Say what keeps a Redis from being started here and how to get it; None if nothing."""
    return (
        None
        if _find("redis-server")
        else ("Redis is not installed (Debian: apt install redis-server)")
    )


def missing_for_nginx() -> str | None:
    """Say what keeps an nginx from being started here and how to get it; None if nothing."""
    return None if _find("nginx") else "nginx is not installed (Debian: apt install nginx-light)"


def missing_for_browser() -> str | None:
    """Say what keeps a browser from being started here and how to get it; None if nothing."""
    return None if find_browser() else "Chromium is not installed (Debian: apt install chromium)"


def missing_for_network_namespaces() -> str | None:
    """Say what keeps a network namespace from being made here; None if nothing."""
    if not _find("ip"):
        return "ip is not installed (Debian: apt install iproute2)"
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True)
    return None if probe.returncode == 0 else "network namespaces take root, and none is given"


def find_browser() -> str | None:
    """Return the path of Chromium, None where there is none."""
    return next(filter(None, map(_find, ("chromium", "chromium-browser", "google-chrome"))), None)


class Server:
    """A process on a free port of 127.0.0.1, with a directory of its own."""

    def __init__(self, name: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"im-test-{name}-"))
        self.port = free_port()
        self.log = self.directory / "log"
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, *command: str, is_ready: Callable[[], bool]) -> None:
        """Run the command until stop().  Raises RuntimeError, with the log, if it never answers."""
        with self.log.open("wb") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-S", str(_GUARD), str(self.directory), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, who then stop us
            )
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if self._guard.poll() is not None or time.monotonic() > deadline:
                log_text = self.log.read_text() if self.log.exists() else ""
                self.stop()
                raise RuntimeError(f"{command[0]} did not start:\n{log_text}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """The process that guards the server, which is its child."""
        assert self._guard is not None
        return self._guard.pid

    def crash(self) -> None:
        """SIGKILL the server; what it has promised to keep is there when it runs again."""
        assert self._guard is not None
        assert self._guard.stdin is not None
        self.send_signal(signal.SIGKILL)
        self._guard.wait(timeout=START_SECONDS)
        self._guard.stdin.close()

    def send_signal(self, number: int) -> None:
        """Send a signal to the server itself."""
        os.kill(int((self.directory / "pid").read_text()), number)

    def stop(self) -> None:
        """End the process and remove its directory."""
        if self._guard and self._guard.stdin:
            self._guard.stdin.close()
            self._guard.wait(timeout=START_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)


class MariaDB(Server):
    """A MariaDB that is as durable as a real one, and small unless `options` say otherwise; the
    user is root, without a password.
    """

    def __init__(self, *options: str) -> None:
        super().__init__("mariadb")
        self.url = f"mysql://root@127.0.0.1:{self.port}"
        self._data = self.directory / "data"
        self._options = options
        # Else it refuses to run as root.
        self._user = ["--user=root"] if os.geteuid() == 0 else []
        try:
            subprocess.run(
                [
                    _found("mariadb-install-db"),
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-name-resolve",
                    "--skip-test-db",
                    f"--datadir={self._data}",
                    *self._user,
                ],
                check=True,
                capture_output=True,
                text=True,
            )
        except subprocess.CalledProcessError as exc:
            self.stop()
            raise RuntimeError(f"mariadb-install-db failed:\n{exc.stdout}{exc.stderr}") from exc
        self.run()

    def run(self) -> None:
        """Start, for the first time or again, on the data that is there."""
        self.start(
            _found("mariadbd"),
            "--no-defaults",
            f"--datadir={self._data}",
            f"--socket={self.directory / 'socket'}",
            # Not the shared one: a server that starts there deletes the temporary tables it finds.
            f"--tmpdir={self.directory}",
            f"--pid-file={self.directory / 'pid'}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=32M",
            "--innodb-flush-log-at-trx-commit=1",
            *self._options,
            *self._user,
            is_ready=self._answers,
        )

    def connect(self, database: str = "") -> Any:  # Any: MySQLdb has no types
        """Return a MySQLdb connection in autocommit mode."""
        import MySQLdb  # only where it is installed

        return MySQLdb.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def create_database(self, name: str, *, charset: str = "utf8mb4") -> str:
        """Create an empty database in place of any of this name; return its DATABASE_URL."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET {charset}")
        return f"{self.url}/{name}"

    def dump(self, name: str) -> bytes:
        """Return a database as SQL."""
        return self._client("mariadb-dump", name)

    def load(self, name: str, sql: bytes) -> str:
        """Create a database from such SQL; return its DATABASE_URL."""
        url = self.create_database(name)
        self._client("mariadb", name, stdin=sql)
        return url

    def _client(self, program: str, database: str, stdin: bytes = b"") -> bytes:
        address = ["--host=127.0.0.1", f"--port={self.port}", "--user=root"]
        command = [_found(program), "--no-defaults", *address, database]
        return subprocess.run(command, check=True, input=stdin, stdout=subprocess.PIPE).stdout

    def _answers(self) -> bool:
        import MySQLdb  # only where it is installed

        try:
            self.connect().close()
        except MySQLdb.OperationalError:
            return False
        return True


class Redis(Server):
    """A Redis that keeps nothing."""

    def __init__(self) -> None:
        super().__init__("redis")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.run()

    def run(self) -> None:
        """Start, for the first time or again, with nothing in it."""
        self.start(
            _found("redis-server"),
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--dir",
            str(self.directory),
            "--save",
            "",
            "--pidfile",
            str(self.directory / "pid"),
            is_ready=self._answers,
        )

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


class Nginx(Server):
    """An nginx with one server on its port, whose inside is `server`."""

    def __init__(self, server: str) -> None:
        super().__init__("nginx")
        configuration = self.directory / "nginx.conf"
        configuration.write_text(
            f"daemon off; master_process off; pid {self.directory}/pid; error_log stderr;\n"
            "events { worker_connections 64; }\n"
            f"http {{ access_log off; {self._places()}\n"
            f"server {{ listen 127.0.0.1:{self.port}; {server} }} }}\n"
        )
        self.start(
            _found("nginx"),
            "-p",
            str(self.directory),
            "-c",
            str(configuration),
            is_ready=self._answers,
        )

    def _places(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        return " ".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in kinds)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


def _find(program: str) -> str | None:
    return shutil.which(program, path=_PATH)


def _found(program: str) -> str:
    path = _find(program)
    assert path, f"{program}: ask missing_for_…() first"
    return path
