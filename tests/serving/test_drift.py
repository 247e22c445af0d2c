"""Drift in the service: what is asked over HTTP shows in the metrics and in the prediction log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.service import Client, bearer
from tests.support.waiting import wait_until

Start = Callable[..., Client]


def figure(client: Client, metric: str) -> float:
    """A metric, with its labels, as /metrics has it; -1 if it has not."""
    found = re.search(rf"^{re.escape(metric)} (\S+)$", client.get("/metrics").text, re.M)
    return float(found[1]) if found else -1.0


def wait_for(client: Client, products: int) -> None:
    """Until so many products are in the window."""
    wait_until(lambda: figure(client, "drift_window_products") == products)


def ask(client: Client, designation: str, times: int, path: str = "/predict") -> None:
    for number in range(times):
        body = {"designation": designation, "product_id": number}
        answer = client.post(path, json=body, headers=bearer(client))
        assert answer.status_code == 200, answer.text


def test_what_is_asked_shows_and_what_is_explained_does_not(start: Start) -> None:
    client = start()
    assert figure(client, "drift_window_products") == 0
    ask(client, "livre", 3)
    ask(client, "livre", 2, "/explain")
    ask(client, "livre", 1)
    wait_for(client, 4)


def test_other_products_are_over_the_threshold_that_the_metrics_tell(start: Start) -> None:
    client = start()
    distance = 'drift_distance{feature="designation_length"}'
    threshold = 'drift_threshold{feature="designation_length"}'
    ask(client, "livre", 1)
    wait_for(client, 1)
    assert not figure(client, distance) > figure(client, threshold)  # too few: no number
    ask(client, "piscine " * 9, 39)
    wait_for(client, 40)
    assert figure(client, distance) > figure(client, threshold) > 0


def test_the_window_holds_as_many_as_it_is_set_to(start: Start) -> None:
    client = start(drift_window=5)
    ask(client, "livre", 9)
    wait_for(client, 5)


@pytest.mark.parametrize(
    ("given", "identifier"),
    [
        ({"product_identifier": "a", "product_id": 2, "imageid": 3}, "a"),
        ({"product_id": 2, "imageid": 3}, 2),
        ({"imageid": 3}, 3),
        ({}, None),
    ],
)
def test_a_line_is_called_what_the_client_calls_its_product(
    start: Start, tmp_path: Path, given: dict[str, object], identifier: object
) -> None:
    path = tmp_path / "predictions.jsonl"
    client = start(predictions_path=path)
    answer = client.post(
        "/predict/batch", json=[{"designation": "livre", **given}], headers=bearer(client)
    )
    assert answer.status_code == 200
    wait_until(lambda: path.exists() and path.read_text("utf-8").endswith("\n"))
    line = json.loads(path.read_text("utf-8"))
    assert line["id"] == identifier
    assert line["model"] == answer.json()[0]["model"]
    assert line["code"] == answer.json()[0]["predicted"]
