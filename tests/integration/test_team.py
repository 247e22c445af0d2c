"""The way of docs/team.md, as it is written there: from one machine to another, and back."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import tiny
from tests.support.process import free_port
from tests.support.repository import ENVIRONMENT, ROOT, clone, git
from tests.support.servers import PASSWORD, QUIET, USER, Server, Store
from tests.support.service import PASSWORD as SERVICE_PASSWORD
from tests.support.service import SECRET
from tests.support.service import USER as SERVICE_USER
from tests.support.waiting import PATIENCE, wait_answered

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PAGE = (ROOT / "docs" / "team.md").read_text("utf-8")
SMALL = {
    "conf/data/sample.yaml": {
        "products: 2800": "products: 400",
        "unlabelled: 320": "unlabelled: 40",
    },
    "conf/config.yaml": {"epochs: 40": "epochs: 1"},
    "conf/text/ngrams.yaml": {"folds: 5": "folds: 2"},
    "conf/image/cnn.yaml": {"size: 64": "size: 32"},
}
"""A small pipeline for the way: what is set, and what is set instead."""

CLASSIFIER = "models:/product-classifier@champion"


def script(heading: str) -> str:
    """The shell block below a heading of the page."""
    section = PAGE.partition(f"\n### {heading}\n")[2]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.S | re.M)
    assert block, heading
    return block[1]


def shell(text: str, folder: Path, given: dict[str, str]) -> subprocess.Popen[str]:
    """Run a block as a person would type it, with the packages that are installed here."""
    installed = Path(sys.prefix)
    options = f"-o {installed}/installed VENV={installed} SERVING={installed}"
    typed = f'make() {{ command make {options} "$@"; }}\n{text}'
    return subprocess.Popen(  # noqa: S603
        ["bash", "-e", "-o", "pipefail", "-c", typed],  # noqa: S607
        cwd=folder,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def typed(heading: str, folder: Path, given: dict[str, str]) -> str:
    """What a block prints; it must succeed."""
    process = shell(script(heading), folder, given)
    told = process.communicate()[0]
    assert process.returncode == 0, told[-4000:]
    return told


@contextmanager
def answering(process: subprocess.Popen[str], address: str) -> Iterator[None]:
    """Once `address` is answered; its processes are ended in the end."""
    try:
        wait_answered(process, address)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.communicate()


@pytest.fixture
def variables(mlflow_at: Server, store_at: Store, tmp_path: Path) -> dict[str, str]:
    plain = {name: value for name, value in ENVIRONMENT.items() if name != "CI"}
    return {
        **plain,
        **QUIET,
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_TRACKING_URI": mlflow_at.address,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "MLFLOW_EXPERIMENT_NAME": "team",
        **store_at.variables,
        "GIT_AUTHOR_NAME": "Alice",
        "GIT_COMMITTER_NAME": "Alice",
        "EMAIL": "alice@localhost",
        "SECRET_KEY": SECRET,
        "TEST_USER": SERVICE_USER,
        "TEST_USER_PASSWORD": SERVICE_PASSWORD,
        "SERVING_PORT": str(free_port()),
        "USERS_DATABASE": str(tmp_path / "users.sqlite3"),
    }


def ask_service(address: str, product: dict[str, str]) -> dict[str, Any]:
    form = {"username": SERVICE_USER, "password": SERVICE_PASSWORD}
    token = httpx.post(f"{address}/token", data=form, timeout=PATIENCE).json()["access_token"]
    answer = httpx.post(
        f"{address}/predict",
        data={"designation": product["designation"], "description": product["description"]},
        files={"image": base64.b64decode(product["image"])},
        headers={"Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_way_of_the_page(tmp_path: Path, variables: dict[str, str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    clone(first)
    for path, swaps in SMALL.items():
        text = (first / path).read_text("utf-8")
        for old, new in swaps.items():
            assert old in text
            text = text.replace(old, new)
        (first / path).write_text(text, encoding="utf-8")
    params = [sys.executable, "-m", "stages.commands.params"]
    subprocess.run(params, cwd=first, env=variables, check=True)  # noqa: S603
    git(first, "commit", "--quiet", "--all", "--message", "small")

    told = typed("Run, record, push", first, variables)
    assert "registered: product-classifier version" in told
    assert "is the champion; before: " in told
    told = typed("A worse classifier", first, variables)
    assert "**worse**" in told
    assert told.count("is not promoted") == 1
    assert "is the champion again" in told

    git(tmp_path, "clone", "--quiet", str(first), str(second))
    address = f"http://127.0.0.1:{variables['SERVING_PORT']}"
    product = {
        "designation": "Piscine gonflable ronde",
        "description": "Avec pompe",
        "image": base64.b64encode(tiny.picture("blue")).decode(),
    }
    with answering(shell(script("Pull and serve"), second, variables), f"{address}/health/ready"):
        answer = ask_service(address, product)
    assert not (second / "data" / "raw").exists()
    with answering(
        shell(script("Serve from the registry"), first, variables), f"{address}/health/ready"
    ):
        assert ask_service(address, product)["model"] == answer["model"]

    port = free_port()
    command = (
        f"mlflow models serve -m {CLASSIFIER} --env-manager local --host 127.0.0.1 --port {port}"
    )
    with answering(shell(command, first, variables), f"http://127.0.0.1:{port}/ping"):
        scored = httpx.post(
            f"http://127.0.0.1:{port}/invocations",
            json={"dataframe_records": [product]},
            timeout=PATIENCE,
        ).json()["predictions"]
    code = (
        "import base64, json, sys, mlflow, pandas; "
        f"model = mlflow.pyfunc.load_model({CLASSIFIER!r}); "
        "rows = pandas.DataFrame([json.loads(sys.argv[1])]); "
        "rows['image'] = [base64.b64decode(rows['image'][0])]; "
        "print(model.predict(rows).to_json(orient='records'))"
    )
    loaded = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code, json.dumps(product)],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for other in (scored, json.loads(loaded.splitlines()[-1])):
        assert other[0]["predicted"] == answer["predicted"]
        assert other[0]["accepted"] == answer["accepted"]
        assert other[0]["confidence"] == pytest.approx(answer["confidence"], abs=1e-6)
