"""The chat page as somebody uses it."""

from typing import Self

from playwright.async_api import Locator, Page, expect

from tests.people import Person

READY = "#app[data-synced]"


class Chat:
    """One person's page.  Names are those of what is seen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = page.get_by_role("log")
        self.rows = page.locator(".list .row")
        self.messages = page.locator(".log .message")
        self.waiting = page.locator(".log .is-waiting")
        self.banner = page.locator(".banner")

    async def log_in(self, person: Person, password: str = "pass") -> Self:
        """Go through the door."""
        await self.page.goto("/chat")
        await self.page.get_by_label("Login name").fill(person.name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()
        await self.page.wait_for_selector(READY)
        return self

    async def open(self, found_by: str) -> None:
        """Open the conversation with the first whom a search finds."""
        await self.page.get_by_role("searchbox").first.fill(found_by)
        await self.rows.first.click()

    async def write(self, *texts: str) -> None:
        """Write texts in the open conversation."""
        area = self.page.get_by_role("textbox", name="Message")
        for text in texts:
            await area.fill(text)
            await area.press("Enter")

    async def sees(self, *texts: str) -> None:
        """Wait until the open conversation is exactly these texts."""
        await expect(self.page.locator(".log .message .text")).to_have_text(list(texts))

    def row(self, key: str) -> Locator:
        """The row of a conversation, by its key."""
        return self.page.locator(f'.list [data-row="{key}"]')
