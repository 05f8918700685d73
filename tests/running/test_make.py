"""The Makefile: its list of targets, and how `make run` ends."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.ports import free_port
from tests.running.conftest import ENVIRONMENT, run

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")


def test_make_alone_lists_every_target(checkout: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony

    listed = run("make", cwd=checkout).out

    assert [line.split()[1] for line in listed.splitlines()] == phony[1].split()


@pytest.mark.parametrize(
    ("database_url", "files"),
    [
        ("", "requirements.txt"),
        ("sqlite:////tmp/x", "requirements.txt"),
        ("mysql://root:a$(b)$$c@localhost/im", "requirements.txt requirements-mysql.txt"),
    ],
)
def test_the_driver_is_installed_where_it_is_needed(
    checkout: Path, database_url: str, files: str
) -> None:
    printed = run("make", "--dry-run", "run", cwd=checkout, DATABASE_URL=database_url).out

    assert printed.splitlines()[0].split() == ["bin/venv", *files.split()]


@pytest.fixture
def running(checkout: Path, tmp_path: Path, migrated_file: str) -> Iterator[subprocess.Popen[str]]:
    """`make run` in a process group of its own, as in a terminal, with our own packages."""
    (checkout / "bin" / "venv").write_text("#!/bin/sh\n")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (checkout / ".venv" / "bin" / "python").chmod(0o755)
    (checkout / "manage.py").symlink_to(ROOT / "manage.py")
    ports = {f"IM_{name}_PORT": str(free_port()) for name in ("HTTP", "TCP", "LOGIN")}
    process = subprocess.Popen(
        ["make", "run"],
        cwd=checkout,
        env=ENVIRONMENT
        | ports
        | {"IM_DATA_DIR": str(tmp_path / "var"), "DATABASE_URL": migrated_file},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stdout
    process.stdout.close()


def test_ctrl_c_ends_make_run_without_a_complaint(running: subprocess.Popen[str]) -> None:
    assert running.stdout
    until_ready = takewhile(lambda line: not line.startswith("The server"), running.stdout)
    before = "".join(until_ready)

    os.killpg(running.pid, signal.SIGINT)
    rest = running.stdout.read()
    running.wait(20)

    assert rest.rstrip().endswith("stopped"), before + rest
    assert "make: ***" not in rest
    assert "Traceback" not in rest
