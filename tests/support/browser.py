"""Debian's Chromium, driven by Playwright, on pages of a service on the loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.service import PASSWORD
from tests.support.waiting import PATIENCE

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
"""Nothing is asked of anybody but the service."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, as patient as the tests are."""
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=_ARGUMENTS
        )
        yield browser
        browser.close()


class Visit:
    """One person's window, and what went wrong in it."""

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        self.address = address
        self.context: BrowserContext = browser.new_context(**{"locale": "en-GB", **options})
        self.context.set_default_timeout(PATIENCE * 1000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        """Addresses of all requests."""
        self.page: Page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, message: Any) -> None:
        """Answers that are errors are told by the console, too; those are meant."""
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.wrong.append(message.text)

    def open(self, view: str = "ask") -> Page:
        """A view of the page, once it is set up."""
        self.page.goto(f"{self.address}/#{view}")
        expect(self.page.locator(f"#view-{view}")).to_be_visible()
        return self.page

    def log_in(self, username: str, password: str = PASSWORD) -> None:
        """By the dialog, which is open or is opened."""
        if not self.page.locator("#login").is_visible():
            self.page.locator("#log-in").click()
        self.page.locator("#username").fill(username)
        self.page.locator("#password").fill(password)
        self.page.locator("#login-send").click()

    def enter(self, username: str, view: str = "ask") -> Page:
        """A view of the page for who has logged in without the dialog."""
        given = {"username": username, "password": PASSWORD}
        answer = self.context.request.post(f"{self.address}/login", data=given)
        assert answer.ok, answer.text()
        return self.open(view)
