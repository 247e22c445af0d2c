"""Prometheus, Alertmanager and node exporter beside the service, with the very files of conf/."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from stages.commands.monitor import local_servers as servers
from tests.support import tiny
from tests.support.monitoring import (
    CONF,
    RULES,
    MonitoredServices,
    panels,
    rules,
    selectors,
    wait_for,
    watching,
)
from tests.support.process import Process, free_port, running
from tests.support.repository import ROOT, called
from tests.support.service import PASSWORD, SECRET, USER

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TOKEN = SECRET[:40]

SETTINGS = {
    "SECRET_KEY": SECRET,
    "SERVING_METRICS_TOKEN": TOKEN,
    "TEST_USER": USER,
    "TEST_USER_PASSWORD": PASSWORD,
    "SERVING_THREADS": "1",
    "SERVING_QUEUE": "0",
    "SERVING_PREDICT_LIMIT": "5000",
    "SERVING_MAX_BATCH_PRODUCTS": "6000",
    "SERVING_TOKEN_ADDRESS_LIMIT": "0",
    "SERVING_TOKEN_ACCOUNT_LIMIT": "0",
    "SERVING_TOKEN_ACCOUNT_TOTAL_LIMIT": "0",
}
"""One product at a time, and none waits: a second one at once is a failure."""

PAUSE_SECONDS = 0.3
"""Between two rounds of traffic, for the others on this machine."""

TOGETHER = 6
"""Clients at once."""

SLOW_SECONDS = 0.3
"""What a client takes to send its product: longer than the objective allows."""


class Traffic:
    """Clients of every kind, until they are stopped: good, wrong, slow, and too many at once."""

    def __init__(self, service: Process, auth: Process) -> None:
        self.service, self.auth = f"http://127.0.0.1:{service.port}", auth
        self._stop = threading.Event()
        self._picture = tiny.picture(size=1500)
        self._thread = threading.Thread(target=self._drive)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _drive(self) -> None:
        with httpx.Client(base_url=self.service, timeout=2) as client:
            while not self._stop.is_set():
                with suppress(httpx.TransportError):
                    self._round(client)
                self._stop.wait(PAUSE_SECONDS)

    def _round(self, client: httpx.Client) -> None:
        form = {"username": USER, "password": PASSWORD}
        answer = client.post("/token", data=form)
        self.auth.client.post("/token", data=form)
        for at in (client, self.auth.client):
            at.post("/token", data={**form, "password": "wrong"})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        client.get("/verify-token")
        client.get("/model")
        client.get("/nothing")
        for title in ("livre", "piscine", "livre piscine jeu", "jeu"):
            client.post("/predict", json={"designation": title})
        client.post("/predict/batch", json=[{"designation": "livre"}] * 5001)  # over the limit
        client.post("/explain", json={"designation": "piscine"})
        with ThreadPoolExecutor(TOGETHER) as together:
            list(together.map(self._product_slowly, [client] * TOGETHER, range(TOGETHER)))
            list(together.map(self._picture_at_once, [client] * TOGETHER))

    def _picture_at_once(self, client: httpx.Client) -> None:
        client.post("/predict", files={"image": self._picture}, data={"designation": "jeu"})

    def _product_slowly(self, client: httpx.Client, turn: int) -> None:
        """One after the other comes to its end, so that none finds another at work."""

        def body() -> Iterator[bytes]:
            yield b'{"designation": '
            self._stop.wait(SLOW_SECONDS + turn / 20)
            yield b'"livre"}'

        client.post("/predict", content=body(), headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def watched(
    classifier_root: Path, tmp_path_factory: pytest.TempPathFactory, monitoring_is_there: None
) -> Iterator[MonitoredServices]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "auth").mkdir()
    settings = {
        **SETTINGS,
        "SERVING_MODEL": str(classifier_root / "models" / "classifier"),
        "SERVING_LOCK": str(classifier_root / "dvc.lock"),
    }
    with (
        running(folder, settings) as service,
        running(folder / "auth", settings, "auth") as auth,
        watching(folder / "servers", TOKEN, serving=service, auth=auth) as watched,
        Traffic(service, auth),
    ):
        yield watched


def test_rules_pass_their_unit_tests(monitoring_is_there: None) -> None:
    tests = sorted((CONF / "prometheus/tests").glob("*.yml"))
    assert [path.name for path in tests] == [path.name for path in RULES]
    done = called(ROOT, "promtool", "test", "rules", *tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_target_is_up(watched: MonitoredServices) -> None:
    jobs = {"serving", "auth", *servers.PROGRAMS}
    everything = dict.fromkeys(jobs, "up")
    wait_for(lambda: watched.prometheus.targets() == everything, watched.prometheus.targets)


def test_every_panel_shows_something(watched: MonitoredServices) -> None:
    watched.prometheus.wait_for({expression: place for place, expression in panels()})


def test_every_rule_asks_for_series_that_are_there(watched: MonitoredServices) -> None:
    asked = {str(selector) for rule in rules() for selector in selectors(rule["expr"])}
    watched.prometheus.wait_for({series: "a rule" for series in asked})
    groups = watched.prometheus.get("rules")["groups"]
    bad = [rule for group in groups for rule in group["rules"] if rule["health"] == "err"]
    assert not bad


def test_what_fails_reaches_the_receiver(watched: MonitoredServices) -> None:
    for name in ("AvailabilityBurnsFast", "LatencyBurnsFast"):
        title = f"FIRING page: {name} "
        wait_for(lambda title=title: title in watched.receiver.titles(), watched.receiver.titles)  # type: ignore[misc]
    [told, *_] = [
        message["attachments"][0]
        for message in watched.receiver.messages
        if "AvailabilityBurnsFast" in message["attachments"][0]["title"]
    ]
    assert "See docs/runbook.md#availabilityburnsfast." in told["text"]
    tickets = wait_for(lambda: "AvailabilityBurns" in watched.alerts(), watched.alerts)
    assert tickets
    assert watched.alerts()["AvailabilityBurns"]["status"]["inhibitedBy"]


def is_suppressed(watched: MonitoredServices, alert: str) -> bool:
    """Whether another alert keeps people from being told of it."""
    status = watched.alerts().get(alert, {}).get("status", {})
    return bool(status.get("inhibitedBy")) and status["state"] == "suppressed"


def test_a_service_that_is_down_is_told_alone(watched: MonitoredServices) -> None:
    wait_for(lambda: "AvailabilityBurnsFast" in watched.prometheus.firing(), watched.alerts)
    watched.services["serving"].process.send_signal(signal.SIGSTOP)
    try:
        # Looked at as soon as it is so: a service that answers nothing soon burns nothing any more.
        wait_for(lambda: is_suppressed(watched, "AvailabilityBurnsFast"), watched.alerts)
        assert not watched.alerts()["ServiceDown"]["status"]["inhibitedBy"]
        title = "FIRING page: ServiceDown "
        wait_for(lambda: title in watched.receiver.titles(), watched.receiver.titles)
    finally:
        watched.services["serving"].process.send_signal(signal.SIGCONT)
    wait_for(lambda: "ServiceDown" not in watched.prometheus.firing(), watched.prometheus.firing)
    resolved = "RESOLVED page: ServiceDown "
    wait_for(lambda: resolved in watched.receiver.titles(), watched.receiver.titles)


MAIN = "from stages.commands.__main__ import main; main(['monitor', 'servers'])"


@contextmanager
def monitor(
    folder: Path, ports: dict[str, int], **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """`make monitor` on other ports than its own."""
    (folder / "conf").symlink_to(CONF)
    code = f"from stages.commands.monitor import servers; servers.PORTS = {ports}; "
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code + MAIN],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def listening(ports: Iterable[int]) -> list[int]:
    """Those of the ports that somebody still listens on."""
    taken = []
    for port in ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            taken.append(port)
    return taken


def test_the_command_runs_them_until_it_is_stopped(
    tmp_path: Path, monitoring_is_there: None
) -> None:
    ports = {part: free_port() for part in servers.PROGRAMS}
    with monitor(tmp_path, ports, SERVING_METRICS_TOKEN=TOKEN) as process:
        pages = [f"http://127.0.0.1:{port}/metrics" for port in ports.values()]
        wait_for(lambda: all(httpx.get(page).is_success for page in pages), lambda: pages)
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "ALERTS_URL is not set" in said
    assert TOKEN not in said
    assert not listening(ports.values())


def test_a_program_that_ends_is_named_and_the_others_are_stopped(
    tmp_path: Path, monitoring_is_there: None
) -> None:
    ports = {part: free_port() for part in servers.PROGRAMS}
    variables = {"SERVING_METRICS": "open", "ALERTS_URL": "http://127.0.0.1/hook"}
    with (
        socket.create_server(("127.0.0.1", ports["node"])),
        monitor(tmp_path, ports, **variables) as process,
    ):
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"node has ended; {tmp_path / 'monitoring/node.log'} says why" in said
    assert "address already in use" in (tmp_path / "monitoring/node.log").read_text("utf-8")
    assert not listening(ports.values())
