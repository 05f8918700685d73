"""What the page makes of pushes that are repeated, and of a server that knows less than it does."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.chatting import Chat
from tests.browser.conftest import STEP_MS
from tests.client import Client
from tests.people import Person, sqlite_with_people
from tests.server import Server

ADA, BOB = Person(1, "u00001"), Person(2, "u00002")
RECONNECT_MS = 30_000  # the page waits longer after each failure

HARNESS = Path(__file__).with_name("harness.js").read_text()


def listed(newest: int) -> dict[str, Any]:
    """Return the conversation with user 2 as the list of recent ones shows it."""
    return {
        "session_id": 2,
        "session_type": "SESSION_TYPE_SINGLE",
        "latest_msg_id": newest,
        "latest_msg_data": f"text {newest}",
        "latest_msg_type": "MSG_TYPE_SINGLE_TEXT",
        "latest_msg_from_user_id": 2,
        "updated_time": newest,
    }


def state(newest: int, *, unread: int = 0, text: str = "text") -> dict[str, Any]:
    """Return what a server answers whose conversation has this newest message."""
    entry = listed(newest)
    return {
        "recent": [entry],
        "unread": [{**entry, "unread_cnt": unread}] if unread else [],
        "messages": [
            {"msg_id": id_, "from_session_id": 2, "create_time": id_, "msg_data": f"{text} {id_}"}
            for id_ in range(newest, 0, -1)
        ],
    }


@pytest_asyncio.fixture(loop_scope="session")
async def at_the_door(page: Page) -> Page:
    """The page before the login, whose modules can be loaded."""
    await page.goto("/chat")
    return page


PUSHES = [
    ([state(5), {"push": 6}, {"push": 6}, {"push": 6}], 1, [6]),
    ([state(5, unread=2), {"push": 5}, {"push": 4}], 2, []),
    ([state(5, unread=2), {"push": 7}, {"push": 6}, {"push": 7}], 4, [7, 6]),
    ([state(5), {"push": 6}, {"read": True}, {"push": 6}, {"push": 7}], 1, [6, 7]),
    ([state(5), {"push": 6}, state(6, unread=1), {"push": 6}], 1, [6]),
    ([state(5), {"push": 6}, {"read": True}, state(6), {"push": 6}], 0, [6]),
]


@pytest.mark.parametrize("is_open", [False, True], ids=["not loaded", "loaded"])
@pytest.mark.parametrize(("steps", "unread", "told"), PUSHES)
async def test_a_message_counts_once_however_often_it_is_pushed(
    at_the_door: Page, steps: list[dict[str, Any]], unread: int, told: list[int], is_open: bool
) -> None:
    found = await at_the_door.evaluate(HARNESS, {"steps": steps, "open": is_open})

    assert (found["unread"], found["told"]) == (unread, told)


@pytest.mark.parametrize("is_open", [False, True], ids=["not loaded", "loaded"])
async def test_after_a_restored_backup_a_conversation_begins_anew(
    at_the_door: Page, is_open: bool
) -> None:
    steps = [state(50), state(30, text="other"), {"push": 31}]

    found = await at_the_door.evaluate(HARNESS, {"steps": steps, "open": is_open})

    assert (found["unread"], found["told"], found["latest"]) == (1, [31], "text 31")
    if is_open:
        assert found["shown"] == [*(f"other {number}" for number in range(1, 31)), "text 31"]


async def test_a_conversation_that_is_not_in_the_backup_begins_anew(at_the_door: Page) -> None:
    steps = [state(50), {"recent": [], "messages": []}, {"push": 1}, {"push": 2}, {"push": 1}]

    found = await at_the_door.evaluate(HARNESS, {"steps": steps, "open": True})

    assert (found["unread"], found["told"], found["shown"]) == (2, [1, 2], ["text 1", "text 2"])


async def test_a_long_conversation_that_begins_anew_is_not_loaded_whole(at_the_door: Page) -> None:
    steps = [state(1000), state(900, text="other")]

    found = await at_the_door.evaluate(HARNESS, {"steps": steps, "open": True})

    assert found["shown"] == [f"other {number}" for number in range(801, 901)]


# --- with a server ----------------------------------------------------------------------------


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> Path:
    path = tmp_path / "teamtalk.sqlite3"
    sqlite_with_people(sqlite_template, path, 3)
    return path


@pytest.fixture
def own_server(database: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, which it may stop and start."""
    server = Server(f"sqlite:///{database}", tmp_path / "var").start()
    yield server
    server.kill()


async def test_a_page_that_stayed_open_shows_what_is_said_after_a_restored_backup(
    browser: Browser, own_server: Server, database: Path, tmp_path: Path
) -> None:
    context = await browser.new_context(base_url=f"http://127.0.0.1:{own_server.http_port}")
    context.set_default_timeout(STEP_MS)
    ada = await Chat(await context.new_page()).log_in(ADA)
    await ada.open(BOB.name)
    await say(own_server, "one")
    await ada.sees("one")

    own_server.stop()
    backup = shutil.copyfile(database, tmp_path / "backup.sqlite3")
    own_server.start()
    await say(own_server, "two", "three")
    await expect(ada.messages).to_have_count(3, timeout=RECONNECT_MS)
    own_server.stop()
    shutil.copyfile(backup, database)
    own_server.start()
    await say(own_server, "four")

    texts = ada.page.locator(".log .message .text")
    await expect(texts).to_have_text(["one", "four"], timeout=RECONNECT_MS)
    await context.close()


async def say(server: Server, *texts: str) -> None:
    """Let Bob write to Ada."""
    async with await Client.connect(server.port) as bob:
        await bob.log_in(BOB.name)
        for text in texts:
            await bob.tell(ADA.id, text)
