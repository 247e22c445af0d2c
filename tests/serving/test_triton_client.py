"""The Open Inference Protocol as a client that others wrote speaks it: Triton's, over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from serving.http.inference_bodies import MODEL_NAME, OUTPUTS
from tests.support import tiny
from tests.support.process import VARIABLES, Process
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.slow

PRODUCTS: list[dict[str, Any]] = [
    {"designation": "Livre", "description": "<p>un été</p>"},
    {"image": tiny.picture("blue")},
    {"designation": "piscine", "image": tiny.picture("green", "PNG")},
    {"designation": "livre", "image": b"no picture"},
]


@pytest.fixture(scope="module")
def process(serve: Callable[..., Process]) -> Process:
    process = serve(VARIABLES)
    process.wait_ready()
    return process


@pytest.fixture(scope="module")
def auth(process: Process) -> dict[str, str]:
    return process.log_in()


@pytest.fixture(scope="module")
def triton(process: Process) -> Iterator[Any]:
    address = f"127.0.0.1:{process.port}"
    with InferenceServerClient(
        address, connection_timeout=PATIENCE, network_timeout=PATIENCE
    ) as client:
        yield client


def inputs(products: list[dict[str, Any]], *, binary: bool, column: bool = False) -> list[Any]:
    """The three inputs; in JSON, pictures are base64."""
    found = []
    for name in ("designation", "description", "image"):
        values = [product.get(name, "") for product in products]
        if not binary:
            values = [base64.b64encode(v).decode() if isinstance(v, bytes) else v for v in values]
        array = np.array([v if isinstance(v, bytes) else v.encode() for v in values], object)
        array = array.reshape(-1, 1) if column else array
        given = InferInput(name, list(array.shape), "BYTES")
        given.set_data_from_numpy(array, binary_data=binary)
        found.append(given)
    return found


def predicted(process: Process, auth: dict[str, str]) -> list[dict[str, Any]]:
    """What /predict says of the products."""
    answers = []
    for product in PRODUCTS:
        image = product.get("image")
        body = {**product, **({"image": base64.b64encode(image).decode()} if image else {})}
        answers.append(process.client.post("/predict", headers=auth, json=body).json())
    return answers


def test_the_server_is_there(triton: Any, process: Process, auth: dict[str, str]) -> None:
    assert triton.is_server_live()
    assert triton.is_server_ready()
    assert triton.is_model_ready(MODEL_NAME)
    assert not triton.is_model_ready("another")
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    metadata = triton.get_model_metadata(MODEL_NAME, headers=auth)
    [version] = metadata["versions"]
    assert version == process.client.get("/model", headers=auth).json()["model"]
    assert triton.is_model_ready(MODEL_NAME, version)
    assert not triton.is_model_ready(MODEL_NAME, "another")


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("binary_out", [False, True])
@pytest.mark.parametrize("binary_in", [False, True])
def test_answers_are_those_of_predict(
    triton: Any,
    process: Process,
    auth: dict[str, str],
    binary_in: bool,
    binary_out: bool,
    column: bool,
) -> None:
    expected = predicted(process, auth)
    codes = process.client.get("/model", headers=auth).json()["codes"]
    result = triton.infer(
        MODEL_NAME,
        inputs(PRODUCTS, binary=binary_in, column=column),
        outputs=[InferRequestedOutput(name, binary_data=binary_out) for name in OUTPUTS],
        request_id="42",
        headers=dict(auth),
    )
    assert result.get_response()["id"] == "42"
    assert result.get_response()["model_version"] == expected[0]["model"]
    assert result.as_numpy("code").dtype == np.int64
    for name, field in (("code", "predicted"), ("confidence",) * 2, ("accepted",) * 2):
        assert result.as_numpy(name).tolist() == [answer[field] for answer in expected]
    for name in ("label", "id", "evidence", "image_error"):
        found = [v.decode() if isinstance(v, bytes) else v for v in result.as_numpy(name)]
        assert found == [answer[name] or "" for answer in expected]
    assert result.as_numpy("image_error")[3]
    for row, answer in zip(result.as_numpy("probabilities"), expected, strict=True):
        named = {entry["prediction"]: entry["confidence"] for entry in answer["predictions"]}
        assert dict(zip(codes, row.tolist(), strict=True)) == named


def test_what_the_client_leaves_out_is_left_to_the_service(
    triton: Any, auth: dict[str, str]
) -> None:
    """Without outputs the client asks for all in binary."""
    [designation, *_] = inputs([{"designation": "livre"}], binary=True)
    result = triton.infer(
        MODEL_NAME, [designation], headers=dict(auth), parameters={"probabilities": True}
    )
    assert result.as_numpy("code").tolist() == [10]
    assert result.as_numpy("probabilities").shape == (1, 3)
    assert result.as_numpy("evidence") is None
    assert "id" not in result.get_response()


def test_a_version_is_answered_by_that_version(triton: Any, auth: dict[str, str]) -> None:
    [version] = triton.get_model_metadata(MODEL_NAME, headers=auth)["versions"]
    given = inputs(PRODUCTS[:1], binary=True)
    assert triton.infer(MODEL_NAME, given, model_version=version, headers=dict(auth))
    with pytest.raises(InferenceServerException, match=r"\[404\].*no version 'x'"):
        triton.infer(MODEL_NAME, given, model_version="x", headers=dict(auth))


@pytest.mark.parametrize(
    ("products", "options", "message"),
    [
        ([{"designation": "livre"}, {}], {}, r"\[422\] Product \[1\]: A product needs"),
        ([{"designation": "livre"}] * 65, {}, r"\[413\] A batch has at most 64 products"),
        ([{"designation": "x" * 50_001}], {}, r"\[422\].*designation\[0\] has 50001 characters"),
        (
            [{"designation": "livre"}],
            {"outputs": [InferRequestedOutput("x")]},
            r"\[400\] There is no output 'x'",
        ),
        (
            [{"designation": "livre"}],
            {"request_compression_algorithm": "gzip"},
            r"\[415\] The body must not be compressed",
        ),
    ],
)
def test_the_client_tells_why_it_was_refused(
    triton: Any,
    auth: dict[str, str],
    products: list[dict[str, Any]],
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InferenceServerException, match=message):
        triton.infer(MODEL_NAME, inputs(products, binary=True), headers=dict(auth), **options)
    with pytest.raises(InferenceServerException, match=r"\[401\] A bearer token is needed"):
        triton.infer(MODEL_NAME, inputs(products, binary=True), **options)


def test_several_clients_at_once_get_each_their_own(process: Process, auth: dict[str, str]) -> None:
    words = {"livre": 10, "piscine": 2583, "jeu": 2905}

    def ask(word: str) -> int:
        with InferenceServerClient(f"127.0.0.1:{process.port}") as client:
            given = inputs([{"designation": word}], binary=True)
            result = client.infer(MODEL_NAME, given, request_id=word, headers=dict(auth))
            assert result.get_response()["id"] == word
            return int(result.as_numpy("code")[0])

    with ThreadPoolExecutor(4) as pool:
        asked = list(words) * 5
        assert list(pool.map(ask, asked)) == [words[word] for word in asked]
