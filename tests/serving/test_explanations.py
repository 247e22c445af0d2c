"""The route that explains: the answer of /predict, what moved it, and the same refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.classifier.explaining import GRID, explain
from serving.classifier.prediction import Product
from serving.inference import timing
from serving.metrics import Metrics
from tests.support import tiny
from tests.support.answers import is_problem
from tests.support.service import PASSWORD, Client, bearer
from tests.support.waiting import PATIENCE

Auth = dict[str, str]


def form(client: Client, auth: Auth, path: str, **fields: str) -> Any:
    files = {"image": ("p.jpg", tiny.picture(), "image/jpeg")}
    return client.post(path, headers=auth, data=fields, files=files)


def test_it_is_the_answer_of_predict_and_what_moved_it(client: Client, auth: Auth) -> None:
    fields = {"designation": "Piscine, un  livre", "description": "<p>piscine</p>", "imageid": "7"}
    response = form(client, auth, "/explain", **fields)
    assert response.status_code == 200
    body = response.json()
    explanation = body.pop("explanation")
    assert body == form(client, auth, "/predict", **fields).json()
    first, last = explanation["words"][0], explanation["words"][-1]
    assert first["effect"] > 0 > last["effect"]
    del first["effect"], last["effect"]
    assert first == {"field": "designation", "word": "Piscine", "start": 0, "end": 7}
    assert last == {"field": "designation", "word": "livre", "start": 12, "end": 17}
    assert explanation["regions"][0].keys() == {"left", "top", "right", "bottom", "effect"}


def test_json_is_explained_alike(client: Client, auth: Auth) -> None:
    image = base64.b64encode(tiny.picture()).decode()
    json = {"designation": "piscine", "image": image}
    response = client.post("/explain", headers=auth, json=json)
    assert response.json() == form(client, auth, "/explain", designation="piscine").json()


def test_what_is_missing_or_unusable_moved_nothing(client: Client, auth: Auth) -> None:
    text = client.post("/explain", headers=auth, json={"designation": "livre", "image": "AAAA"})
    assert (text.json()["evidence"], text.json()["explanation"]["regions"]) == ("text", [])
    assert text.json()["image_error"].startswith("picture ")
    picture = form(client, auth, "/explain")
    assert (picture.json()["evidence"], picture.json()["explanation"]["words"]) == ("image", [])


def test_it_needs_the_scope(client: Client) -> None:
    client.watched.service.users.add("watcher", "", ("metrics",), PASSWORD)
    headers = bearer(client, ("metrics",), "watcher")
    is_problem(client.post("/explain", headers=headers, json={"designation": "x"}), 403)


@pytest.mark.usefixtures("standing_clock")
def test_it_counts_as_one_product(start: Callable[..., Client]) -> None:
    client = start(predict_limit=3)
    headers = bearer(client)
    for path in ("/explain", "/predict", "/explain"):
        response = client.post(path, headers=headers, json={"designation": "livre"})
        assert response.status_code == 200
    for path in ("/explain", "/predict"):
        response = client.post(path, headers=headers, json={"designation": "livre"})
        is_problem(response, 429)
        assert "retry-after" in response.headers


def test_it_waits_for_its_turn_and_no_longer_queue(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the only thread taken and a queue of none, it is refused as a prediction is."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    client = start(threads=1, queue=0)
    headers = bearer(client)
    classifier = client.watched.service.model.current.classifier
    begun, go, logits = Event(), Event(), classifier.logits

    def slow(products: Any) -> Any:
        begun.set()
        assert go.wait(PATIENCE)
        return logits(products)

    monkeypatch.setattr(classifier, "logits", slow)
    with ThreadPoolExecutor(1) as pool:
        product = {"designation": "livre"}
        first = pool.submit(client.post, "/explain", headers=headers, json=product)
        try:
            assert begun.wait(PATIENCE)
            is_problem(client.post("/explain", headers=headers, json=product), 503)
        finally:
            go.set()
        assert first.result(PATIENCE).status_code == 200


def test_it_is_no_further_answer_in_the_metrics(start: Callable[..., Client]) -> None:
    client = start()
    headers = bearer(client)
    for path in ("/predict", "/explain", "/explain"):
        assert form(client, headers, path, designation="piscine").status_code == 200
    text = client.get("/metrics").text
    assert 'classifier_predictions_total{accepted="true",code="2583"} 1.0' in text
    assert 'http_requests_total{method="POST",route="/explain",status="200"} 2.0' in text


def test_the_seconds_of_a_picture_do_not_hold_those_of_an_explanation(
    classifier_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock that only the image graph moves: one second a run."""
    clock = [0.0]
    monkeypatch.setattr("serving.inference.timing.time.perf_counter", lambda: clock[0])
    with timing.TimedClassifier.load(classifier_root / "models" / "classifier", 1) as classifier:
        classifier.seconds = Metrics().branch_seconds
        session = classifier._timed["image"]._session
        run = session.run

        class Slow:
            get_inputs = session.get_inputs

            def run(self, *given: Any) -> Any:
                clock[0] += 1
                return run(*given)

        classifier._timed["image"]._session = Slow()
        explain(classifier, Product(image=tiny.picture()))
        classifier.predict([Product(image=tiny.picture())])
        sums = {
            sample.labels["step"]: sample.value
            for metric in classifier.seconds.collect()
            for sample in metric.samples
            if sample.name.endswith("_sum") and sample.labels["branch"] == "image"
        }
    assert clock[0] == 2 + GRID**2
    assert sums == {"inference": 2, "decode": 0}


def test_its_documentation_shows_an_explanation(client: Client) -> None:
    document = client.get("/schema").json()
    operation = document["paths"]["/explain"]["post"]
    answer = operation["responses"]["200"]["content"]["application/json"]
    (example,) = [example["value"] for example in answer["examples"].values()]
    schemas = document["components"]["schemas"]

    def described(value: dict[str, Any], name: str) -> None:
        told = value.keys() | {"image_error"} if name == "ExplainedAnswer" else value.keys()
        assert told == schemas[name]["properties"].keys()  # null is left out of the document

    described(example, answer["schema"]["$ref"].rpartition("/")[2])
    described(example["explanation"], "Explanation")
    described(example["explanation"]["words"][0], "Word")
    described(example["explanation"]["regions"][0], "Region")
    predict = document["paths"]["/predict"]["post"]
    assert operation["requestBody"] == predict["requestBody"]
    assert operation["responses"].keys() == predict["responses"].keys()
