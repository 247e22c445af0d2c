"""The page asks about one product: answers, explanations, sessions, limits, lost connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.conftest import PAGE_VARIABLES
from tests.support import tiny
from tests.support.browser import Visit
from tests.support.process import Process, running
from tests.support.service import PASSWORD, USER

pytestmark = pytest.mark.slow

Visits = Callable[..., Visit]
GREEN = {"name": "green.png", "mimeType": "image/png", "buffer": tiny.picture("green", "PNG")}


def ask(page: Page, title: str, description: str = "") -> None:
    page.locator("#designation").fill(title)
    page.locator("#description").fill(description)
    page.locator("#ask-button").click()


def test_who_is_not_logged_in_is_asked_and_answered(visit: Visits) -> None:
    visitor = visit()
    page = visitor.open()
    ask(page, "une piscine", "gonflable")
    expect(page.locator("#login")).to_be_visible()
    expect(page.locator("#username")).to_be_focused()
    visitor.log_in(USER, "another password")
    expect(page.locator("#login-error")).to_have_text("Wrong user name or password.")
    visitor.log_in(USER)
    expect(page.locator("#login")).to_be_hidden()
    expect(page.locator("#ask-answer")).to_have_text("Piscine 2583")
    expect(page.locator("#ask-answer")).to_be_focused()
    expect(page.locator("#ask-verdict")).to_have_text("Accepted without review")
    expect(page.locator("#ask-best li")).to_have_count(len(tiny.CODES))
    expect(page.locator("#status")).to_contain_text("Answer: Piscine (2583)")
    expect(page.locator("#correct")).to_be_hidden()  # who may not review cannot correct
    expect(page.locator("#nav-review")).to_be_hidden()


def test_the_password_is_kept_nowhere(visit: Visits) -> None:
    visitor = visit()
    page = visitor.open()
    visitor.log_in(USER)
    expect(page.locator("#who")).to_be_visible()
    expect(page.locator("#password")).to_have_value("")
    assert "session" not in page.evaluate("document.cookie")
    assert PASSWORD not in page.evaluate("JSON.stringify(localStorage)")
    page.reload()
    expect(page.locator("#who")).to_be_visible()
    page.locator("#log-out").click()
    expect(page.locator("#log-in")).to_be_visible()
    expect(page.locator("#who")).to_be_hidden()


def test_a_picture_is_shown_asked_about_and_taken_away(visit: Visits) -> None:
    page = visit().enter(USER)
    page.locator("#picture").set_input_files(GREEN)  # type: ignore[arg-type]
    expect(page.locator("#preview-picture")).to_be_visible()
    expect(page.locator("#preview-name")).to_have_text("green.png")
    page.locator("#ask-button").click()
    expect(page.locator("#ask-answer")).to_have_text("Piscine 2583")
    expect(page.locator("#ask-evidence")).to_have_text("From the picture alone.")
    page.locator("#remove-picture").click()
    expect(page.locator("#preview")).to_be_hidden()
    page.locator("#ask-button").click()
    expect(page.locator("#alert")).to_contain_text("Give a title, a description or a picture.")


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(visit: Visits, kind: str) -> None:
    page = visit().enter(USER)
    page.evaluate(
        """([kind, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "a.png", { type: "image/png" }));
            const event = kind === "drop"
                ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true })
                : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
            document.getElementById("drop").dispatchEvent(event);
        }""",
        [kind, list(tiny.picture("green", "PNG"))],
    )
    expect(page.locator("#preview-picture")).to_be_visible()
    ask(page, "livre")
    expect(page.locator("#ask-evidence")).to_have_text("From text and picture.")


def test_a_picture_that_cannot_be_read_is_told(visit: Visits) -> None:
    page = visit().enter(USER)
    broken = {"name": "a.png", "mimeType": "image/png", "buffer": b"\x89PNG no more"}
    page.locator("#picture").set_input_files(broken)  # type: ignore[arg-type]
    expect(page.locator("#preview-picture")).to_be_hidden()
    ask(page, "livre")
    expect(page.locator("#ask-image-error")).to_contain_text("The picture could not be used")


def test_why_marks_words_in_place_and_regions_of_the_picture(visit: Visits) -> None:
    page = visit().enter(USER)
    page.locator("#picture").set_input_files(GREEN)  # type: ignore[arg-type]
    # Characters beyond the first plane, entities and markup move what stands behind them.
    ask(page, "\U0001f3ca  Une <b>piscine</b>", "&eacute;t&amp;eacute;   piscine &lt;b&gt; livre")
    page.locator("#ask-explain").click()
    marks = page.locator(".why mark")
    expect(marks.first).to_be_visible()
    assert set(marks.all_text_contents()) == {"piscine", "livre"}
    expect(page.locator(".why mark.against")).to_have_text("livre")
    [title, description] = page.locator(".why p.text").all_text_contents()
    assert title.startswith("\U0001f3ca Une piscine +")
    assert description.startswith("été piscine +")
    expect(page.locator(".why .region").first).to_be_visible()
    frame, region = page.locator(".why .framed"), page.locator(".why .region").first
    whole, part = frame.bounding_box(), region.bounding_box()
    assert whole
    assert part
    assert part["width"] == pytest.approx(whole["width"] / 4, rel=0.05)


def test_a_session_that_ends_in_the_middle_goes_on(visit: Visits) -> None:
    visitor = visit()
    page = visitor.enter(USER)
    ask(page, "un livre")
    expect(page.locator("#ask-answer")).to_have_text("Livres d'occasion 10")
    visitor.context.clear_cookies()
    ask(page, "un jeu", "gardé")
    expect(page.locator("#login-why")).to_contain_text("Your session has ended")
    expect(page.locator("#description")).to_have_value("gardé")
    visitor.log_in(USER)
    expect(page.locator("#ask-answer")).to_have_text("Jeux PC 2905")


def test_who_gives_up_logging_in_keeps_what_was_typed(visit: Visits) -> None:
    page = visit().open()
    ask(page, "un livre")
    page.keyboard.press("Escape")
    expect(page.locator("#alert")).to_contain_text("You need to log in for this.")
    expect(page.locator("#designation")).to_have_value("un livre")
    page.locator("#alert button").click()
    expect(page.locator("#login")).to_be_visible()


def test_another_tab_may_log_in_anew(visit: Visits) -> None:
    """The cookie is the other session's then, and the page learns its CSRF token."""
    visitor = visit()
    page = visitor.enter(USER)
    given = {"username": USER, "password": PASSWORD}
    visitor.context.request.post(f"{visitor.address}/login", data=given)
    ask(page, "un livre")
    expect(page.locator("#ask-answer")).to_have_text("Livres d'occasion 10")


