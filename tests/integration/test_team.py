"""The way of docs/team.md, as it is written there: from one machine to another, and back."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support import tiny
from tests.support.environments import linked
from tests.support.process import free_port
from tests.support.repository import ENVIRONMENT, ROOT, SMALL, called, clone, git, run
from tests.support.servers import PASSWORD, QUIET, USER, Server, Store
from tests.support.service import PASSWORD as SERVICE_PASSWORD
from tests.support.service import SECRET
from tests.support.service import USER as SERVICE_USER
from tests.support.waiting import PATIENCE, wait_answered

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.exhaustive]

PAGE = (ROOT / "docs" / "team.md").read_text("utf-8")
CLASSIFIER = "models:/product-classifier@champion"


def script(heading: str) -> str:
    """The shell block below a heading of the page."""
    section = PAGE.partition(f"\n### {heading}\n")[2]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.S | re.M)
    assert block, heading
    return block[1]


def shell(
    text: str, folder: Path, given: dict[str, str], variable: str = "VENV", place: str = sys.prefix
) -> subprocess.Popen[str]:
    """Run a block as a person would type it; the environment that the Makefile's `variable` names
    is made already, and is at `place`."""
    options = f"-o {place}/installed {variable}={place}"
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


@pytest.fixture
def without_training(tmp_path: Path) -> Path:
    """The environment of another machine: what requirements/pull.txt locks, and nothing else."""
    place = tmp_path / "environment"
    python = linked(ROOT / "requirements" / "pull.txt", place)
    code = "import importlib.util, sys; print([*map(importlib.util.find_spec, sys.argv[1:])])"
    absent = ("tensorflow", "keras", "sklearn", "pandas", "mlflow")
    found = called(tmp_path, python, "-c", code, *absent)
    assert found.stdout.strip() == str([None] * len(absent))
    return place


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


def make_small(repository: Path) -> None:
    """Set the options of SMALL for good, in no file that a stage depends on: after the groups, and
    in that of the text branch, which the worse classifier is without."""
    for option in SMALL[1::2]:
        key, _, value = option.partition("=")
        section, name = key.split(".")
        path = repository / "conf" / ("text/ngrams.yaml" if section == "text" else "config.yaml")
        config = yaml.safe_load(path.read_text("utf-8"))
        group = config if section == "text" else config.setdefault(section, {})
        group[name] = int(value)
        path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    run(repository, "stages.commands", "pipeline", "params")
    git(repository, "commit", "--quiet", "--all", "--message", "small")


def test_the_way_of_the_page(
    tmp_path: Path, variables: dict[str, str], small_run: Path, without_training: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    clone(first)
    make_small(first)
    # What ran in this session needs not run again; what differs in anything runs.
    shutil.copytree(small_run / ".dvc" / "cache", first / ".dvc" / "cache")

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
    serving = ("SERVING", str(without_training))
    elsewhere = {**variables, "PATH": os.defpath}
    pulling = shell(script("Pull and serve"), second, elsewhere, *serving)
    with answering(pulling, f"{address}/health/ready"):
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
    loaded = called(tmp_path, sys.executable, "-c", code, json.dumps(product), env=variables)
    assert loaded.returncode == 0, loaded.stderr
    for other in (scored, json.loads(loaded.stdout.splitlines()[-1])):
        assert other[0]["predicted"] == answer["predicted"]
        assert other[0]["accepted"] == answer["accepted"]
        assert other[0]["confidence"] == pytest.approx(answer["confidence"], abs=1e-6)
