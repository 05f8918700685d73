"""The way into the console, in a browser."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Account


async def test_an_operator_logs_in_and_sees_the_console(page: Page, operator: Account) -> None:
    await page.goto("/admin/")
    await page.get_by_label("Username").fill(operator.name)
    await page.get_by_label("Password").fill(operator.password)
    await page.get_by_role("button", name="Log in").click()

    await expect(page).to_have_url(re.compile("/admin/dashboard/$"))
