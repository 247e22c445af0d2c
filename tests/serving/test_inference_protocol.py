"""The Open Inference Protocol's routes, by raw requests: answers, rules, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from serving.http import bodies
from serving.http.inference_bodies import BINARY, DEFAULT_OUTPUTS, HEADER_LENGTH, OUTPUTS
from serving.http.tensors import bytes_from_binary, bytes_to_binary
from serving.listing.labels import Label
from tests.support import tiny
from tests.support.answers import is_problem
from tests.support.service import PASSWORD, Client, bearer
from tests.support.waiting import PATIENCE

Auth = dict[str, str]

MODEL = "/v2/models/product-classifier"
PICTURE = base64.b64encode(tiny.picture("blue")).decode()


def tensor(name: str, data: list[Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": "BYTES", "data": data, **more}


def asked(*inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **more}


LIVRE = tensor("designation", ["livre"])


def infer(client: Client, auth: Auth, body: dict[str, Any], path: str = MODEL) -> Any:
    return client.post(f"{path}/infer", headers=auth, json=body)


def columns(response: Any) -> dict[str, Any]:
    """The outputs of an answer in JSON, by their names."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert HEADER_LENGTH not in response.headers
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def refused(response: Any, status: int) -> str:
    """What clients of the protocol are told."""
    body = is_problem(response, status)
    assert body["error"].startswith(body["detail"])
    return str(body["error"])


# Metadata


def test_the_server_tells_what_it_is(client: Client) -> None:
    assert client.get("/v2").json() == {
        "name": "product-codes",
        "version": client.get("/schema").json()["info"]["version"],
        "extensions": ["binary_tensor_data"],
    }
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}


def test_the_model_tells_its_tensors(client: Client, auth: Auth) -> None:
    body = client.get(MODEL, headers=auth).json()
    version = client.watched.service.model.hash
    assert (body["name"], body["versions"]) == ("product-classifier", [version])
    texts = [
        ("designation", "BYTES", [-1]),
        ("description", "BYTES", [-1]),
        ("image", "BYTES", [-1]),
    ]
    assert [(t["name"], t["datatype"], t["shape"]) for t in body["inputs"]] == texts
    outputs = {output["name"]: output for output in body["outputs"]}
    assert tuple(outputs) == OUTPUTS
    assert outputs["probabilities"] == {
        "name": "probabilities",
        "datatype": "FP64",
        "shape": [-1, 3],
        "parameters": {"codes": list(tiny.CODES)},
    }
    assert client.get(f"{MODEL}/versions/{version}", headers=auth).json() == body


def test_answers_are_as_the_metadata_says(client: Client, auth: Auth) -> None:
    told = {t["name"]: t for t in client.get(MODEL, headers=auth).json()["outputs"]}
    wanted = [{"name": name} for name in OUTPUTS]
    for output in infer(client, auth, asked(LIVRE, outputs=wanted)).json()["outputs"]:
        metadata = told.pop(output["name"])
        assert output["datatype"] == metadata["datatype"]
        assert output["shape"] == [1, *metadata["shape"][1:]]
    assert not told


def test_there_is_one_version_and_one_model(client: Client, auth: Auth) -> None:
    version = client.watched.service.model.hash
    assert client.get(f"{MODEL}/versions/{version}/ready").json() == {
        "name": "product-classifier",
        "ready": True,
    }
    given_version = infer(client, auth, asked(LIVRE), f"{MODEL}/versions/{version}")
    assert given_version.json()["model_version"] == version
    other = f"{MODEL}/versions/{'0' * 32}.dir"
    for response in (
        client.get(f"{other}/ready"),
        client.get(other, headers=auth),
        infer(client, auth, asked(LIVRE), other),
    ):
        assert "no version" in refused(response, 404)
        assert version not in response.text
    refused(client.get("/v2/models/other", headers=auth), 404)
    refused(client.get(f"{MODEL}/infer", headers=auth), 405)


# Answers


