"""The page answers a table: progress, waiting, pictures of an archive, the CSV that comes out."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from stages.evaluation.answers import FIELDS
from tests.page.conftest import PAGE_VARIABLES
from tests.support import tiny
from tests.support.browser import Visit
from tests.support.process import Process
from tests.support.service import USER

pytestmark = pytest.mark.slow

Visits = Callable[..., Visit]
Row = Sequence[object]
TITLES = (*tiny.WORDS, "quelque chose")
HEADER = ("", "designation", "description", "productid", "imageid")


def table(*rows: Row, header: Row = HEADER, separator: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([header, *rows])
    return text.getvalue().encode()


def catalogue(count: int) -> bytes:
    return table(*((7 + i, TITLES[i % 4], "", 1000 + i, 2000 + i) for i in range(count)))


def choose(page: Page, content: bytes, archive: bytes | None = None) -> None:
    files: dict[str, Any] = {"name": "a.csv", "mimeType": "text/csv", "buffer": content}
    page.locator("#csv").set_input_files(files)  # type: ignore[arg-type]
    if archive is not None:
        files = {"name": "a.zip", "mimeType": "application/zip", "buffer": archive}
        page.locator("#zip").set_input_files(files)  # type: ignore[arg-type]


def start(page: Page, content: bytes, archive: bytes | None = None) -> None:
    choose(page, content, archive)
    page.locator("#table-start").click()


def watch_progress(page: Page) -> None:
    """Collect in `said` what is told of the progress."""
    page.evaluate(
        """() => {
            const text = document.getElementById("progress-text");
            window.said = [];
            const watch = new MutationObserver(() => said.push(text.textContent));
            watch.observe(text, { childList: true });
        }"""
    )


def finished(page: Page) -> None:
    expect(page.locator("#status")).to_contain_text("Finished")


def downloaded(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as event:
        page.locator("#download").click()
    assert event.value.suggested_filename == "predictions.csv"
    content = Path(event.value.path()).read_bytes()
    assert b"\r" not in content
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    rows = list(reader)
    assert reader.fieldnames == list(FIELDS)
    return rows


def test_two_hundred_rows(visit: Visits, service: Process) -> None:
    answers: dict[str, Any] = {}
    visitor = visit()
    page = visitor.enter(USER, "table")
    choose(page, catalogue(200))
    expect(page.locator("#csv-found")).to_have_text("Products in the table: 200")
    watch_progress(page)
    page.locator("#table-start").click()
    finished(page)
    assert {"64 of 200", "128 of 200", "192 of 200", "200 of 200"} <= set(page.evaluate("said"))
    expect(page.locator("#status")).to_have_text(
        "Finished: 150 accepted, 50 to be reviewed, 0 without an answer."
    )
    assert len([each for each in visitor.asked if each.endswith("/predict/batch")]) == 4
    expect(page.locator("#answers tr")).to_have_count(100)
    page.locator("#more").click()
    expect(page.locator("#answers tr")).to_have_count(200)
    page.locator("#filter").select_option("review")
    expect(page.locator("#answers tr")).to_have_count(50)
    expect(page.locator("#answers")).not_to_contain_text("Accepted")
    rows = downloaded(page)
    assert len(rows) == 200
    first = rows[0]
    assert (first["id"], first["productid"], first["imageid"]) == ("7", "1000", "2000")
    headers = service.log_in()
    for row, title in zip(rows, TITLES * 50, strict=True):
        asked = {"designation": title}
        if title not in answers:
            answers[title] = service.client.post("/predict", headers=headers, json=asked).json()
        answer = answers[title]
        written = (str(answer["predicted"]), answer["label"], str(round(answer["confidence"], 4)))
        assert (row["prdtypecode"], row["label"], row["confidence"]) == written
        assert row["accepted"] == str(answer["accepted"])


def test_pictures_of_an_archive(visit: Visits) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
        archive.writestr("x/y/image_1_product_2.jpg", tiny.picture("green"), stored)
        archive.writestr("image_3_product_4.jpg", tiny.picture("blue", size=300), deflated)
        archive.writestr("image_7_product_8.jpg", b"no picture", deflated)
        archive.writestr("other.txt", b"x")
    rows = (
        ("0", "", "", 2, 1),
        ("1", "", "", 4, 3),
        ("2", "jeu", "", 6, 5),
        ("3", "jeu", "", 8, 7),
    )
    page = visit().enter(USER, "table")
    start(page, table(*rows, ("4", "", "", 9, "")), content.getvalue())
    expect(page.locator("#zip-found")).to_have_text("Files in the archive: 4")
    finished(page)
    lines = page.locator("#answers tr")
    expect(lines.nth(0)).to_contain_text("Piscine 2583")
    expect(lines.nth(1)).to_contain_text("Jeux PC 2905")
    expect(lines.nth(2)).to_contain_text("Picture not in the archive")
    expect(lines.nth(3)).to_contain_text("The picture could not be used")
    expect(lines.nth(4)).to_contain_text("A product needs a designation")
    page.locator("#filter").select_option("error")
    expect(lines).to_have_count(1)
    assert [row["prdtypecode"] for row in downloaded(page)] == ["2583", "2905", "2905", "2905", ""]


def test_a_table_of_a_spreadsheet(visit: Visits) -> None:
    """Semicolons, a byte order mark, quoted line ends; what looks like a formula stays as it is."""
    rows = [("=1+1", '"livre"\r\nen deux lignes; et plus', "@x")]
    header = ("Product_Identifier", "Designation", "imageid")
    content = b"\xef\xbb\xbf" + table(*rows, header=header, separator=";")
    page = visit().enter(USER, "table")
    start(page, content)
    finished(page)
    expect(page.locator("#answers tr")).to_contain_text("Livres d'occasion 10")
    [row] = downloaded(page)
    assert (row["id"], row["productid"], row["imageid"]) == ("0", "=1+1", "@x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("designation\nété\n".encode("latin-1"), "The file is not UTF-8"),
        (b"a,b\n1,2\n", "found: a, b"),
        (b'designation\nx\n"never closed\n', "quotation mark that stays open"),
        (b"", "The table is empty."),
    ],
)
def test_a_table_that_cannot_be_read_is_told(visit: Visits, content: bytes, said: str) -> None:
    page = visit().enter(USER, "table")
    choose(page, content)
    expect(page.locator("#alert")).to_contain_text(said)
    page.locator("#table-start").click()
    expect(page.locator("#alert")).to_contain_text("Choose a table first.")


def test_an_archive_that_is_none_is_told(visit: Visits) -> None:
    page = visit().enter(USER, "table")
    choose(page, catalogue(1), b"no archive at all")
    expect(page.locator("#alert")).to_contain_text("The archive is no ZIP that can be read.")


def refusing(statuses: list[tuple[int, dict[str, str]]]) -> Callable[[Route], None]:
    """Answers the first requests with these statuses and fields, and lets the others through."""

    def handle(route: Route) -> None:
        if not statuses:
            route.continue_()
            return
        status, headers = statuses.pop(0)
        body = json.dumps({"title": "x", "status": status, "detail": "not now"})
        route.fulfill(status=status, headers=headers, body=body, content_type="application/json")

    return handle


def test_limits_are_waited_for(visit: Visits) -> None:
    """A batch over the limit is split; where there is no room, the page waits and goes on."""
    visitor = visit()
    page = visitor.enter(USER, "table")
    policy = {"RateLimit-Policy": '"predict";q=10;w=60', "Retry-After": "1"}
    full, empty = {"RateLimit": '"predict";r=10;t=1'}, {"RateLimit": '"predict";r=0;t=1'}
    refusals = [(429, policy | full), (429, policy | empty), (503, {"Retry-After": "1"})]
    page.route("**/predict/batch", refusing(refusals))
    watch_progress(page)
    start(page, catalogue(30))
    finished(page)
    assert not refusals
    said = page.evaluate("said")
    waiting = "Limit reached or service busy: going on in 1 s. 0 of 30"
    assert said.count(waiting) == 2
    batches = [each for each in visitor.asked if each.endswith("/predict/batch")]
    assert len(batches) == 3 + 3


def test_too_large_a_batch_is_halved(visit: Visits) -> None:
    visitor = visit()
    page = visitor.enter(USER, "table")
    page.route("**/predict/batch", refusing([(413, {}), (413, {})]))
    start(page, catalogue(8))
    finished(page)
    expect(page.locator("#status")).to_contain_text("0 without an answer")
    assert len([each for each in visitor.asked if each.endswith("/predict/batch")]) == 2 + 4


def test_it_may_be_cancelled_and_gone_on_with(visit: Visits) -> None:
    page = visit().enter(USER, "table")
    served = iter(range(100))

    def hold_second(route: Route) -> None:
        if next(served) != 1:
            route.continue_()  # the second one is never answered

    page.route("**/predict/batch", hold_second)
    start(page, catalogue(100))
    expect(page.locator("#progress-text")).to_have_text("64 of 100")
    page.locator("#table-cancel").click()
    expect(page.locator("#status")).to_have_text("Stopped at 64 of 100. The answers received stay.")
    expect(page.locator("#table-start")).to_have_text("Go on")
    assert len(downloaded(page)) == 64
    page.locator("#table-start").click()
    finished(page)
    assert len(downloaded(page)) == 100


def test_a_session_that_ends_between_batches(visit: Visits) -> None:
    visitor = visit()
    page = visitor.enter(USER, "table")
    visitor.context.clear_cookies()
    start(page, catalogue(70))
    expect(page.locator("#login-why")).to_contain_text("Your session has ended")
    visitor.log_in(USER)
    finished(page)
    assert len(downloaded(page)) == 70


def test_a_service_that_goes_away_and_comes_back(visit: Visits, page_root: Path) -> None:
    first = Process(page_root, PAGE_VARIABLES, quiet=True)
    second = None
    try:
        first.wait_ready()
        page = visit(f"http://127.0.0.1:{first.port}").enter(USER, "table")
        served = iter(range(100))

        def end_service(route: Route) -> None:
            if next(served) == 1:
                assert first.stop() == 0
            route.continue_()

        page.route("**/predict/batch", end_service)
        start(page, catalogue(100))
        expect(page.locator("#alert")).to_contain_text("The service does not answer.")
        expect(page.locator("#answers tr")).to_have_count(64)
        second = Process(page_root, PAGE_VARIABLES, quiet=True, port=first.port)
        second.wait_ready()
        page.locator("#alert button").click()
        finished(page)
        assert len(downloaded(page)) == 100
    finally:
        for process in filter(None, (first, second)):
            process.close()
