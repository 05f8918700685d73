"""What the load runs against: databases with a company in them, Redis, and gateways.

The servers are the tests' own (tests/services.py, tests/server.py): durable, on ports of their
own, gone afterwards.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.client import Entrance
from bench.cpu import Watch
from tests import services
from tests.server import ROOT, Server

PEOPLE = 10_000
DEPARTMENTS = 500
GROUP_MEMBERS = 500
BUFFER_POOL = "1G"  # as an installation of this size would have


@dataclass(frozen=True, slots=True)
class Gateways:
    """Running gateways: the way in, and their processes with those of what they use."""

    entrance: Entrance
    watch: Watch


class Ground:
    """A company of PEOPLE in a database, and what gateways need besides.

    `backend` is "mariadb" (with Redis, gateways alone) or "sqlite" (web and gateway in one
    process).
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._stack = ExitStack()
        self._pids: dict[str, int] = {}
        self._redis_url = ""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="im-bench-")))
            self.database_url = self._open_database(stack)
            _manage(self.database_url, "migrate", "--verbosity=0")
            _manage(
                self.database_url,
                "seed_demo",
                *("--users", str(PEOPLE), "--password", "pass"),
                *("--departments", str(DEPARTMENTS)),
                *("--groups", "1", "--members", str(GROUP_MEMBERS)),
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _open_database(self, stack: ExitStack) -> str:
        if self.backend == "sqlite":
            return f"sqlite:///{self._data / 'teamtalk.sqlite3'}"
        mariadb = services.MariaDB(f"--innodb-buffer-pool-size={BUFFER_POOL}")
        stack.callback(mariadb.stop)
        redis = services.Redis()
        stack.callback(redis.stop)
        self._redis_url = redis.url
        self._pids = {"mariadbd": mariadb.pid, "redis": redis.pid}
        return mariadb.create_database("bench")

    @contextmanager
    def gateways(self, count: int = 1, **limits: int) -> Iterator[Gateways]:
        """Run gateways on it; `limits` are settings.

        Raises RuntimeError, with the log, when one complains.
        """
        command = ("serve",) if self.backend == "sqlite" else ("rungateway",)
        servers = [
            Server(self.database_url, self._data, *command, redis_url=self._redis_url, **limits)
            for _ in range(count)
        ]
        with ExitStack() as stack:
            for server in servers:
                stack.callback(server.kill)
                server.start()
            labels = ["gateway", *(f"gateway {number}" for number in range(2, count + 1))]
            pids = {label: server.pid for label, server in zip(labels, servers, strict=True)}
            ports = tuple(server.port for server in servers)
            yield Gateways(Entrance(ports), Watch(pids | self._pids))
            for server in servers:
                server.stop()
                if server.complaints():
                    raise RuntimeError(f"the server complains:\n{server.complaints()[:5]}")


def _manage(database_url: str, *arguments: str) -> None:
    """Run a command of manage.py.  Raises CalledProcessError, its output on stderr."""
    subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=True,
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url, "REDIS_URL": ""},
        stdout=subprocess.DEVNULL,
    )