def test_answers_are_those_of_predict(client: Client, auth: Auth) -> None:
    products = [
        {"designation": "Livre", "description": "<p>un jeu</p>"},
        {"image": PICTURE},
        {"designation": "piscine", "image": PICTURE},
        {"description": "jeu"},
        {"designation": "livre", "image": base64.b64encode(b"no picture").decode()},
    ]
    inputs = [
        tensor(name, [product.get(name, "") for product in products])
        for name in ("image", "description", "designation")
    ]
    wanted = [{"name": name} for name in OUTPUTS]
    found = columns(infer(client, auth, asked(*inputs, outputs=wanted)))
    single = [client.post("/predict", headers=auth, json=product).json() for product in products]
    for name, field in (("code", "predicted"), *((n, n) for n in DEFAULT_OUTPUTS[1:])):
        assert found[name] == [answer[field] for answer in single], name
    assert found["id"] == [answer["id"] for answer in single]
    assert found["evidence"] == ["text", "image", "both", "text", "text"]
    assert found["image_error"] == [answer["image_error"] or "" for answer in single]
    assert found["image_error"][4]
    rows = np.reshape(found["probabilities"], (5, 3))
    for row, answer in zip(rows, single, strict=True):
        named = {entry["prediction"]: entry["confidence"] for entry in answer["predictions"]}
        assert dict(zip(tiny.CODES, row, strict=True)) == named


def test_shapes_names_and_ids_come_back(client: Client, auth: Auth) -> None:
    nested = {**tensor("designation", [["livre"], ["jeu"]]), "shape": [2, 1]}
    body = infer(client, auth, asked(nested, id="42")).json()
    assert body["id"] == "42"
    assert [output["shape"] for output in body["outputs"]] == [[2]] * 4
    assert tuple(output["name"] for output in body["outputs"]) == DEFAULT_OUTPUTS
    assert body["outputs"][0]["data"] == [10, 2905]
    assert "id" not in infer(client, auth, asked(LIVRE)).json()


def test_outputs_are_those_asked_for_in_order(client: Client, auth: Auth) -> None:
    wanted = [{"name": "label"}, {"name": "code"}]
    assert list(columns(infer(client, auth, asked(LIVRE, outputs=wanted)))) == ["label", "code"]
    more = {"probabilities": True}
    by_parameter = infer(client, auth, asked(LIVRE, outputs=wanted, parameters=more))
    assert list(columns(by_parameter)) == ["label", "code", "probabilities"]
    assert list(columns(infer(client, auth, asked(LIVRE, parameters=more)))) == [
        *DEFAULT_OUTPUTS,
        "probabilities",
    ]


def test_a_picture_may_be_a_data_url(client: Client, auth: Auth) -> None:
    found = columns(
        infer(client, auth, asked(tensor("image", [f"data:image/jpeg;base64,{PICTURE}"])))
    )
    assert found["code"] == [2905]


def binary(
    texts: dict[str, list[bytes]], *, length: str | None = None, extra: bytes = b"", **more: Any
) -> tuple[bytes, dict[str, str]]:
    """A body with binary inputs, and the header fields that belong to it."""
    tensors = {name: bytes_to_binary(elements) for name, elements in texts.items()}
    inputs = [
        {
            "name": name,
            "shape": [len(texts[name])],
            "datatype": "BYTES",
            "parameters": {"binary_data_size": len(data)},
        }
        for name, data in tensors.items()
    ]
    head = json.dumps(asked(*inputs, **more)).encode()
    fields = {"Content-Type": BINARY, HEADER_LENGTH: length or str(len(head))}
    return head + b"".join(tensors.values()) + extra, fields


def test_tensors_may_be_binary_in_and_out(client: Client, auth: Auth) -> None:
    body, fields = binary(
        {"designation": [b"piscine", b""], "image": [b"", tiny.picture("blue")]},
        outputs=[
            {"name": "code", "parameters": {"binary_data": True}},
            {"name": "evidence"},
            {"name": "label", "parameters": {"binary_data": True}},
        ],
    )
    answer = client.post(f"{MODEL}/infer", headers={**auth, **fields}, content=body)
    assert answer.headers["content-type"] == BINARY
    length = int(answer.headers[HEADER_LENGTH])
    head, data = json.loads(answer.content[:length]), memoryview(answer.content)[length:]
    code, evidence, label = head["outputs"]
    assert "data" not in code
    assert evidence["data"] == ["text", "image"]
    size = code["parameters"]["binary_data_size"]
    assert np.frombuffer(data[:size], "<i8").tolist() == [2583, 2905]
    assert label["parameters"]["binary_data_size"] == len(data) - size
    assert [text.decode() for text in bytes_from_binary("label", data[size:], 2)] == [
        "Piscine",
        "Jeux PC",
    ]