def test_a_reviewer_corrects_an_answer_and_withdraws_it(visit: Visits) -> None:
    page = visit().enter("ann")
    ask(page, "un livre à corriger")
    page.get_by_role("combobox").fill("PISCÎNE")
    expect(page.get_by_role("option")).to_have_text("2583 Piscine ")
    page.keyboard.press("Enter")
    expect(page.locator("#correct-saved")).to_contain_text("Saved: Piscine (2583).")
    page.locator("#correct-saved button").click()
    expect(page.locator("#correct-saved")).to_have_text("The correction is withdrawn.")
    page.locator("#correct-right").click()
    expect(page.locator("#correct-saved")).to_contain_text("Saved: Livres d'occasion (10).")


def test_a_limit_is_told_with_the_time(visit: Visits, page_root: Path) -> None:
    with running(page_root, {**PAGE_VARIABLES, "SERVING_PREDICT_LIMIT": "1"}) as limited:
        page = visit(f"http://127.0.0.1:{limited.port}").enter("ann")
        ask(page, "un livre")
        expect(page.locator("#ask-answer")).to_have_text("Livres d'occasion 10")
        page.locator("#ask-button").click()
        warning = page.locator("#alert")
        expect(warning).to_contain_text("Limit reached; try again in ")
        expect(warning).to_contain_text("At most 1 products per minute are allowed")
        expect(page.locator("#designation")).to_have_value("un livre")


def test_a_service_that_goes_away_and_comes_back(visit: Visits, page_root: Path) -> None:
    first = Process(page_root, PAGE_VARIABLES, quiet=True)
    second = None
    try:
        first.wait_ready()
        page = visit(f"http://127.0.0.1:{first.port}").enter(USER)
        assert first.stop() == 0
        ask(page, "un jeu", "qui reste")
        expect(page.locator("#alert")).to_contain_text("The service does not answer.")
        expect(page.locator("#description")).to_have_value("qui reste")
        second = Process(page_root, PAGE_VARIABLES, quiet=True, port=first.port)
        second.wait_ready()
        page.locator("#alert button").click()
        expect(page.locator("#ask-answer")).to_have_text("Jeux PC 2905")
        expect(page.locator("#alert")).to_be_empty()
    finally:
        for process in filter(None, (first, second)):
            process.close()


def test_the_language_is_the_browsers_until_it_is_switched(browser: Browser, visit: Visits) -> None:
    visitor = visit(locale="fr-FR")
    page = visitor.open()
    expect(page.locator("h1:visible")).to_have_text("Classer un produit")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.locator("#designation").fill("livre")
    page.locator("#language").click()
    expect(page.locator("h1:visible")).to_have_text("Classify a product")
    expect(page.locator("#designation")).to_have_value("livre")
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title() == "Product type codes"
    page.reload()
    expect(page.locator("h1:visible")).to_have_text("Classify a product")
    expect(visit(locale="de-DE").open().locator("h1:visible")).to_have_text("Classify a product")
