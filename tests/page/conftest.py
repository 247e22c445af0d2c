"""A service with reviewers, a browser, and people who visit its page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from serving.access.users.store import Users
from tests.support.browser import Visit, chromium
from tests.support.process import VARIABLES, Process, running
from tests.support.service import PASSWORD

REVIEWERS = ("ann", "ben")
PAGE_VARIABLES = {
    **VARIABLES,
    "SERVING_REVIEW_PICTURES": "true",
    "SERVING_MAX_BODY_BYTES": "2000000",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page_root(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to start services in, whose users may review."""
    root = tmp_path_factory.mktemp("page") / "root"
    shutil.copytree(classifier_root, root)
    users = Users(root / "users.sqlite3")
    users.create()
    for name in REVIEWERS:
        users.add(name, name.title(), ("predict", "review"), PASSWORD)
    return root


@pytest.fixture(scope="module")
def service(page_root: Path) -> Iterator[Process]:
    with running(page_root, PAGE_VARIABLES) as process:
        yield process


@pytest.fixture
def visit(browser: Browser, service: Process) -> Iterator[Callable[..., Visit]]:
    """Opens windows, in which nothing goes wrong that the page does not tell."""
    with ExitStack() as stack:
        visits: list[Visit] = []

        def begin(address: str = "", **options: Any) -> Visit:
            made = Visit(browser, address or f"http://127.0.0.1:{service.port}", **options)
            stack.callback(made.context.close)
            visits.append(made)
            return made

        yield begin
        assert [wrong for each in visits for wrong in each.wrong] == []
