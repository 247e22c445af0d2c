"""Takes the pictures of docs/page.md: python -m tests.support.page_pictures [REPOSITORY].

Of a repository in which the pipeline has run, this one by default. They show products of its
catalogue, answered by its classifier.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
from PIL import Image
from playwright.sync_api import Page, expect

from serving.access.users.store import Users
from stages.common.paths import ARCHIVE, CLASSIFIER, PREPARED
from tests.support.browser import Visit, chromium
from tests.support.process import VARIABLES, Process, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD
from tests.support.waiting import wait_until

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1100, "height": 820}
COLOURS = 96
"""That a picture is reduced to: a page of text needs no more."""

ROWS = 40
MODEL_HEIGHT = 1500
NAMES = ("alice", "bruno")


def photograph(repository: Path) -> None:
    """Write docs/images/page-*.png."""
    products = pd.read_parquet(repository / PREPARED / "unlabelled.parquet")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        root = Path(folder)
        shutil.copytree(repository / CLASSIFIER, root / CLASSIFIER)
        shutil.copytree(repository / "metrics", root / "metrics")
        shutil.copy(repository / "dvc.lock", root)
        users = Users(root / "users.sqlite3")
        users.create()
        for name, full in zip(NAMES, ("Alice Martin", "Bruno Petit"), strict=True):
            users.add(name, full, ("predict", "review"), PASSWORD)
        changes = {"SERVING_REVIEW_PICTURES": "true", "SERVING_MAX_BODY_BYTES": "16777216"}
        with (
            running(root, {**VARIABLES, **changes}) as process,
            ZipFile(repository / ARCHIVE) as archive,
        ):
            visit = Visit(browser, f"http://127.0.0.1:{process.port}", viewport=SIZE)
            _ask(visit.enter(NAMES[0]), products, archive)
            _table(visit.open("table"), products.head(ROWS), repository)
            _disagree(process)
            _review(visit.open("review"))
            _model(visit.open("model"))


def _ask(page: Page, products: pd.DataFrame, archive: ZipFile) -> None:
    """A product with everything, and why it has its code."""
    whole = products[(products["picture"] != "") & (products["description"].str.len() > 80)]
    plain = whole[~whole["description"].str.contains("&")]
    # The smallest picture is the smoothest, which the page's picture has to hold twice.
    product = min(plain.itertuples(), key=lambda row: archive.getinfo(row.picture).file_size)
    page.locator("#designation").fill(product.designation)
    page.locator("#description").fill(product.description)
    content = archive.read(product.picture)
    name = Path(product.picture).name
    file: Any = {"name": name, "mimeType": "image/jpeg", "buffer": content}
    page.locator("#picture").set_input_files(file)
    page.locator("#ask-button").click()
    page.locator("#ask-explain").click()
    expect(page.locator(".why mark").first).to_be_visible()
    _take(page, "ask")


def _table(page: Page, products: pd.DataFrame, repository: Path) -> None:
    """Some rows, with their pictures."""
    content = products.drop(columns="picture").to_csv(index=False).encode()
    file: Any = {"name": "products.csv", "mimeType": "text/csv", "buffer": content}
    page.locator("#csv").set_input_files(file)
    page.locator("#zip").set_input_files(repository / ARCHIVE)
    expect(page.locator("#zip-found")).not_to_be_empty()
    page.locator("#table-start").click()
    expect(page.locator("#status")).to_contain_text("Finished")
    _take(page, "table", whole=False)


def _disagree(process: Process) -> None:
    """Have two reviewers say different things of the first product that waits."""
    headers = {name: process.log_in(name) for name in NAMES}

    def item() -> Any:
        answer = process.client.post("/review/next", headers=headers[NAMES[1]])
        return answer.json() if answer.status_code == 200 else None

    wait_until(lambda: item() is not None, "nothing waits for review")
    waiting = item()
    for (name, auth), choice in zip(headers.items(), waiting["predictions"], strict=False):
        code = choice["prediction"]
        body = {"answer": waiting["id"], "code": code, "note": "vu avec " + name}
        process.client.post("/corrections", headers=auth, json=body).raise_for_status()


def _review(page: Page) -> None:
    """The next product that has a picture."""
    page.locator("#review-item").wait_for()
    for _ in range(ROWS):
        if page.locator("#review-frame").is_visible():
            break
        title = page.locator("#review-designation").inner_text()
        page.locator("#review-skip").click()
        expect(page.locator("#review-designation")).not_to_have_text(title)
    page.wait_for_function("document.getElementById('review-picture').naturalWidth > 0")
    _take(page, "review")


def _model(page: Page) -> None:
    """The beginning: the card is long."""
    expect(page.locator("#model-codes table")).to_be_visible()
    page.set_viewport_size({"width": SIZE["width"], "height": MODEL_HEIGHT})
    _take(page, "model", whole=False)


def _take(page: Page, name: str, *, whole: bool = True) -> None:
    """The page as it is, from its top; all of it if `whole`."""
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    path = IMAGES / f"page-{name}.png"
    page.screenshot(path=path, full_page=whole)
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    photograph(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
