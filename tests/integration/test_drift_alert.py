"""From products that are no longer as they were to the message that tells somebody of it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import tiny
from tests.support.monitoring import MonitoredServices, wait_for, watching
from tests.support.process import VARIABLES, Process, running
from tests.support.service import SECRET

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TOKEN = SECRET[:40]
WINDOW = 300
"""Products; the rule asks for 200 of them."""

SETTINGS = {
    **VARIABLES,
    "SERVING_METRICS": "scope",
    "SERVING_METRICS_TOKEN": TOKEN,
    "SERVING_DRIFT_WINDOW": str(WINDOW),
    "SERVING_MAX_BATCH_PRODUCTS": str(WINDOW),
}

IN_PROMETHEUS = f"drift_window_products == {WINDOW}"
FAR = "drift_distance > drift_threshold"


@pytest.fixture
def watched(
    classifier_root: Path, tmp_path: Path, monitoring_is_there: None
) -> Iterator[MonitoredServices]:
    settings = {
        **SETTINGS,
        "SERVING_MODEL": str(classifier_root / "models" / "classifier"),
        "SERVING_LOCK": str(classifier_root / "dvc.lock"),
    }
    with (
        running(tmp_path, settings) as service,
        watching(tmp_path / "servers", TOKEN, serving=service) as watched,
    ):
        yield watched


def ask(service: Process, more: str = "") -> None:
    """A window full of products as tiny.reference() has them, with `more` to their titles."""
    products: list[dict[str, Any]] = []
    for number in range(WINDOW):
        word, length = tiny.WORDS[number % 3], 5 + number % 7
        title = f"{word} xxxxxx"[: max(length, len(word))]
        products.append({"designation": title + more})
        if number % 2:
            grey = "#" + 3 * f"{80 + number % 20:02x}"
            products[-1]["image"] = base64.b64encode(tiny.picture(grey)).decode()
    answer = service.client.post("/predict/batch", json=products, headers=service.log_in())
    assert answer.status_code == 200, answer.text


def told(watched: MonitoredServices, status: str) -> list[str]:
    """The texts of the messages about drift."""
    found = [message["attachments"][0] for message in watched.receiver.messages]
    return [each["text"] for each in found if f"{status} ticket: Drift " in each["title"]]


def test_other_products_are_told_to_the_receiver_until_they_are_as_before(
    watched: MonitoredServices,
) -> None:
    service, prometheus = watched.services["serving"], watched.prometheus
    ask(service)
    prometheus.wait_for({IN_PROMETHEUS: "the window"})
    assert not prometheus.now(FAR)

    ask(service, " of other words")
    wait_for(lambda: told(watched, "FIRING"), watched.alerts)
    [text] = told(watched, "FIRING")
    assert text.startswith("designation_length of the products is no longer as in training.")
    assert "See docs/runbook.md#drift." in text
    labels = watched.alerts()["Drift"]["labels"]
    assert labels["instance"] == f"127.0.0.1:{service.port}"
    assert [each["metric"]["feature"] for each in prometheus.now(FAR)] == ["designation_length"]

    ask(service)
    wait_for(lambda: told(watched, "RESOLVED"), prometheus.firing)
