"""Running the project as a newcomer does: copies of it, commands, and what they print."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

# pip can reach no index and no folder of wheels, and `make` does not know that `make test` runs it.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if "MAKE" not in name},
    "PIP_NO_INDEX": "1",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_FIND_LINKS": "",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


def run(*command: str | Path, cwd: Path, **environment: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=ENVIRONMENT | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def migrated_file(sqlite_template: Path, tmp_path: Path) -> str:
    """DATABASE_URL of an SQLite database with tables, and nobody in it."""
    path = tmp_path / "teamtalk.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `make` needs; its requirement files ask for nothing."""
    return make_checkout(tmp_path / "check out")


def make_checkout(folder: Path) -> Path:
    """Fill a new folder with what `make` needs, and requirement files that ask for nothing."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "bin" / "venv", folder / "bin")
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-mysql.txt"):
        (folder / name).write_text("# nothing\n")
    (folder / "requirements.hashes").touch()
    return folder
