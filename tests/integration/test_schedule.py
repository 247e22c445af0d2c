"""The schedule at work: Airflow runs the small pipeline, judges it, and has a service reload it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serving.access.users import Users
from tests.support.process import VARIABLES, Process
from tests.support.repository import ENVIRONMENT, PIPELINE, ROOT, clone, git
from tests.support.servers import QUIET
from tests.support.service import PASSWORD

pytestmark = [pytest.mark.integration, pytest.mark.slow]

AIRFLOW = ROOT / ".venv-airflow" / "bin"
OPERATOR = "operator"
CHAMPION = "models:/product-classifier@champion"

SMALL = {
    "conf/data/sample.yaml": {
        "products: 2800": "products: 400",
        "unlabelled: 320": "unlabelled: 40",
    },
    "conf/config.yaml": {
        "epochs: 40": "epochs: 1",
        # A classifier with texts is larger and slower than one without, and calibrated on few.
        "calibration_error: 0.02": "calibration_error: 0.9",
        "size: 0.1 ": "size: 99.0 ",
        "seconds: 0.5 ": "seconds: 99.0 ",
    },
    "conf/text/ngrams.yaml": {"folds: 5": "folds: 2"},
    "conf/image/cnn.yaml": {"size: 64": "size: 32"},
}
"""A small pipeline: what is set, and what is set instead."""

DESCRIBED = (
    "import json, runpy; dag = runpy.run_path('conf/airflow/dags/product_classifier.py')['dag']; "
    "print(json.dumps({task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}))"
)
"""What Airflow would make of the file."""


@pytest.fixture(autouse=True, scope="session")
def airflow_is_there() -> None:
    """Skip where Airflow is not installed; fail where skipping is forbidden."""
    if (AIRFLOW / "airflow").is_file():
        return
    reason = "not installed: Airflow (make airflow-venv installs it)"
    if os.environ.get("INTEGRATION") == "required":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Scheduled:
    """A clone with the small pipeline, and an Airflow of its own that knows it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "clone"
        self.root.mkdir()
        clone(self.root)
        (self.root / ".venv").symlink_to(sys.prefix)
        home = folder / "airflow"
        foreign = ("MLFLOW", "AIRFLOW", "AWS_", "REMOTE_")
        self.environment = {
            **{name: v for name, v in ENVIRONMENT.items() if not name.startswith(foreign)},
            **QUIET,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.root / "conf" / "airflow" / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "EMAIL": "alice@localhost",
        }
        self.database = home / "airflow.db"

    def run(self, *command: str | Path, **given: str) -> subprocess.CompletedProcess[str]:
        """A command in the clone, whatever becomes of it."""
        return subprocess.run(  # noqa: S603
            [str(word) for word in command],
            cwd=self.root,
            env={**self.environment, **given},
            capture_output=True,
            text=True,
            check=False,
        )

    def set(self, changes: dict[str, dict[str, str]]) -> None:
        """Change what a person sets, and commit that."""
        for path, swaps in changes.items():
            text = (self.root / path).read_text("utf-8")
            for old, new in swaps.items():
                assert old in text
                text = text.replace(old, new)
            (self.root / path).write_text(text, encoding="utf-8")
        done = self.run(sys.executable, "-m", "stages.commands.params")
        assert done.returncode == 0, done.stderr
        git(self.root, "commit", "--quiet", "--all", "--message", "as set")

    def described(self) -> dict[str, list[str]]:
        """The tasks, each with those before it."""
        done = self.run(AIRFLOW / "python", "-c", DESCRIBED)
        assert done.returncode == 0, done.stderr
        found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
        return found

    def test(self, **given: str) -> tuple[str, dict[str, str], str]:
        """One run: its state, the states of its tasks, and what was said."""
        done = self.run(AIRFLOW / "airflow", "dags", "test", "product_classifier", **given)
        said = done.stdout + done.stderr
        with sqlite3.connect(self.database) as stored:
            (run, state) = stored.execute(
                "SELECT run_id, state FROM dag_run ORDER BY id DESC LIMIT 1"
            ).fetchone()
            tasks = dict(
                stored.execute("SELECT task_id, state FROM task_instance WHERE run_id = ?", (run,))
            )
        stored.close()
        return state, tasks, said


@pytest.fixture
def scheduled(tmp_path: Path) -> Scheduled:
    return Scheduled(tmp_path)


def states(tasks: dict[str, str], *, of_stages: bool) -> dict[str, str]:
    """Those of stages, or those of all that comes after them."""
    found = {}
    for name, state in tasks.items():
        group, _, stage = name.rpartition(".")
        if bool(group) == of_stages:
            found[stage] = state
    return found


