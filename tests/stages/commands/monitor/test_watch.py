"""The figures in a terminal, of a service that runs."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from serving.settings import Settings
from stages.commands.monitor import service_address, watch
from stages.commands.monitor.scrape import Scrape, ScrapeDelta
from tests.support.process import Process, free_port, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, SECRET, USER

TOKEN = SECRET[:40]
COMMAND = (sys.executable, "-m", "stages.commands", "monitor", "watch", "--seconds", "0.5")

MODEL = """
drift_distance{feature="code"} 0.3
drift_threshold{feature="code"} 0.1
drift_distance{feature="brightness"} 0.05
drift_threshold{feature="brightness"} 0.1
drift_window_products 250
service_ready 0
classifier_accepted_share_measured 0.73
classifier_model_info{model="67b1f35fed756d0f32ae9fd240d946fa.dir"} 1
process_start_time_seconds 1e9
"""


def shown(before: str, after: str) -> str:
    """The text of the tables."""
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    with console.file:
        console.print(*watch.tables(ScrapeDelta(Scrape.read(before, 0), Scrape.read(after, 5))))
    return console.export_text()


def row(text: str, name: str) -> str:
    """What stands beside `name`."""
    [line] = [line for line in text.splitlines() if re.match(rf"│ {re.escape(name)} +│", line)]
    return line.split("│")[2].strip()


def test_what_is_beyond_its_bound_is_marked() -> None:
    count = 'http_requests_total{route="/predict",status="%s"} %d\n'
    text = shown(count % ("500", 0), MODEL + count % ("500", 3) + count % ("200", 9))
    assert row(text, "ready") == "no !"
    assert row(text, "failed (5xx)") == "25.0% !"
    assert row(text, "code") == "0.300 of 0.100 !"
    assert row(text, "brightness") == "0.050 of 0.100"
    assert row(text, "accepted of the test products") == "73.0%"
    assert row(text, "hash") == "67b1f35fed75"
    assert "drift of 250 products" in text


def test_what_is_not_measured_is_not_made_up() -> None:
    text = shown("", "service_ready 1\nprocess_start_time_seconds 1e9\n")
    assert row(text, "ready") == "yes"
    for name in ("failed (5xx)", "answers p99", "accepted", "mean confidence"):
        assert row(text, name) == "–"
    assert "drift" not in text


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("0.0.0.0", "127.0.0.1:8000"),  # noqa: S104
        ("::", "127.0.0.1:8000"),
        ("::1", "[::1]:8000"),
        ("192.0.2.1", "192.0.2.1:8000"),
        ("shop.example", "shop.example:8000"),
    ],
)
def test_the_service_is_looked_for_where_it_listens(host: str, expected: str) -> None:
    assert service_address.address(Settings(host=host), 8000) == expected


def test_a_closed_page_needs_a_token() -> None:
    assert service_address.token(Settings(metrics="open")) == ""
    assert service_address.token(Settings(metrics_token=TOKEN)) == TOKEN
    with pytest.raises(
        service_address.ServiceSettingsError, match="SERVING_METRICS_TOKEN is not set"
    ):
        service_address.token(Settings())


@pytest.fixture(scope="module")
def service(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    settings = {
        "SECRET_KEY": SECRET,
        "SERVING_METRICS_TOKEN": TOKEN,
        "SERVING_MODEL": str(classifier_root / "models" / "classifier"),
        "SERVING_LOCK": str(classifier_root / "dvc.lock"),
        "TEST_USER": USER,
        "TEST_USER_PASSWORD": PASSWORD,
    }
    with running(tmp_path_factory.mktemp("watched"), settings) as process:
        yield process


def surroundings(port: int, token: str = TOKEN) -> dict[str, str]:
    return {
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
        "COLUMNS": "100",
        "LINES": "60",
        "TERM": "xterm",
        "SERVING_PORT": str(port),
        "SERVING_METRICS_TOKEN": token,
    }


def looked(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command off a terminal."""
    return subprocess.run(  # noqa: S603
        COMMAND, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_off_a_terminal_they_are_shown_once(service: Process, tmp_path: Path) -> None:
    done = looked(tmp_path, surroundings(service.port))
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "ready") == "yes"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "said", "code"),
    [
        ({"SERVING_METRICS_TOKEN": "x" * 40}, "another SERVING_METRICS_TOKEN", 1),
        ({"SERVING_METRICS_TOKEN": ""}, "SERVING_METRICS_TOKEN is not set", 2),
        ({"SERVING_PORT": str(free_port())}, "start the service: make serve", 1),
    ],
)
def test_what_is_wrong_is_told(
    wrong: dict[str, str], said: str, code: int, service: Process, tmp_path: Path
) -> None:
    done = looked(tmp_path, surroundings(service.port) | wrong)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert TOKEN not in done.stderr


@pytest.mark.slow
def test_on_a_terminal_they_are_shown_anew_until_ctrl_c(service: Process, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603
        # What is run in the background by a shell ignores Ctrl-C, and so would this.
        ("/usr/bin/env", "--default-signal=INT", *COMMAND),
        cwd=tmp_path,
        env=surroundings(service.port),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    given_up = threading.Timer(60, process.kill)
    given_up.start()
    text = ""
    try:
        while text.count("requests a second") < 2:
            text += os.read(ours, 65536).decode(errors="replace")
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    finally:
        given_up.cancel()
        process.kill()
        process.wait(15)
        os.close(ours)
    assert "Traceback" not in text
