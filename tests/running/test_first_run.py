"""`serve --first-run`: from an empty database to people who can log in, and what stays so."""

import re
import stat
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.client import Client
from tests.conftest import manage
from tests.server import Server


@pytest.fixture(params=["sqlite", "mariadb"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """DATABASE_URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'teamtalk.sqlite3'}"
    url: str = request.getfixturevalue("mariadb").create_database("first_run")
    return url


@pytest.fixture
def first_run(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Return a function that starts a server on a database and waits for its closing lines."""
    started = []

    def start(database_url: str) -> Server:
        server = Server(database_url, tmp_path / "var", "serve", "--first-run", SECRET_KEY="")
        started.append(server)
        return server.start().wait_for("are kept in")

    yield start
    for server in started:
        server.kill()


Start = Callable[[str], Server]


def closing_lines(server: Server) -> str:
    """Stop a server; return what it had printed when it was ready."""
    assert server.stop() == 0
    assert server.complaints() == []
    return server.log.partition("The server is ready")[2]


def console_takes(server: Server, name: str, password: str) -> bool:
    """Tell whether the console lets an operator in."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    url = f"http://127.0.0.1:{server.http_port}/admin/login/?next=/admin/"
    page = browser.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": name, "password": password}
    answer = browser.open(url, urlencode(form).encode())
    return str(answer.url).endswith("/admin/dashboard/")


async def test_what_the_first_run_prints_lets_people_and_the_operator_in(
    empty_database: str, first_run: Start
) -> None:
    server = first_run(empty_database)
    operator = re.search(r"operator (\w+), password (\w+)", server.log)
    people = re.search(r"people   (\w+),.* more, password (\w+)", server.log)
    assert operator
    assert people

    async with await Client.connect(server.port) as client:
        answer = await client.try_log_in(people[1], people[2])

    assert answer.result_code == 0
    assert console_takes(server, operator[1], operator[2])


def test_a_second_run_keeps_data_and_passwords(
    migrated_file: str, first_run: Start, tmp_path: Path
) -> None:
    first = closing_lines(first_run(migrated_file))
    kept = (tmp_path / "var" / "passwords").read_text()
    second = closing_lines(first_run(migrated_file))

    assert first.count(", password ") == 2
    assert second.count(", password ") == 0
    assert str(tmp_path / "var" / "passwords") in second
    assert (tmp_path / "var" / "passwords").read_text() == kept


def test_secrets_are_for_their_owner_only(
    migrated_file: str, first_run: Start, tmp_path: Path
) -> None:
    first_run(migrated_file)

    folder = tmp_path / "var"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}

    assert modes == {"var": 0o700, "passwords": 0o600, "secret_key": 0o600}


def test_a_database_with_people_gets_an_operator_only(backend: str, first_run: Start) -> None:
    manage("seed_demo", "--users", "1", "--password", "secret", database_url=backend)

    lines = closing_lines(first_run(backend))

    assert "operator admin, password " in lines
    assert "people " not in lines
