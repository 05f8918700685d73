"""What all tests share: a safe environment, databases, and private servers.

Tests never touch an operator's data: the environment is replaced here, before Django reads it.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest

if "teamtalk_site.settings" in sys.modules:
    raise pytest.UsageError("unset DJANGO_SETTINGS_MODULE: the settings were read too early")

ROOT = Path(__file__).resolve().parent.parent
_DATA_DIR = Path(tempfile.mkdtemp(prefix="im-test-"))
atexit.register(shutil.rmtree, _DATA_DIR, ignore_errors=True)
os.environ["DJANGO_SETTINGS_MODULE"] = "teamtalk_site.settings"
os.environ["IM_DATA_DIR"] = str(_DATA_DIR)
os.environ["SECRET_KEY"] = "only for tests"
for name in ("DATABASE_URL", "REDIS_URL"):
    os.environ.pop(name, None)

django.setup()  # here, since pytest-django looks for settings before it reads this file
del os.environ["DJANGO_SETTINGS_MODULE"]  # workers of pytest-xdist read theirs in here too

from django.utils import translation  # noqa: E402  # after the environment, like all below

from im import peer_log  # noqa: E402  # after the environment, like all of the project
from tests import services  # noqa: E402


@pytest.fixture(autouse=True)
def _log_in_full() -> None:
    """Let no test's lines count as repetitions of an earlier one's."""
    peer_log.account(now=True)


_missing: set[str] = set()  # what tests asked for in vain


def require(reason: str | None) -> None:
    """Skip the test for this reason, if there is one; fail it where services are obligatory."""
    if not reason:
        return
    _missing.add(reason)
    if os.environ.get("IM_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a worker of pytest-xdist
        session.config.workeroutput["missing"] = sorted(_missing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # Any: has no types
    """Take over what a worker's tests asked for in vain."""
    _missing.update(getattr(node, "workeroutput", {}).get("missing", ()))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost: our lines come last
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    for reason in sorted(_missing):
        terminalreporter.write_line(f"Some tests did not run: {reason}", yellow=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Use a database file: the shared in-memory cache knows neither WAL nor waiting for a lock."""
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = str(_DATA_DIR / "test.sqlite3")


@pytest.fixture(autouse=True)
def language_of_the_settings() -> Iterator[None]:
    """Leave no language behind: Django's test client activates that of the last request."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[services.MariaDB]:
    """A private MariaDB server for the session."""
    require(services.missing_for_mariadb())
    server = services.MariaDB()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[services.Redis]:
    """A private Redis server for the session."""
    require(services.missing_for_redis())
    server = services.Redis()
    yield server
    server.stop()


def manage(*arguments: str, database_url: str, **settings: str) -> str:
    """Run manage.py on a database and return what it prints.

    Raises CalledProcessError when the command fails; its message is the last line of `stderr`.
    """
    try:
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            check=True,
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url} | settings,
            capture_output=True,
            text=True,
        ).stdout
    except subprocess.CalledProcessError as exc:
        exc.add_note(exc.stdout + exc.stderr)  # else a failed test would not show why
        raise


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    manage("migrate", database_url=f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def mariadb_template(mariadb: services.MariaDB) -> bytes:
    """A migrated MariaDB database as SQL."""
    manage("migrate", database_url=mariadb.create_database("template"))
    return mariadb.dump("template")


@pytest.fixture(params=["sqlite", "mariadb"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """DATABASE_URL of a fresh, migrated database; the test runs once for each kind."""
    if request.param == "sqlite":
        path = tmp_path / "teamtalk.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    template: bytes = request.getfixturevalue("mariadb_template")
    server: services.MariaDB = request.getfixturevalue("mariadb")
    return server.load("backend", template)
