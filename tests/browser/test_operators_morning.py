"""An operator's morning: what is done every day, in a browser, seen by people who are connected."""

import re
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, expect

from im.types import LoginResult
from im.wire.proto import group_pb2
from tests.browser.conftest import Account, NewPage
from tests.people import Entrance, People

USERS = "/admin/im/imuser/"


@pytest_asyncio.fixture(loop_scope="session")
async def desk(new_page: NewPage, operator: Account) -> Page:
    """A page of the operator's, logged in."""
    page = await new_page(width=1360, height=900)
    await page.goto("/admin/")
    await page.get_by_label("Username").fill(operator.name)
    await page.get_by_label("Password").fill(operator.password)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(re.compile("/admin/dashboard/$"))
    return page


async def add_department(page: Page, name: str) -> None:
    await page.goto("/admin/im/imdepart/add/")
    await page.get_by_label("Name").fill(name)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("was added successfully")).to_be_visible()


async def run_action(page: Page, list_url: str, row: str, action: str) -> None:
    """Tick the row with that text, choose the action and run it."""
    await page.goto(list_url)
    await (
        page.locator("#result_list tbody tr", has_text=row)
        .first.locator("input.action-select")
        .check()
    )
    await page.locator("select[name=action]").select_option(label=action)
    await page.get_by_role("button", name="Run", exact=True).first.click()


async def test_fifty_people_are_imported_after_a_look(desk: Page, tmp_path: Path) -> None:
    await add_department(desk, "Newcomers")
    file = tmp_path / "people.csv"
    rows = [f"new{number:02d},新人{number},Newcomers,harbour gate {number}" for number in range(50)]
    file.write_text("name,nick,department,password\n" + "\n".join(rows), encoding="utf-8")

    await desk.goto(USERS + "import/")
    await desk.locator("input[type=file]").set_input_files(file)
    await desk.get_by_role("button", name="Show what would change").click()
    await expect(desk.get_by_text("新人49")).to_be_visible()
    await desk.get_by_role("button", name="Confirm import").click()

    await expect(desk.get_by_text("50 new")).to_be_visible()
    await desk.goto(USERS + "?q=new")
    await expect(desk.locator("#result_list tbody tr")).to_have_count(50)


async def test_a_department_is_dragged_onto_another(desk: Page) -> None:
    await add_department(desk, "Harbour")
    await add_department(desk, "Lighthouse")
    await desk.goto("/admin/im/imdepart/")

    async with desk.expect_navigation():
        await desk.locator("[data-department]", has_text="Lighthouse").drag_to(
            desk.locator("[data-department]", has_text="Harbour")
        )

    moved = desk.locator("[data-department]", has_text="Lighthouse")
    await expect(moved).to_have_class(re.compile("tree-below"))


async def test_a_random_password_is_shown_once_and_logs_in_over_tcp(
    desk: Page, people: People, entrance: Entrance
) -> None:
    [ada] = people(1)
    client = await entrance.log_in(ada)

    await desk.goto(f"{USERS}{ada.id}/password/")
    await desk.get_by_label("Reason").fill("lost")
    await desk.get_by_role("button", name="Set password").click()
    password = await desk.locator("#password").inner_text()

    assert await client.closed()  # the old password's session has ended
    again = await entrance.connect()
    await again.log_in(ada.name, password)


async def test_a_member_who_is_connected_hears_of_being_added(
    desk: Page, people: People, entrance: Entrance
) -> None:
    ada, bob = people(2)
    client = await entrance.log_in(bob)
    await desk.goto("/admin/im/imgroup/add/")
    await desk.get_by_label("Name").fill("Regatta")
    await pick(desk, ada.name)
    await desk.get_by_role("button", name="Save", exact=True).click()
    await desk.get_by_role("link", name="Regatta").first.click()
    await desk.get_by_role("link", name="1 member").click()

    await pick(desk, bob.name)
    await desk.get_by_role("button", name="Add", exact=True).click()

    notice = await client.receive(group_pb2.IMGroupChangeMemberNotify)
    assert list(notice.chg_user_id_list) == [bob.id]


async def pick(page: Page, name: str) -> None:
    """Type into the search box for several people and take the first that it finds."""
    await page.locator(".select2-selection--multiple").click()
    await page.keyboard.type(name)
    await page.locator(".select2-results__option", has_text=f"({name})").click()


async def test_who_is_disabled_is_cut_off_and_stays_out(
    desk: Page, people: People, entrance: Entrance
) -> None:
    [ada] = people(1)
    client = await entrance.log_in(ada)
    await desk.goto(f"{USERS}?q={ada.name}")
    await expect(desk.locator(".field-online").first).to_have_text("PC")

    await run_action(desk, f"{USERS}?q={ada.name}", ada.name, "Disable: can't log in any more")
    await desk.get_by_role("button", name="Disable: can't log in any more").click()

    assert await client.closed()
    again = await entrance.connect()
    answer = await again.try_log_in(ada.name)
    assert answer.result_code == int(LoginResult.VALIDATE_FAILED)
