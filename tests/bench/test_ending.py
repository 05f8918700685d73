"""How a benchmark ends: with its servers, whatever ended it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.signals import TERMINATED
from tests.conftest import ROOT

# A benchmark in small: it starts a server, says its number, and measures for a long time.
PROGRAM = """
import sys, time
from pathlib import Path
from bench.signals import end_orderly_on_sigterm
from tests.server import Server

end_orderly_on_sigterm()
server = Server(sys.argv[1], Path(sys.argv[2])).start()
try:
    print(server.pid, flush=True)
    time.sleep(60)
finally:
    server.kill()
"""


@pytest.fixture
def benchmark_process(sqlite_template: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    path = shutil.copyfile(sqlite_template, tmp_path / "teamtalk.sqlite3")
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, f"sqlite:///{path}", str(tmp_path / "var")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, TERMINATED), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_no_server_outlives_a_benchmark(
    benchmark_process: subprocess.Popen[str], number: signal.Signals, status: int
) -> None:
    assert benchmark_process.stdout
    server_pid = int(benchmark_process.stdout.readline())

    os.kill(benchmark_process.pid, number)

    assert benchmark_process.wait(10) == status
    deadline = time.monotonic() + 10
    while is_running(server_pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(server_pid)
