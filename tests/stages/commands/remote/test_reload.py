"""`make reload`, asked of a service that runs: each is asked, and what it says is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.operator import OPERATOR, with_operator
from tests.support.process import VARIABLES, Process, free_port, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, USER

pytestmark = pytest.mark.slow


@pytest.fixture
def root(classifier_root: Path, tmp_path: Path) -> Path:
    """A classifier, its lock, and a user who may reload."""
    return with_operator(classifier_root, tmp_path)


@pytest.fixture
def service(root: Path) -> Iterator[Process]:
    with running(root, VARIABLES) as process:
        yield process


def reload(services: str, user: str = OPERATOR, password: str = PASSWORD) -> tuple[int, str]:
    """The exit status, and all that was said."""
    done = subprocess.run(
        [sys.executable, "-m", "stages.commands", "remote", "reload"],
        cwd=ROOT,
        env={
            **os.environ,
            "SERVICE_URLS": services,
            "SERVICE_USER": user,
            "SERVICE_PASSWORD": password,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert password not in said
    return done.returncode, said


def test_every_service_is_asked_and_one_that_fails_is_told(root: Path, service: Process) -> None:
    tiny.relabel(root, "Livres anciens")
    away = f"http://127.0.0.1:{free_port()}"
    status, said = reload(f"{away}, {service.client.base_url}/")
    assert status == 1
    assert f"{away}/token cannot be asked" in said
    assert f"{service.client.base_url}: loaded, " in said
    status, said = reload(str(service.client.base_url))
    assert (status, "unchanged" in said) == (0, True)

    tiny.relabel(root, "Vieux livres")
    (root / "models" / "classifier" / "labels.json").unlink()
    status, said = reload(str(service.client.base_url))
    assert status == 1
    assert "409" in said
    assert "labels.json" in said


def test_who_may_not_is_told(service: Process) -> None:
    address = str(service.client.base_url)
    status, said = reload(address, password="another password")
    assert status == 1
    assert "/token answers 400" in said
    status, said = reload(address, user=USER)
    assert status == 1
    assert "The scope reload is needed" in said
    status, said = reload(address, user="")
    assert status == 1
    assert "SERVICE_USER" in said


def test_without_a_service_nobody_is_asked() -> None:
    assert reload("") == (99, "SERVICE_URLS names no service: none was asked\n")
    status, said = reload("ftp://127.0.0.1")
    assert status == 2
    assert "SERVICE_URLS" in said
