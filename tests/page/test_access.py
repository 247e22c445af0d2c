"""The page for everybody: axe finds nothing in any view, light or dark, wide or narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.support import tiny
from tests.support.browser import Visit
from tests.support.process import Process
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

Visits = Callable[..., Visit]
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1100, "height": 900}


@pytest.fixture(scope="module")
def filled(service: Process) -> Process:
    """A service where something waits, and reviewers disagree."""
    headers = {name: service.log_in(name) for name in ("ann", "ben")}
    for title in ("x", "y"):
        files = {"image": tiny.picture("#808080", "PNG", size=500)}
        data = {"designation": f"quelque chose {title}", "description": "d'un peu long " * 40}
        service.client.post("/predict", headers=headers["ann"], files=files, data=data)
    wait_until(lambda: service.client.get("/review", headers=headers["ann"]).json()["waiting"] == 2)
    item = service.client.post("/review/next", headers=headers["ann"]).json()
    for name, code in zip(headers, tiny.CODES, strict=False):
        body = {"answer": item["id"], "code": code, "note": "vu"}
        service.client.post("/corrections", headers=headers[name], json=body).raise_for_status()
    return service


def show_ask(page: Page) -> None:
    page.locator("#designation").fill("une piscine " + "très-" * 40)
    page.locator("#description").fill("livre")
    file: Any = {"name": "a.png", "mimeType": "image/png", "buffer": tiny.picture(size=500)}
    page.locator("#picture").set_input_files(file)
    page.locator("#ask-button").click()
    page.locator("#ask-explain").click()
    expect(page.locator(".why mark").first).to_be_visible()
    page.locator("#correct-right").click()
    expect(page.locator("#correct-saved")).to_contain_text("Saved")
    page.get_by_role("combobox").fill("2")
    expect(page.get_by_role("option").first).to_be_visible()


def show_table(page: Page) -> None:
    file: Any = {
        "name": "a.csv",
        "mimeType": "text/csv",
        "buffer": b"designation\nlivre\nquelque chose\n  \n",
    }
    page.locator("#csv").set_input_files(file)
    page.locator("#table-start").click()
    expect(page.locator("#status")).to_contain_text("Finished")


def show_review(page: Page) -> None:
    expect(page.locator("#review-item")).to_be_visible()
    expect(page.locator("#conflicts > li")).to_have_count(1)


def show_model(page: Page) -> None:
    expect(page.locator("#model-drift table")).to_be_visible()


VIEWS = {"ask": show_ask, "table": show_table, "review": show_review, "model": show_model}


def violations(page: Page) -> list[str]:
    return [
        f"{found['id']}: {node['html']} {node['failureSummary']}"
        for found in Axe().run(page).response["violations"]
        for node in found["nodes"]
    ]


def is_too_wide(page: Page) -> bool:
    width = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return bool(page.evaluate(width))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(
    visit: Visits,
    filled: Process,
    view: str,
    scheme: Literal["light", "dark"],
    size: dict[str, int],
) -> None:
    visitor = visit(color_scheme=scheme, viewport=size, reduced_motion="reduce")
    page = visitor.enter("ann", view)
    VIEWS[view](page)
    assert violations(page) == []
    assert not is_too_wide(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_dialog_and_in_messages(
    visit: Visits, scheme: Literal["light", "dark"]
) -> None:
    page = visit(color_scheme=scheme, viewport=NARROW).open()
    page.locator("#ask-button").click()
    expect(page.locator("#alert")).to_contain_text("Give a title")
    assert violations(page) == []
    page.locator("#log-in").click()
    page.locator("#username").fill("ann")
    page.locator("#password").fill("wrong")
    page.locator("#login-send").click()
    expect(page.locator("#login-error")).not_to_be_empty()
    assert violations(page) == []
    assert not is_too_wide(page)


def test_the_keyboard_reaches_everything(visit: Visits) -> None:
    page = visit().open()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#designation")).to_be_focused()
    for expected in ("#description", "#picture", "#ask-button"):
        page.keyboard.press("Tab")
        expect(page.locator(expected)).to_be_focused()
    assert page.locator("h1:visible").count() == 1
    page.locator("nav a[href='#table']").press("Enter")
    expect(page.locator("#table-title")).to_be_focused()
    expect(page.locator("nav [aria-current=page]")).to_have_text("A table")
