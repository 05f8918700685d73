"""What an operator looks into: messages, where they went, who is connected, figures."""

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from im.types import ClientType
from im.wire import cipher
from im.wire.proto import message_pb2
from tests.browser.conftest import Account, NewPage
from tests.client import Client
from tests.e2e.database import Database
from tests.people import Entrance, People
from tests.server import Server

KEY = b"12345678901234567890123456789012"


SYSTEM = "system"


@pytest.fixture(scope="module")
def system_user(database_url: str) -> None:
    """Add the user whom announcements come from."""
    Database(database_url).change(
        "INSERT INTO IMUser (id, name, departId, created, updated) VALUES (9000, %s, 1, 1, 1)",
        SYSTEM,
    )


@pytest.fixture(scope="module")
def figures(database_url: str) -> int:
    """Add a figure for the present hour that no other test makes; return it."""
    hour = int(time.time()) // 3600 * 3600
    Database(database_url).change(
        "INSERT INTO im_stat (kind, hour, subject, value) VALUES (1, %s, 0, 1234)", hour - 3600
    )
    return 1234


@pytest_asyncio.fixture(loop_scope="session")
async def own(tmp_path: Path, operator: Account, database_url: str) -> AsyncIterator[Server]:
    """A server of the test's own, with the people and the operator of the shared one."""
    path = tmp_path / "own.sqlite3"
    with contextlib.closing(sqlite3.connect(urlsplit(database_url).path)) as shared:
        shared.execute("VACUUM INTO ?", [str(path)])
    server = Server(f"sqlite:///{path}", tmp_path / "var")
    await asyncio.to_thread(server.start)
    yield server
    assert await asyncio.to_thread(server.stop) == 0


async def enter(page: Page, operator: Account, base: str = "") -> None:
    await page.goto(f"{base}/admin/")
    await page.get_by_label("Username").fill(operator.name)
    await page.get_by_label("Password").fill(operator.password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile("/admin/dashboard/$"))


async def say(client: Client, to: int, text: str) -> int:
    return await client.tell(to, cipher.encrypt_text(text, KEY).decode())


async def search(page: Page, **typed: str) -> None:
    await page.goto("/admin/conversations/")
    for name, text in {"reason": "complaint 17", **typed}.items():
        await page.locator(f"[name={name}]").fill(text)
    await page.get_by_role("button", name="Search", exact=True).click()
    await expect(page.locator("#search-status")).to_contain_text("found")


async def test_a_message_is_found_by_chinese_words_and_followed_to_the_phone(
    page: Page, operator: Account, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    desk = await entrance.log_in(ada)
    phone = await entrance.log_in(bob, ClientType.IOS)
    await say(desk, bob.id, "明天上午开会")
    await say(desk, bob.id, "年度预算已经批准")
    for _ in range(2):
        await phone.receive(message_pb2.IMMsgData)
    await enter(page, operator)

    await search(page, words="预算 批准")
    rows = page.locator("#search-rows tr")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("年度预算已经批准")

    await rows.get_by_role("link", name="In context").click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("#chosen")).to_contain_text("年度预算已经批准")

    await page.locator("#chosen").get_by_role("link", name="Where did it go?").click()
    await expect(page.get_by_role("cell", name="iOS")).to_be_visible()
    await expect(page.get_by_text("0 of 1")).to_be_visible()


async def test_more_results_than_a_page_come_when_asked_for(
    page: Page, operator: Account, entrance: Entrance, people: People
) -> None:
    ada, bob = people(2)
    desk = await entrance.log_in(ada)
    for number in range(60):
        await say(desk, bob.id, f"line {number}")
    await enter(page, operator)

    await search(page, user=ada.name, peer=bob.name)
    rows = page.locator("#search-rows tr")
    await expect(rows).to_have_count(50)
    await page.get_by_role("button", name="More").click()

    await expect(rows).to_have_count(60)
    await expect(page.locator("#search-status")).to_contain_text("60 of 60 searched")
    await expect(page.get_by_role("button", name="More")).to_be_hidden()


async def test_a_connection_is_ended_from_the_page(
    page: Page, operator: Account, entrance: Entrance, people: People
) -> None:
    [ada] = people(1)
    desk = await entrance.log_in(ada)
    await enter(page, operator)

    await page.goto(f"/admin/live/?q={ada.name}")
    await page.get_by_role("link", name="Disconnect").click()
    await page.get_by_role("button", name="Disconnect").click()

    await expect(page.get_by_text("is disconnected")).to_be_visible()
    assert await desk.closed()


async def test_an_announcement_is_read_by_who_is_online(
    page: Page, operator: Account, entrance: Entrance, people: People, system_user: None
) -> None:
    [ada] = people(1)
    desk = await entrance.log_in(ada)
    await enter(page, operator)

    await page.goto("/admin/live/announce/")
    await page.locator("[name=text]").fill("今晚十点维护")
    await page.get_by_role("button", name="Send to everybody online").click()
    await expect(page.get_by_role("status")).to_contain_text("Done: sent to")

    message = await desk.receive(message_pb2.IMMsgData)
    assert cipher.decrypt_text(message.msg_data, KEY) == "今晚十点维护"


async def test_the_charts_lead_to_the_messages_of_their_time(
    page: Page, operator: Account, figures: int
) -> None:
    await enter(page, operator)

    await page.get_by_role("link", name="Dashboard").first.click()
    chart = page.locator(".im-chart", has=page.get_by_role("heading", name="Messages")).first
    await expect(chart.locator("title", has_text=re.compile(rf": {figures:,}\b"))).to_have_count(1)
    await chart.locator("svg a").last.click()

    await expect(page.locator("[name=since]")).to_have_value(re.compile(r"T\d\d:00$"))


async def test_a_drained_gateway_says_so_and_sends_its_clients_away(
    new_page: NewPage, operator: Account, own: Server, people: People
) -> None:
    [ada] = people(1)
    page = await new_page()
    base = f"http://127.0.0.1:{own.http_port}"
    async with Entrance(own.port) as entrance:
        desk = await entrance.log_in(ada)
        await enter(page, operator, base)

        await page.goto(f"{base}/admin/live/")
        await page.get_by_role("link", name="Drain").click()
        await expect(page.get_by_text("nobody will be able to log in")).to_be_visible()
        await page.get_by_role("button", name="Drain").click()

        await expect(page.get_by_text("is being drained")).to_be_visible()
        assert await desk.closed()


async def test_on_a_phone_the_button_that_lets_in_again_is_in_sight(
    new_page: NewPage, operator: Account, entrance: Entrance
) -> None:
    for _ in range(12):
        stranger = await entrance.connect(own_host="127.0.0.9")
        await stranger.try_log_in("a-rather-long-name-of-nobody", "wrong")
    page = await new_page(width=390, height=800)
    await enter(page, operator)

    await page.goto("/admin/blocked/")
    row = page.locator("tbody tr", has_text="a-rather-long-name-of-nobody").first
    button = row.get_by_role("button", name="Let in again")
    box = await button.bounding_box()
    assert box is not None
    assert 0 <= box["x"] < box["x"] + box["width"] <= 390
    assert await page.evaluate("() => document.documentElement.scrollWidth") <= 390
    await expect(row).to_contain_text("127.0.0.9")
    await button.click()

    await expect(page.get_by_text("may try again.")).to_be_visible()