def test_the_tasks_are_the_stages_and_what_follows(scheduled: Scheduled) -> None:
    tasks = scheduled.described()
    assert states(dict.fromkeys(tasks, ""), of_stages=True).keys() == PIPELINE.keys()
    assert tasks["stages.prepare"] == ["stages.ingest"]
    assert "stages.train_text" in tasks["stages.fuse"]
    assert set(tasks["push"]) == {name for name in tasks if name.startswith("stages.")}
    after = {name: tasks[name] for name in ("record", "gate", "promote", "reload")}
    assert after == {
        "record": ["push"],
        "gate": ["record"],
        "promote": ["gate"],
        "reload": ["promote"],
    }

    pipeline = scheduled.root / "dvc.yaml"
    text = pipeline.read_text("utf-8")
    new = "stages:\n  audit:\n    foreach: [fr, en]\n    do:\n      cmd: wc data/predictions/*\n"
    new += "      deps: [data/predictions]\n"
    pipeline.write_text(text.replace("stages:\n", new, 1), encoding="utf-8")
    more = scheduled.described()
    assert more["stages.audit.fr"] == more["stages.audit.en"] == ["stages.predict"]
    assert "stages.audit.fr" in more["push"]

    for content, said in (
        (
            text.replace(
                "      - data/raw\n      - serving/listing\n", "      - data/predictions\n", 1
            ),
            "as both a dependency and an output in stages",
        ),
        ("stages: {}\n", "no stage is found"),
    ):
        pipeline.write_text(content, encoding="utf-8")
        done = scheduled.run(AIRFLOW / "python", "-c", DESCRIBED)
        assert done.returncode
        assert "PipelineError" in done.stderr.splitlines()[-1]
        assert said in done.stderr.splitlines()[-1]


@contextmanager
def champion_served(scheduled: Scheduled) -> Iterator[Process]:
    """The service as `make serve MODEL=…@champion` starts it in the clone."""
    users = Users(scheduled.root / "users.sqlite3")
    users.create()
    users.add(OPERATOR, "", ("reload",), PASSWORD)
    process = Process(
        scheduled.root, VARIABLES, CHAMPION, module="stages.commands.registered", quiet=True
    )
    try:
        process.wait_ready()
        yield process
    finally:
        process.close()


def answer(process: Process, headers: dict[str, str]) -> dict[str, Any]:
    response = process.client.post(
        "/predict", headers=headers, json={"designation": "Piscine gonflable ronde"}
    )
    found: dict[str, Any] = response.json()
    return found


def test_from_nothing_to_a_served_answer_and_on(scheduled: Scheduled) -> None:
    git(scheduled.root, "rm", "--quiet", "dvc.lock")
    scheduled.set(
        {
            **SMALL,
            "conf/config.yaml": {**SMALL["conf/config.yaml"], "- text: ngrams": "- text: none"},
        }
    )
    assert scheduled.run(AIRFLOW / "airflow", "db", "migrate").returncode == 0

    # From nothing: every stage runs, and the first champion has nothing to be worse than.
    state, tasks, said = scheduled.test()
    assert state == "success", said[-5000:]
    assert states(tasks, of_stages=True) == dict.fromkeys(PIPELINE, "success")
    assert states(tasks, of_stages=False) == {
        "push": "skipped",
        "record": "success",
        "gate": "skipped",
        "promote": "success",
        "reload": "skipped",
    }

    with champion_served(scheduled) as service:
        headers = service.log_in()
        service_variables = {
            "SERVICE_URLS": str(service.client.base_url),
            "SERVICE_USER": OPERATOR,
            "SERVICE_PASSWORD": PASSWORD,
        }
        first = service.client.get("/model", headers=headers).json()["model"]

        # Nothing changed: every stage is skipped, and the service keeps what it has.
        state, tasks, said = scheduled.test(**service_variables)
        assert state == "success", said[-5000:]
        assert states(tasks, of_stages=True) == dict.fromkeys(PIPELINE, "skipped")
        assert states(tasks, of_stages=False) == {
            "push": "skipped",
            "record": "success",
            "gate": "success",
            "promote": "success",
            "reload": "success",
        }
        assert f"unchanged, {first}" in said

        # A better one takes its place in the registry and in the service.
        scheduled.set({"conf/config.yaml": {"- text: none": "- text: ngrams"}})
        state, tasks, said = scheduled.test(**service_variables)
        assert state == "success", said[-5000:]
        assert states(tasks, of_stages=True)["ingest"] == "skipped"
        assert states(tasks, of_stages=True)["train_text"] == "success"
        found = answer(service, headers)
        assert found["predicted"] == 2583
        second = found["model"]
        assert second != first
        assert f"loaded, {second}" in said

        # A worse one: the gate fails, nothing is promoted, and the service keeps what it has.
        scheduled.set({"conf/config.yaml": {"- text: ngrams": "- text: none"}})
        state, tasks, said = scheduled.test(**service_variables)
        assert state == "failed", said[-5000:]
        assert states(tasks, of_stages=False) == {
            "push": "skipped",
            "record": "success",
            "gate": "failed",
            "promote": "upstream_failed",
            "reload": "upstream_failed",
        }
        assert "**worse**" in said
        assert answer(service, headers)["model"] == second
        assert service.stop() == 0
