"""The real server as a subprocess, for end-to-end tests."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
START_S = 30.0
STOP_S = 20.0


class Server:
    """`manage.py serve` (or another command) on free ports, in a process group of its own.

    `program` is what Python runs; `log` is what it has printed so far; `port`, `http_port` and
    `login_port` are where it listens.
    """

    program: tuple[str, ...] = ("manage.py",)

    def __init__(
        self,
        database_url: str,
        data_dir: Path,
        *command: str,
        redis_url: str = "",
        port: int = 0,
        **settings: str | int | float,
    ) -> None:
        self.port = port or free_port()
        self.http_port = free_port()
        self.login_port = free_port()
        self._lines: list[str] = []
        self._command = command or ("serve",)
        self._environment = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "IM_DATA_DIR": str(data_dir),
            "IM_TCP_PORT": str(self.port),
            "IM_HTTP_PORT": str(self.http_port),
            "IM_LOGIN_PORT": str(self.login_port),
            "PYTHONWARNINGS": "error",
            **{name: str(value) for name, value in settings.items()},
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self, at: str = "127.0.0.1") -> Self:
        """Start, and wait until clients are taken at this address.

        Raises RuntimeError with the log otherwise.
        """
        self._process = subprocess.Popen(
            [*_with_us(), sys.executable, *self.program, *self._command],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        return self._wait(lambda: _answers(at, self.port), "the server did not start")

    def wait_for(self, text: str) -> Self:
        """Wait until `text` was printed.  Raises RuntimeError with the log otherwise."""
        return self._wait(lambda: text in self.log, f"the server did not say {text!r}")

    def _wait(self, is_done: Callable[[], bool], complaint: str) -> Self:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while not is_done():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{complaint}:\n{self.log}")
            time.sleep(0.02)
        return self

    @property
    def log(self) -> str:
        return "".join(self._lines)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """Return the ids of the processes it has started."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(number) for number in listed.split()]

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the whole process group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._reader.join(STOP_S)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit status.

        Raises RuntimeError with the log if it does not end.
        """
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            status = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired as exc:
            self.kill()
            raise RuntimeError(f"the server does not end:\n{self.log}") from exc
        self._reader.join(STOP_S)
        return status

    def errors(self) -> list[str]:
        """Return the log's errors, without their times."""
        return [
            line.partition("ERROR")[2] or line
            for line in self.log.splitlines()
            if re.search(r" (ERROR|CRITICAL) ", line)
        ]

    def complaints(self) -> list[str]:
        """Return the log's tracebacks, errors and Python warnings: there should be none."""
        return [
            line
            for line in self.log.splitlines()
            if re.search(r"Traceback|ERROR|CRITICAL|Error:|Exception|Warning:", line)
        ]

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._lines.append(line)


def _with_us() -> list[str]:
    """Return what lets a child be killed when this process is gone, however that happened."""
    return ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class Daphne(Server):
    """Plain daphne, started as the page on operations says."""

    program = ("-m", "daphne", "-v", "0")

    def start(self, at: str = "127.0.0.1") -> Self:
        self.port = self.http_port
        place = ("-b", at, "-p", str(self.http_port))
        self._command = (*place, "teamtalk_site.asgi:application")
        return super().start(at)


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
