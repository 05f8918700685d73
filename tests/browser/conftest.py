"""Pages in a real browser: Chromium without a window, and one server that all tests share.

Tests, the browser and its connections live in one event loop, that of the session.  Not part of
`make test`: `make browser` runs them.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests import services
from tests.conftest import manage, require
from tests.people import Entrance, People, each_once, shared_server, sqlite_with_people
from tests.server import Server

USERS = 200  # per server; a test takes two or three
STEP_MS = 10_000  # how long a page may take to show what it shall; a busy CI machine needs much
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)

NewPage = Callable[..., Awaitable[Page]]  # (width=…, height=…)


@dataclass(frozen=True, slots=True)
class Account:
    """An operator of the console."""

    name: str
    password: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


# --- the server -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def database_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """DATABASE_URL of a migrated SQLite database with USERS people, one for the session."""
    path = tmp_path_factory.mktemp("browser") / "teamtalk.sqlite3"
    return sqlite_with_people(sqlite_template, path, USERS)


@pytest.fixture(scope="session")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server all tests share.  Its log must be free of complaints at the end."""
    with shared_server(database_url, tmp_path_factory) as server:
        yield server


@pytest.fixture(scope="session")
def operator(database_url: str) -> Account:
    """Somebody who may do everything in the console."""
    account = Account("chief", "a console password")
    code = (
        "from admin_ui.models import Operator; "
        f"Operator.objects.create_superuser({account.name!r}, password={account.password!r})"
    )
    manage("shell", "-c", code, database_url=database_url)
    return account


_take_people = each_once(USERS)


@pytest.fixture
def people() -> People:
    """Return a function that gives n users nobody has used before."""
    return _take_people


@pytest_asyncio.fixture(loop_scope="session")
async def entrance(server: Server) -> AsyncIterator[Entrance]:
    """The way into the server for clients over TCP."""
    async with Entrance(server.port) as entrance:
        yield entrance


# --- the browser ------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium as the system has it, for the session."""
    require(services.missing_for_browser())
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=services.find_browser(), args=[*FLAGS, *as_root]
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(browser: Browser, server: Server) -> AsyncIterator[NewPage]:
    """Return a function that opens a page with cookies of its own; paths are the server's.

    A script's error that nobody caught, on any of the pages, fails the test at its end.
    """
    errors: list[str] = []
    async with AsyncExitStack() as stack:

        async def open_page(*, width: int = 1280, height: int = 800) -> Page:
            context = await browser.new_context(
                base_url=f"http://127.0.0.1:{server.http_port}",
                viewport={"width": width, "height": height},
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(STEP_MS)
            page = await context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            return page

        yield open_page
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(new_page: NewPage) -> Page:
    """An empty page of a browser that has never been here."""
    return await new_page()