def test_one_output_may_differ_from_the_others(client: Client, auth: Auth) -> None:
    wanted = [{"name": "code", "parameters": {"binary_data": False}}, {"name": "accepted"}]
    body = asked(LIVRE, outputs=wanted, parameters={"binary_data_output": True})
    answer = infer(client, auth, body)
    head = json.loads(answer.content[: int(answer.headers[HEADER_LENGTH])])
    assert head["outputs"][0]["data"] == [10]
    assert answer.content.endswith(b"}\1")


def test_codes_that_are_texts_are_bytes(
    tmp_path: Path, start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = ("art", "jeu", "livre")
    monkeypatch.setattr(tiny, "CODES", codes)
    monkeypatch.setattr(tiny, "LABELS", {code: Label(code.title(), code) for code in codes})
    client = start(model=tiny.build(tmp_path), lock=tmp_path / "dvc.lock")
    answer = infer(client, bearer(client), asked(LIVRE, outputs=[{"name": "code"}])).json()
    [output] = answer["outputs"]
    assert (output["datatype"], output["data"]) == ("BYTES", ["art"])
    told = {t["name"]: t for t in client.get(MODEL, headers=bearer(client)).json()["outputs"]}
    assert told["code"]["datatype"] == "BYTES"
    assert told["probabilities"]["parameters"] == {"codes": list(codes)}


def test_another_classifier_is_another_version(root: Path, start: Callable[..., Client]) -> None:
    client = start(model=root / "models" / "classifier", lock=root / "dvc.lock")
    auth, service = bearer(client), client.watched.service
    former = f"{MODEL}/versions/{service.model.hash}"
    assert infer(client, auth, asked(LIVRE), former).status_code == 200
    tiny.relabel(root, "Romans")
    with client.portal() as portal:
        assert portal.call(service.model.reload).outcome == "loaded"
    refused(infer(client, auth, asked(LIVRE), former), 404)
    answer = infer(client, auth, asked(LIVRE, outputs=[{"name": "label"}])).json()
    assert answer["outputs"][0]["data"] == ["Romans"]
    assert answer["model_version"] == service.model.hash


def test_large_requests_are_read_as_small_ones_are(client: Client, auth: Auth) -> None:
    long = [f"{word} " + "- " * 20_000 for word in ("livre", "piscine", "jeu")]
    assert len("".join(long)) < 150_000 > bodies.INLINE_BYTES
    in_json = infer(client, auth, asked(tensor("designation", [*long, *long])))
    assert columns(in_json)["code"] == [*tiny.CODES, *tiny.CODES]
    body, fields = binary({"designation": [text.encode() for text in [*long, *long]]})
    in_binary = client.post(f"{MODEL}/infer", headers={**auth, **fields}, content=body)
    assert columns(in_binary) == columns(in_json)


# Rules


def test_the_rules_are_those_of_predict(start: Callable[..., Client], standing_clock: None) -> None:
    client = start(predict_limit=3)
    client.watched.service.users.add("watcher", "", ("metrics",), PASSWORD)
    assert "token" in refused(client.post(f"{MODEL}/infer", json=asked(LIVRE)), 401)
    other = bearer(client, ("metrics",), "watcher")
    assert "predict" in refused(infer(client, other, asked(LIVRE)), 403)
    auth = bearer(client)
    two = asked(tensor("designation", ["livre", "jeu"]))
    assert infer(client, auth, two).status_code == 200
    over = infer(client, auth, two)
    refused(over, 429)
    assert over.headers["retry-after"]
    assert client.post("/predict", headers=auth, json={"designation": "livre"}).status_code == 200
    refused(infer(client, auth, asked(LIVRE)), 429)


def test_bodies_count_against_the_same_budget(start: Callable[..., Client]) -> None:
    client = start(bodies_bytes=400_000, max_batch_bytes=400_000)
    with client.watched.service.body_budget.reservation("another") as reserve:
        reserve(399_990)
        assert refused(infer(client, bearer(client), asked(LIVRE)), 503)
    assert infer(client, bearer(client), asked(LIVRE)).status_code == 200


def test_before_the_classifier_is_loaded_nothing_is_ready(
    start: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from threading import Event

    from serving.inference import loading, model

    go = Event()
    monkeypatch.setattr(model, "load", lambda *given: go.wait(PATIENCE) and loading.load(*given))
    client = start(ready=False)
    try:
        assert client.get("/v2/health/live").status_code == 200
        for path in ("/v2/health/ready", f"{MODEL}/ready", f"{MODEL}/versions/x/ready"):
            refused(client.get(path), 503)
        refused(infer(client, bearer(client), asked(LIVRE)), 503)
    finally:
        go.set()


def test_answers_are_counted_as_others_are(start: Callable[..., Client]) -> None:
    client = start()
    assert infer(client, bearer(client), asked(LIVRE)).status_code == 200
    text = client.get("/metrics").text
    assert 'classifier_predictions_total{accepted="true",code="10"} 1.0' in text
    assert f'http_requests_total{{method="POST",route="{MODEL}/infer",status="200"}} 1.0' in text


# Refusals


@pytest.mark.parametrize(
    ("status", "reason", "body"),
    [
        (422, r"Product \[1\].*needs a designation", asked(tensor("designation", ["livre", ""]))),
        (422, r"Product \[1\].*nothing to read", asked(tensor("designation", ["livre", "<br>"]))),
        (422, r"Product \[0\].*picture", asked(tensor("image", ["AAAA"]))),
        (422, r"Product \[0\].*image", asked(tensor("image", ["***"]))),
        (422, r"Product \[0\].*data URL", asked(tensor("image", ["data:text/html,x"]))),
        (422, r"designation\[1\] has 50001", asked(tensor("designation", ["a", "x" * 50_001]))),
        (413, "at most 6 products", asked(tensor("designation", ["livre"] * 7))),
        (400, "elements of its shape", asked({**LIVRE, "shape": [2**40]})),
        (400, "elements of its shape", asked({**LIVRE, "shape": [2]})),
        (400, "Expected `int` >= 0", asked({**LIVRE, "shape": [-1]})),
        (400, "has the shape", asked({**LIVRE, "shape": [2**40, 2**40]})),
        (400, "Expected `int`", asked({**LIVRE, "shape": [10**4000]})),
        (400, "has the shape", asked({**LIVRE, "shape": []})),
        (400, "has the shape", asked({**LIVRE, "shape": [0], "data": []})),
        (400, "nested", asked(tensor("designation", [["livre"]]))),
        (400, "expected 'BYTES'", asked({**LIVRE, "datatype": "FP32"})),
        (400, "Expected `str", asked(tensor("designation", [1]))),
        (400, "Expected `str", asked(tensor("designation", [None]))),
        (400, "is there twice", asked(LIVRE, LIVRE)),
        (400, "no input 'x'", asked({**LIVRE, "name": "x"})),
        (400, "same number", asked(LIVRE, tensor("description", ["a", "b"]))),
        (400, "has no input", asked()),
        (400, "either data or", asked({k: v for k, v in LIVRE.items() if k != "data"})),
        (400, "either data or", asked({**LIVRE, "parameters": {"binary_data_size": 9}})),
        (400, "Expected `array`", {"inputs": None}),
        (400, "missing required", {}),
        (400, "Expected `str`", asked(LIVRE, id=42)),
        (400, "no output 'x'", asked(LIVRE, outputs=[{"name": "x"}])),
        (400, "asked for twice", asked(LIVRE, outputs=[{"name": "code"}] * 2)),
        (400, "Expected `bool`", asked(LIVRE, parameters={"probabilities": "yes"})),
        (400, "Expected `bool`", asked(LIVRE, parameters={"binary_data_output": 1})),
        (
            400,
            "classification",
            asked(LIVRE, outputs=[{"name": "code", "parameters": {"classification": 2}}]),
        ),
    ],
)
def test_what_is_no_request_is_refused(
    client: Client, auth: Auth, status: int, reason: str, body: dict[str, Any]
) -> None:
    import re

    assert re.search(reason, refused(infer(client, auth, body), status))


@pytest.mark.parametrize(
    ("length", "extra", "reason"),
    [
        (None, b"x", "bytes of binary data"),
        ("1", b"", "no valid JSON"),
        ("0", b"", "no valid JSON"),
        ("99999", b"", "the body has"),
        ("-5", b"", "one whole number"),
        ("1e3", b"", "one whole number"),
        ("9" * 400, b"", "one whole number"),
    ],
)
def test_lengths_that_are_wrong_are_refused(
    client: Client, auth: Auth, length: str | None, extra: bytes, reason: str
) -> None:
    body, fields = binary({"designation": [b"livre"]}, length=length, extra=extra)
    answer = client.post(f"{MODEL}/infer", headers={**auth, **fields}, content=body)
    assert reason in refused(answer, 400)


@pytest.mark.parametrize(
    ("size", "data", "reason"),
    [
        (-1, b"\5\0\0\0livre", "Expected `int` >= 0"),
        (2**63 - 1, b"\5\0\0\0livre", "bytes of binary data"),
        (2**64, b"\5\0\0\0livre", "Expected `int` <= 9223372036854775807"),
        (10**4000, b"\5\0\0\0livre", "Expected `int`"),
        (True, b"\5\0\0\0livre", "Expected `int`"),
        ("9", b"\5\0\0\0livre", "Expected `int`"),
        (9.5, b"\5\0\0\0livre", "Expected `int`"),
        (8, b"\5\0\0\0livre", "bytes of binary data"),
        (9, b"\xff\xff\xff\xfflivre", "4294967295 bytes are declared"),
        (9, b"\4\0\0\0livre", "1 bytes behind"),
        (3, b"\5\0\0", "ends before"),
        (9, b"\5\0\0\0\xff\xfe\xfd\xfc\xfb", "Product [0]: byte 0 of a text is not UTF-8"),
    ],
)
def test_binary_data_that_is_wrong_is_refused(
    client: Client, auth: Auth, size: Any, data: bytes, reason: str
) -> None:
    given_input = {
        "name": "designation",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": size},
    }
    head = json.dumps(asked(given_input)).encode()
    fields = {**auth, "Content-Type": BINARY, HEADER_LENGTH: str(len(head))}
    assert reason in refused(
        client.post(f"{MODEL}/infer", headers=fields, content=head + data), 400
    )
    without = {**auth, "Content-Type": BINARY}
    refused(client.post(f"{MODEL}/infer", headers=without, content=head), 400)


def test_elements_are_not_looked_for_before_they_are_counted(client: Client, auth: Auth) -> None:
    tensor = {"name": "designation", "shape": [2**40], "datatype": "BYTES"}
    head = json.dumps(asked({**tensor, "parameters": {"binary_data_size": 4}})).encode()
    fields = {**auth, "Content-Type": BINARY, HEADER_LENGTH: str(len(head))}
    answer = client.post(f"{MODEL}/infer", headers=fields, content=head + b"\0" * 4)
    assert "at most 6 products" in refused(answer, 413)


@pytest.mark.parametrize(
    ("status", "kind", "content"),
    [
        (400, "application/json", b"{"),
        (400, "application/json", b""),
        (400, "application/json", b'{"inputs": [{"name": "\xff"}]}'),
        (400, "application/json", b'{"inputs": [], "id": "\\ud800"}'),
        (400, "application/json", b'{"inputs": ' + b"[" * 100_000),
        (400, "application/json", b'{"inputs": [{"shape": [' + b"9" * 100_000 + b"]}]}"),
        (400, "application/json", b'{"parameters": {"x": 1e999}, "inputs": []}'),
        (413, "application/json", b'{"inputs": [' + b"[]," * 70_000 + b"[]]}"),
        (413, "application/json", b" " * 400_001),
        (415, "multipart/form-data; boundary=b", b"--b--"),
        (415, "text/plain", b"{}"),
    ],
)
def test_malformed_bodies(
    client: Client, auth: Auth, status: int, kind: str, content: bytes
) -> None:
    headers = {**auth, "Content-Type": kind}
    refused(client.post(f"{MODEL}/infer", headers=headers, content=content), status)


def test_a_length_given_twice_is_refused(client: Client, auth: Auth) -> None:
    body, fields = binary({"designation": [b"livre"]})
    twice = [*auth.items(), *fields.items(), (HEADER_LENGTH, fields[HEADER_LENGTH])]
    refused(client.post(f"{MODEL}/infer", headers=twice, content=body), 400)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    position=strategies.integers(0, 400),
    piece=strategies.binary(max_size=6),
    removed=strategies.integers(0, 6),
    length=strategies.none() | strategies.integers(-2, 600).map(str),
)
def test_whatever_is_changed_of_a_request_it_is_answered(
    client: Client, auth: Auth, position: int, piece: bytes, removed: int, length: str | None
) -> None:
    body, fields = binary(
        {"designation": [b"livre"], "image": [tiny.picture(size=8)]}, length=length
    )
    body = body[:position] + piece + body[position + removed :]
    answer = client.post(f"{MODEL}/infer", headers={**auth, **fields}, content=body)
    assert answer.status_code in (200, 400, 413, 422), answer.text
    if answer.status_code != 200:
        refused(answer, answer.status_code)
