"""The page of reviewers: keys, buttons, undoing, two at once, conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from serving.review.corrections import Corrections
from serving.review.database import open_database
from tests.page.conftest import PAGE_VARIABLES, REVIEWERS
from tests.support import tiny
from tests.support.browser import Visit
from tests.support.process import Process, running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

Visits = Callable[..., Visit]
ANN, BEN = REVIEWERS
TITLES = [f"quelque chose {number}" for number in range(6)]


@pytest.fixture
def reviewed(page_root: Path, tmp_path: Path) -> Iterator[Process]:
    """A service with a queue of its own."""
    database = {"CORRECTIONS_DATABASE": f"sqlite:///{tmp_path / 'corrections.sqlite3'}"}
    with running(page_root, {**PAGE_VARIABLES, **database}) as process:
        process.database = database["CORRECTIONS_DATABASE"]  # type: ignore[attr-defined]
        yield process


@pytest.fixture
def begin(visit: Visits, reviewed: Process) -> Callable[[str], Page]:
    """The view of a reviewer."""
    return lambda name: visit(f"http://127.0.0.1:{reviewed.port}").enter(name, "review")


def wait_for_review(process: Process, *products: dict[str, Any]) -> None:
    """Have products that nobody is sure of wait."""
    headers = process.log_in(ANN)
    before = process.client.get("/review", headers=headers).json()["waiting"]
    process.client.post("/predict/batch", headers=headers, json=products).raise_for_status()

    def waits() -> bool:
        state = process.client.get("/review", headers=headers).json()
        return bool(state["waiting"] == before + len(products))

    wait_until(waits, "they do not wait")


def titles(*names: str) -> list[dict[str, Any]]:
    return [{"designation": name} for name in names]


def said(process: Process) -> list[tuple[str, str | None, Any]]:
    """Who said what about which product, in order."""
    engine = open_database(process.database)  # type: ignore[attr-defined]
    entries = list(Corrections(engine).entries())
    engine.dispose()
    return [(entry.reviewer, entry.designation, entry.code) for entry in entries]


def shown(page: Page) -> str:
    """The title of the product that has the focus."""
    expect(page.locator("#review-product")).to_be_focused()
    return page.locator("#review-designation").inner_text()


def test_by_keyboard_alone(reviewed: Process, begin: Callable[[str], Page]) -> None:
    wait_for_review(reviewed, *titles(*TITLES))
    page = begin(ANN)
    expect(page.locator("#review-count")).to_contain_text("Waiting: 6.")
    first = shown(page)
    expect(page.locator("#review-best li")).to_have_count(3)
    page.keyboard.press("Enter")
    expect(page.locator("#review-designation")).not_to_have_text(first)
    expect(page.locator("#status")).to_have_text("Saved: Livres d'occasion (10). Next product.")
    second = shown(page)
    page.keyboard.press("2")
    expect(page.locator("#review-designation")).not_to_have_text(second)
    third = shown(page)
    expect(page.locator("#review-count")).to_have_text("Waiting: 4. Decided by you today: 2.")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search for a code")).to_be_focused()
    page.keyboard.type("j")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    assert shown(page) == third
    page.keyboard.press("/")
    page.keyboard.type("Péces")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    expect(page.locator("[aria-selected=true]")).to_contain_text("2905")
    page.keyboard.press("Enter")
    expect(page.locator("#review-designation")).not_to_have_text(third)
    fourth = shown(page)
    page.keyboard.press("s")
    expect(page.locator("#status")).to_have_text("Skipped. Next product.")
    expect(page.locator("#review-designation")).not_to_have_text(fourth)
    fifth = shown(page)
    page.keyboard.press("u")
    expect(page.locator("#review-designation")).to_have_text(third)
    expect(page.locator("#status")).to_contain_text("The decision is undone")
    assert shown(page) == third
    page.keyboard.press("c")
    expect(page.locator("#review-designation")).to_have_text(fifth)
    assert said(reviewed) == [
        (ANN, first, tiny.CODES[0]),
        (ANN, second, tiny.CODES[1]),
        (ANN, third, tiny.CODES[2]),
        (ANN, third, None),
        (ANN, third, tiny.CODES[0]),
    ]


def test_by_buttons_to_the_end(reviewed: Process, begin: Callable[[str], Page]) -> None:
    wait_for_review(reviewed, *titles(*TITLES[:2]))
    page = begin(ANN)
    first = shown(page)
    page.locator("#review-note").fill("vu")
    page.locator("#review-best button").nth(2).click()
    expect(page.locator("#review-designation")).not_to_have_text(first)
    expect(page.locator("#review-note")).to_have_value("")
    second = shown(page)
    page.locator("#review-confirm").click()
    expect(page.locator("#review-empty")).to_be_visible()
    page.locator("#review-undo").click()
    expect(page.locator("#review-designation")).to_have_text(second)
    page.locator("#review-skip").click()
    expect(page.locator("#review-empty")).to_be_visible()
    page.locator("#review-undo").click()
    expect(page.locator("#review-designation")).to_have_text(first)
    page.reload()
    assert shown(page) == first


def test_a_key_is_no_command_while_one_types(
    reviewed: Process, begin: Callable[[str], Page]
) -> None:
    wait_for_review(reviewed, *titles(TITLES[0]))
    page = begin(ANN)
    first = shown(page)
    page.locator("#review-note").press_sequentially("c1su/")
    page.locator("#review-note").press("Enter")
    expect(page.locator("#review-note")).to_have_value("c1su/")
    page.locator("#keys-on").uncheck()
    page.locator("#review-product").focus()
    for key in ("1", "c", "Enter", "s", "u"):
        page.keyboard.press(key)
    page.locator("#keys-on").check()
    page.locator("#review-product").focus()
    assert shown(page) == first
    page.keyboard.press("Control+c")
    assert said(reviewed) == []


def test_its_picture_is_shown(reviewed: Process, begin: Callable[[str], Page]) -> None:
    headers = reviewed.log_in(ANN)
    grey = {"image": tiny.picture("#808080", "PNG")}
    data = {"designation": "quelque chose", "description": "<b>gras</b>&nbsp;&agrave; voir"}
    reviewed.client.post("/predict", headers=headers, files=grey, data=data).raise_for_status()
    page = begin(ANN)
    expect(page.locator("#review-reload")).to_be_visible()
    wait_until(lambda: bool(reviewed.client.get("/review", headers=headers).json()["waiting"]))
    page.locator("#review-reload").click()
    expect(page.locator("#review-picture")).to_be_visible()
    loaded = "document.getElementById('review-picture').naturalWidth === 64"
    page.wait_for_function(loaded)
    expect(page.locator("#review-description")).to_have_text("gras à voir")


def test_two_reviewers_are_never_shown_the_same_product(
    reviewed: Process, begin: Callable[[str], Page]
) -> None:
    wait_for_review(reviewed, *titles(*TITLES))
    pages = [begin(ANN), begin(BEN)]
    for _ in range(3):
        one, other = (shown(page) for page in pages)
        assert one != other
        for page, title in zip(pages, (one, other), strict=True):
            # By the button: of two windows only one has the focus for keys.
            page.locator("#review-confirm").click()
            decided = page.locator("#review-designation:visible", has_text=title)
            expect(decided).to_have_count(0)
    assert sorted(str(title) for _, title, _ in said(reviewed)) == TITLES


def test_a_conflict_is_settled(reviewed: Process, begin: Callable[[str], Page]) -> None:
    wait_for_review(reviewed, *titles(TITLES[0]))
    headers = {name: reviewed.log_in(name) for name in REVIEWERS}
    item = reviewed.client.post("/review/next", headers=headers[ANN]).json()
    for name, code, note in ((ANN, tiny.CODES[1], "<i>sûr</i>"), (BEN, tiny.CODES[2], "")):
        body = {"answer": item["id"], "code": code, "note": note}
        reviewed.client.post("/corrections", headers=headers[name], json=body).raise_for_status()
    page = begin(ANN)
    conflict = page.locator("#conflicts > li")
    expect(conflict.get_by_role("heading")).to_have_text(TITLES[0])
    expect(conflict).to_contain_text("ann: Piscine (2583), ")
    expect(conflict.locator("q")).to_have_text("<i>sûr</i>")
    conflict.get_by_role("button", name="Settle: Jeux PC (2905)").click()
    expect(page.locator("#status")).to_have_text("Settled: Jeux PC (2905).")
    expect(page.locator("#no-conflicts")).to_be_visible()
    assert said(reviewed)[-1] == (ANN, TITLES[0], tiny.CODES[2])


def test_a_lost_connection_decides_nothing_twice(
    reviewed: Process, begin: Callable[[str], Page]
) -> None:
    wait_for_review(reviewed, *titles(*TITLES[:2]))
    page = begin(ANN)
    first = shown(page)
    page.route("**/review/next", lambda route: route.abort())
    page.keyboard.press("Enter")
    expect(page.locator("#alert")).to_contain_text("The service does not answer.")
    page.unroute("**/review/next")
    page.locator("#alert button").click()
    expect(page.locator("#review-designation")).not_to_have_text(first)
    assert said(reviewed) == [(ANN, first, tiny.CODES[0])]


def test_who_may_not_review_is_told(visit: Visits, service: Process) -> None:
    page = visit().enter("alice", "review")
    expect(page.locator("#alert")).to_contain_text("You are not allowed to do this.")
