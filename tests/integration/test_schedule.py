"""The schedule at work: Airflow runs the small pipeline, judges it, and has a service reload it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.access.users.store import Users
from stages.commands.results import dvc_lock
from stages.commands.schedule import servers
from tests.integration.conftest import give_up
from tests.support.process import VARIABLES, Process, free_port
from tests.support.repository import ENVIRONMENT, PIPELINE, ROOT, called, clone, git
from tests.support.servers import QUIET, Store
from tests.support.service import PASSWORD
from tests.support.waiting import PATIENCE, wait_answered, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow]

AIRFLOW = ROOT / ".venv-airflow" / "bin"
OPERATOR = "operator"
CHAMPION = "models:/product-classifier@champion"

BEFORE = ("corrections",)
"""The task before the stages."""

AFTER = ("push", "record", "gate", "promote", "reload")
"""The tasks after the stages."""

SMALL = {
    "conf/data/sample.yaml": {
        "products: 2800": "products: 400",
        "unlabelled: 320": "unlabelled: 40",
    },
    "conf/config.yaml": {
        "- image: efficientnet": "- image: none",
        # A classifier with more n-grams is larger and slower, and all are calibrated on few.
        "calibration_error: 0.02": "calibration_error: 0.9",
        "size: 0.1 ": "size: 99.0 ",
        "seconds: 0.5 ": "seconds: 99.0 ",
    },
    "conf/text/ngrams.yaml": {"folds: 5": "folds: 2", "least: 2 ": "least: 100 "},
}
"""A small pipeline with hardly an n-gram: what is set, and what is set instead."""

DESCRIBED = (
    "import json, runpy; dag = runpy.run_path('conf/airflow/dags/product_classifier.py')['dag']; "
    "print(json.dumps({task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}))"
)
"""What Airflow would make of the file."""


@pytest.fixture(autouse=True, scope="session")
def airflow_is_there() -> None:
    """Skip where Airflow is not installed; fail where skipping is forbidden."""
    if not (AIRFLOW / "airflow").is_file():
        give_up("not installed: Airflow (make airflow-venv installs it)")


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
            # The DAG does not change: read once, not twice a minute.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "EMAIL": "alice@localhost",
        }
        self.home = home
        self.database = home / "airflow.db"

    def run(self, *command: str | Path, **given: str) -> subprocess.CompletedProcess[str]:
        """A command in the clone, whatever becomes of it."""
        return called(self.root, *command, env={**self.environment, **given})

    def set(self, changes: dict[str, dict[str, str]]) -> None:
        """Change what a person sets, and commit that."""
        for path, swaps in changes.items():
            text = (self.root / path).read_text("utf-8")
            for old, new in swaps.items():
                assert old in text
                text = text.replace(old, new)
            (self.root / path).write_text(text, encoding="utf-8")
        done = self.run(sys.executable, "-m", "stages.commands", "pipeline", "params")
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

    @contextmanager
    def servers(self) -> Iterator[httpx.Client]:
        """Airflow's servers as `make schedule` starts them; a client of their API.

        They are started as a service manager does: below no shell, by a user whose ~/.bashrc puts
        other programs first.
        """
        port = free_port()
        person = self.home / "person"
        person.mkdir()
        (person / ".bashrc").write_text("PATH=/usr/bin:/bin\n", encoding="utf-8")
        environment = {**self.environment, "HOME": str(person)}
        environment.pop("SHLVL", None)
        process = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "stages.commands", "schedule", "servers"),
                *(str(AIRFLOW / "airflow"), str(port)),
            ],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_answered(process, f"{address}/api/v2/monitor/health")
            user = json.loads(servers.password_file(self.home).read_text("utf-8"))
            form = dict(zip(("username", "password"), *user.items(), strict=True))
            with httpx.Client(base_url=address, timeout=PATIENCE) as client:
                token = client.post("/auth/token", json=form).json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        finally:
            process.terminate()
            said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said

    def scheduled_run(self) -> tuple[str, dict[str, str]]:
        """The run that Airflow's scheduler begins once it may: its state, those of its tasks."""
        dag = "/api/v2/dags/product_classifier"
        with self.servers() as client:
            assert client.patch(dag, json={"is_paused": False}).status_code == 200

            def runs() -> list[dict[str, Any]]:
                found = client.get(f"{dag}/dagRuns", params={"run_type": "scheduled"}).json()
                return list(found["dag_runs"])

            wait_until(
                lambda: any(run["state"] in ("success", "failed") for run in runs()),
                "the run came to no end",
                times=len(BEFORE) + len(PIPELINE) + len(AFTER),
                pause=1,
            )
            [run] = runs()
            tasks = client.get(f"{dag}/dagRuns/{run['dag_run_id']}/taskInstances").json()
        return run["state"], {task["task_id"]: task["state"] for task in tasks["task_instances"]}


@pytest.fixture
def scheduled(tmp_path: Path) -> Scheduled:
    return Scheduled(tmp_path)


def states(tasks: dict[str, str], *, of_stages: bool) -> dict[str, str]:
    """Those of stages, or those of all that comes before and after them."""
    found = {}
    for name, state in tasks.items():
        group, _, stage = name.rpartition(".")
        if bool(group) == of_stages:
            found[stage] = state
    return found


