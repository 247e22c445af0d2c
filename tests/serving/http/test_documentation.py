"""Document and service agree: schemathesis sends what fits the schema, and what does not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.process import Process, running
from tests.support.service import ACCOUNT

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PUBLIC_GET = ("GET /", "GET /status", "GET /health/live", "GET /health/ready")
GET = (*PUBLIC_GET, "GET /verify-token", "GET /model", "GET /metrics")
POST = (
    *("POST /token", "POST /predict", "POST /predict_code", "POST /predict/batch"),
    "POST /explain",
)
BODILESS_POST = ("POST /model/reload",)
PUBLIC = {*PUBLIC_GET, "POST /token"}

CASES = [(label, GenerationMode.POSITIVE) for label in (*GET, *BODILESS_POST)]
CASES += [(label, mode) for label in POST for mode in GenerationMode]
"""What has no body cannot be sent wrongly."""


@pytest.fixture(scope="module")
def process(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("schema") / "root"
    shutil.copytree(classifier_root, folder)
    with running(folder, {**ACCOUNT, "SERVING_PREDICT_LIMIT": "0"}) as process:
        yield process


@pytest.fixture(scope="module")
def token(process: Process) -> dict[str, str]:
    return process.log_in()


@pytest.fixture(scope="module")
def operations(process: Process) -> dict[str, Any]:
    document = schemathesis.openapi.from_dict(process.client.get("/schema").json())
    found = [result.ok() for result in document.get_all_operations()]
    return {operation.label: operation for operation in found}


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    assert operations.keys() == {*GET, *POST, *BODILESS_POST}


@pytest.mark.parametrize("with_token", [True, False], ids=["token", "no token"])
@pytest.mark.parametrize(("label", "mode"), CASES)
def test_every_answer_is_documented(
    process: Process,
    token: dict[str, str],
    operations: dict[str, Any],
    label: str,
    mode: GenerationMode,
    with_token: bool,
) -> None:
    operation = operations[label]
    examples = 40 if operation.body and with_token else 5  # there is little to vary in the others

    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def agree(case: Any) -> None:
        response = case.call(
            base_url=str(process.client.base_url), headers=token if with_token else {}
        )
        case.validate_response(response, checks=CHECKS)
        if not with_token and label not in PUBLIC:
            assert response.status_code == 401

    agree()
