"""Document and service agree: schemathesis sends what fits the schema, and what does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.access.users.store import SCOPES, Users
from tests.support.process import Process, running
from tests.support.repository import ROOT
from tests.support.service import PASSWORD, SECRET, USER

pytestmark = pytest.mark.slow

EXAMPLES = 50
"""Of each operation, beside those that cover its schema's keywords one by one."""


@pytest.fixture(scope="module")
def process(classifier_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("schema") / "root"
    shutil.copytree(classifier_root, folder)
    users = Users(folder / "users.sqlite3")
    users.create()
    users.add(USER, "", SCOPES, PASSWORD)
    unlimited = ("PREDICT", "TOKEN_ADDRESS", "TOKEN_ACCOUNT", "TOKEN_ACCOUNT_TOTAL")
    limits = {f"SERVING_{name}_LIMIT": "0" for name in unlimited}
    with running(folder, {"SECRET_KEY": SECRET, **limits}) as process:
        yield process


@pytest.fixture(scope="module")
def document(process: Process) -> dict[str, Any]:
    answer: dict[str, Any] = process.client.get("/schema").json()
    return answer


def test_the_service_is_as_its_document_says(
    process: Process, document: dict[str, Any], tmp_path: Path
) -> None:
    """All of schemathesis' checks: what fits is accepted, what does not is refused, without a token
    too, and every answer is documented by status, type, fields and schema."""
    address = str(process.client.base_url)
    run = subprocess.run(  # noqa: S603
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/schema/openapi.json"),
            *("--url", address, "--header", f"Authorization: {process.log_in()['Authorization']}"),
            *("--checks", "all", "--mode", "all", "--max-examples", str(EXAMPLES)),
            *("--seed", "1", "--generation-deterministic", "--no-color"),
        ],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.support.schema_hooks",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations}" in run.stdout
