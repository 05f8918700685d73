"""bin/venv: what `make` does before anything else."""

import shutil
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.running.conftest import Ended, make_checkout, run


def venv(checkout: Path, *files: str, **environment: str) -> Ended:
    """Run bin/venv with the Python that runs these tests."""
    return run("bin/venv", *files, cwd=checkout, **{"PYTHON": sys.executable, **environment})


def module(folder: Path, name: str, source: str) -> str:
    """Write a module that every Python finds before its own; return the folder for PYTHONPATH."""
    folder.mkdir()
    (folder / f"{name}.py").write_text(source)
    return str(folder)


def test_a_missing_python_is_one_line(checkout: Path) -> None:
    ended = venv(checkout, "requirements.txt", PYTHON="python3.99")

    assert ended.status == 1
    assert ended.err.splitlines() == [
        "Python 3.11 or newer is needed, and there is no python3.99 "
        "(Debian: apt install python3-venv)"
    ]


def test_an_old_python_is_one_line(checkout: Path, tmp_path: Path) -> None:
    old = module(tmp_path / "old", "sitecustomize", "import sys\nsys.version_info = (3, 10, 12)")

    ended = venv(checkout, "requirements.txt", PYTHONPATH=old)

    assert ended.status == 1
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("Python 3.11 or newer is needed; this is ")
    assert "3.10" in ended.err


def test_a_python_without_venv_is_one_line(checkout: Path, tmp_path: Path) -> None:
    bare = module(tmp_path / "bare", "ensurepip", "raise ModuleNotFoundError('split off')")

    ended = venv(checkout, "requirements.txt", PYTHONPATH=bare)

    assert ended.status == 1
    assert len(ended.err.splitlines()) == 1
    assert "apt install python3-venv" in ended.err


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose .venv is made, with requirements.txt installed; to be copied."""
    folder = make_checkout(tmp_path_factory.mktemp("made") / "checkout")
    ended = venv(folder, "requirements.txt")
    assert (ended.status, ended.err) == (0, "")
    return folder


@pytest.fixture
def made(template: Path, tmp_path: Path) -> Path:
    """A copy of the template."""
    return Path(shutil.copytree(template, tmp_path / "made", symlinks=True))


def test_what_is_installed_stays_so_until_it_changes(made: Path) -> None:
    again = venv(made, "requirements.txt")
    (made / "requirements.txt").write_text("# nothing else\n")
    changed = venv(made, "requirements.txt")

    assert again == Ended(0, "", "")
    assert changed.out == "installing requirements.txt into .venv\n"


def test_what_cannot_be_installed_is_one_line_and_tried_again(made: Path) -> None:
    (made / "requirements.txt").write_text("no-such-package==1\n")
    failed = venv(made, "requirements.txt")
    (made / "requirements.txt").write_text("# nothing\n# at all\n")
    again = venv(made, "requirements.txt")

    assert failed.status == 1
    assert len(failed.err.splitlines()) == 1
    assert "no-such-package" in failed.err
    assert again.status == 0


def test_a_failed_mysqlclient_says_what_to_install(made: Path) -> None:
    (made / "requirements-mysql.txt").write_text("no-such-package==1\n")

    ended = venv(made, "requirements-mysql.txt")

    assert ended.status == 1
    assert "apt install gcc pkg-config python3-dev libmariadb-dev" in ended.err


def test_a_venv_made_half_is_not_taken_for_one(made: Path) -> None:
    [pip] = made.glob(".venv/lib/python*/site-packages/pip")
    pip.rename(pip.with_name("no-pip"))

    ended = venv(made, "requirements.txt", PYTHON="python3.99")

    assert ended.err.startswith("Python 3.11 or newer is needed")


def test_a_package_with_another_hash_is_not_installed(made: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = a_wheel(wheels)
    (made / "requirements.txt").write_text("tiny==1\n")
    hashes = made / "requirements.hashes"

    hashes.write_text(f"tiny==1 --hash=sha256:{'0' * 64}\n")
    refused = venv(made, "requirements.txt", PIP_FIND_LINKS=str(wheels))
    hashes.write_text(f"tiny==1 --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n")
    taken = venv(made, "requirements.txt", PIP_FIND_LINKS=str(wheels))

    assert refused.status == 1
    assert "requirements.txt could not be installed" in refused.err
    assert taken.status == 0


def a_wheel(folder: Path) -> Path:
    """Make a wheel of a package `tiny`, version 1."""
    path = folder / "tiny-1-py3-none-any.whl"
    about = "tiny-1.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path