def after(words: str, *, before: str = "skipped") -> dict[str, str]:
    """The states of the tasks after the stages, in their order, and of that `before` them: few
    corrections, or none, are no reason to run."""
    return {**dict(zip(AFTER, words.split(), strict=True)), **dict.fromkeys(BEFORE, before)}


def test_the_tasks_are_the_stages_and_what_follows(scheduled: Scheduled) -> None:
    pipeline = scheduled.root / "dvc.yaml"
    new = "stages:\n  audit:\n    foreach: [fr, en]\n    do:\n      cmd: wc data/predictions/*\n"
    new += "      deps: [data/predictions]\n"
    pipeline.write_text(pipeline.read_text("utf-8").replace("stages:\n", new, 1), encoding="utf-8")
    tasks = scheduled.described()
    stages = states(dict.fromkeys(tasks, ""), of_stages=True)
    assert stages.keys() == {*PIPELINE, "fr", "en"}
    assert tasks["corrections"] == []
    assert tasks["stages.ingest"] == ["corrections"]
    assert tasks["stages.prepare"] == ["stages.ingest"]
    assert "stages.train_text" in tasks["stages.fuse"]
    assert tasks["stages.audit.fr"] == tasks["stages.audit.en"] == ["stages.predict"]
    assert set(tasks["push"]) == {name for name in tasks if name.startswith("stages.")}
    assert {name: tasks[name] for name in AFTER[1:]} == {
        "record": ["push"],
        "gate": ["record"],
        "promote": ["gate"],
        "reload": ["promote"],
    }
    pipeline.write_text("stages: {}\n", encoding="utf-8")
    done = scheduled.run(AIRFLOW / "python", "-c", DESCRIBED)
    assert done.returncode
    [*_, last] = done.stderr.splitlines()
    assert "PipelineError" in last
    assert "no stage is found" in last


@contextmanager
def champion_served(scheduled: Scheduled) -> Iterator[Process]:
    """The service as `make serve MODEL=…@champion` starts it in the clone."""
    users = Users(scheduled.root / "users.sqlite3")
    users.create()
    users.add(OPERATOR, "", ("reload",), PASSWORD)
    process = Process(
        scheduled.root,
        VARIABLES,
        *("registry", "serve-version", CHAMPION),
        module="stages.commands",
        quiet=True,
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


def name_remote(scheduled: Scheduled, store: Store) -> None:
    """As docs/team.md has it: `.env`, then `make remote`."""
    lines = [f"{name}={value}\n" for name, value in store.variables.items()]
    (scheduled.root / ".env").write_text("".join(lines), encoding="utf-8")
    done = scheduled.run(sys.executable, "-m", "stages.commands", "remote", "configure")
    assert done.returncode == 0, done.stderr


@pytest.mark.exhaustive
@pytest.mark.nightly
def test_from_nothing_to_a_served_answer_and_on(scheduled: Scheduled, store_at: Store) -> None:
    git(scheduled.root, "rm", "--quiet", "dvc.lock")
    scheduled.set(SMALL)
    assert scheduled.run(AIRFLOW / "airflow", "db", "migrate").returncode == 0

    # From nothing: every stage runs, and the first champion has nothing to be worse than.
    state, tasks, said = scheduled.test()
    assert state == "success", said[-5000:]
    assert states(tasks, of_stages=True) == dict.fromkeys(PIPELINE, "success")
    assert states(tasks, of_stages=False) == after("skipped success skipped success skipped")

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
        assert states(tasks, of_stages=False) == after("skipped success success success success")
        assert f"unchanged, {first}" in said

        # A better one, by the schedule itself: it is pushed, and takes the first one's place in the
        # registry and in the service.
        name_remote(scheduled, store_at)
        scheduled.environment |= service_variables
        scheduled.set({"conf/text/ngrams.yaml": {"least: 100 ": "least: 2 "}})
        state, tasks = scheduled.scheduled_run()
        assert states(tasks, of_stages=True)["ingest"] == "skipped"
        assert states(tasks, of_stages=True)["train_text"] == "success"
        assert states(tasks, of_stages=False) == after("success success success success success")
        assert state == "success"
        found = answer(service, headers)
        assert found["predicted"] == 2583
        second = found["model"]
        assert second != first
        locked = dvc_lock.outputs(dvc_lock.read(scheduled.root))[dvc_lock.CLASSIFIER].hash
        assert second == locked
        assert f"dvc/files/md5/{locked[:2]}/{locked[2:]}" in store_at.objects()

        # A worse one: the gate fails, nothing is promoted, and the service keeps what it has.
        scheduled.set({"conf/text/ngrams.yaml": {"least: 2 ": "least: 100 "}})
        state, tasks, said = scheduled.test()
        assert state == "failed", said[-5000:]
        failed = after("success success failed upstream_failed upstream_failed")
        assert states(tasks, of_stages=False) == failed
        assert "**worse**" in said
        assert answer(service, headers)["model"] == second
        assert service.stop() == 0
