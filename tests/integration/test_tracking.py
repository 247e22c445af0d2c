"""Results on record in a real MLflow server that asks who one is, goes away and comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.classifier import manifest
from tests.support.forked import Forked
from tests.support.process import free_port
from tests.support.repository import ENVIRONMENT, git, run
from tests.support.servers import PASSWORD, QUIET, USER, Server
from tests.support.tracked import relock
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def variables(server: Server, experiment: str, **more: str) -> dict[str, str]:
    """The environment of a person with an account."""
    plain = {name: value for name, value in ENVIRONMENT.items() if name not in ("CI", "PYTHONPATH")}
    return {
        **plain,
        **QUIET,
        "MLFLOW_TRACKING_URI": server.address,
        "MLFLOW_TRACKING_USERNAME": USER,
        "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "MLFLOW_EXPERIMENT_NAME": experiment,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        **more,
    }


def start(repository: Path, given: dict[str, str]) -> Forked:
    return Forked("stages.commands", "registry", "publish", folder=repository, given=given)


def publish(repository: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return start(repository, given).wait(PATIENCE)


class Api:
    """What is on the server, asked over HTTP and not through the code under test."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(
            base_url=f"{server.address}/api/2.0/mlflow/", auth=(USER, PASSWORD), timeout=PATIENCE
        )

    def runs(self, experiment: str) -> list[dict[str, Any]]:
        """Its runs, newest first."""
        found = self.client.get("experiments/get-by-name", params={"experiment_name": experiment})
        if found.status_code == 404:
            return []
        wanted = {"experiment_ids": [found.json()["experiment"]["experiment_id"]]}
        answer = self.client.post("runs/search", json=wanted)
        assert answer.status_code == 200, answer.text
        return list(answer.json().get("runs", []))

    def artifacts(self, run: dict[str, Any], path: str = "") -> set[str]:
        """Paths below `path`."""
        asked = {"run_id": run["info"]["run_id"], **({"path": path} if path else {})}
        answer = self.client.get("artifacts/list", params=asked).json()
        return {file["path"] for file in answer.get("files", [])}

    def versions(self) -> list[dict[str, Any]]:
        """Those of the classifier."""
        asked = {"filter": "name='product-classifier'"}
        answer = self.client.get("model-versions/search", params=asked)
        return list(answer.json().get("model_versions", []))


@pytest.fixture
def api(mlflow_at: Server) -> Iterator[Api]:
    api = Api(mlflow_at)
    yield api
    api.client.close()


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def waiting(repository: Path) -> list[str]:
    queue = repository / "tracking" / "queue"
    return sorted(path.name for path in queue.glob("*")) if queue.is_dir() else []


def change(repository: Path, value: str = "0.125") -> None:
    """Another result: other metrics, and a lock that says so."""
    path = repository / "metrics" / "data.json"
    path.write_text(path.read_text().replace("{", f'{{"changed": {value},', 1))
    relock(repository)


def test_a_result_is_on_record_once_with_all_that_belongs_to_it(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    given = variables(mlflow_at, "whole", RUN_STARTED_BY="schedule")
    notes = result / "tracking" / "seconds" / "workspace"
    notes.mkdir(parents=True)
    (notes / "export.json").write_text("1.25")
    done = publish(result, given)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(result / "tracking")  # another machine, which does not know what is sent
    assert publish(result, given).returncode == 0
    (run,) = api.runs("whole")
    assert run["info"]["status"] == "FINISHED"
    told = tags(run)
    assert told["mlflow.source.git.commit"] == git(result, "rev-parse", "HEAD").strip()
    assert told["model_type"] == "EFFICIENTNET+NGRAMS"
    assert (told["started_by"], told["mlflow.user"]) == ("schedule", "Alice Martin")
    assert len(told["dvc_lock"]) == 64
    assert told["model"].endswith(".dir")
    assert told["mlflow.note.content"].startswith("# Model card")
    metrics = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
    assert metrics["seconds.export"] == 1.25
    assert {"weighted_f1", "coverage_at.95", "data.labelled"} <= metrics.keys()
    assert any(name.startswith("curves/train_image/eval/") for name in metrics)
    params = {param["key"]: param["value"] for param in run["data"]["params"]}
    assert params["text.model"] == "ngrams"
    assert {"dvc.lock", "params.yaml", "metrics", "pictures"} <= api.artifacts(run)
    assert {"pictures/confusion.png", "pictures/reliability.png"} <= api.artifacts(run, "pictures")
    curve = {"run_id": run["info"]["run_id"], "metric_key": "curves/train_image/eval/loss"}
    points = api.client.get("metrics/get-history", params=curve).json()["metrics"]
    assert len({point.get("step", 0) for point in points}) == len(points) > 1


def test_what_cannot_be_sent_waits_and_is_sent_later(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    given = variables(mlflow_at, "later")
    for wrong, said in (
        ({"MLFLOW_TRACKING_PASSWORD": "wrong"}, "refuses the user or the password"),
        ({"MLFLOW_TRACKING_USERNAME": "", "MLFLOW_TRACKING_PASSWORD": ""}, "refuses the user"),
        ({"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"}, "cannot be reached"),
    ):
        done = publish(result, {**given, **wrong})
        assert done.returncode == 1
        assert said in done.stderr
        assert PASSWORD not in done.stderr
        assert "Traceback" not in done.stderr
        assert len(waiting(result)) == 1
    change(result)  # the workspace has gone on; the earlier result is still to be sent
    done = publish(result, given)
    assert done.returncode == 0, done.stderr
    assert len(api.runs("later")) == 2
    assert not waiting(result)


def test_a_server_that_goes_away_in_the_middle_has_each_result_once_in_the_end(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    given = variables(mlflow_at, "away")
    publishing = start(result, given)
    wait_for(lambda: api.runs("away"), publishing)
    mlflow_at.stop()
    done = publishing.wait(PATIENCE)
    assert done.returncode == 1, done.stderr
    assert len(waiting(result)) == 1
    mlflow_at.start("/health")
    assert [run["info"]["status"] for run in api.runs("away")] == ["RUNNING"]
    done = publish(result, given)
    assert done.returncode == 0, done.stderr
    assert [run["info"]["status"] for run in api.runs("away")] == ["FINISHED"]
    assert len({version["version"] for version in api.versions()}) == len(api.versions())


def test_killed_in_the_middle_loses_nothing_and_sends_nothing_twice(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    given = variables(mlflow_at, "killed")
    publishing = start(result, given)
    wait_for(lambda: api.runs("killed"), publishing)
    publishing.process.kill()
    assert publishing.wait(PATIENCE).returncode == -signal.SIGKILL
    assert len(waiting(result)) == 1
    done = publish(result, given)
    assert done.returncode == 0, done.stderr
    (run,) = api.runs("killed")
    assert run["info"]["status"] == "FINISHED"
    assert not waiting(result)


def wait_for(condition: Any, publishing: Forked) -> None:
    def came() -> bool:
        assert publishing.process.is_alive(), "it ended before"
        return bool(condition())

    wait_until(came)


def test_an_experiment_is_on_record_by_the_name_that_dvc_gave_it(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    given = variables(mlflow_at, "sweep")
    assert publish(result, given).returncode == 0
    head = git(result, "rev-parse", "HEAD").strip()
    change(result)
    git(result, "commit", "--quiet", "--all", "--message", "experiment")
    git(result, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/ochre-ices", "HEAD")
    git(result, "reset", "--quiet", "--hard", head)
    assert publish(result, given).returncode == 0
    names = [run["info"]["run_name"] for run in api.runs("sweep")]
    assert sorted(names)[0] == "ochre-ices"
    assert len(names) == 2


def test_a_workspace_of_parts_of_two_runs_is_not_recorded(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    (result / "metrics" / "evaluation.json").write_text("{}")
    done = publish(result, variables(mlflow_at, "parts"))
    assert done.returncode == 3
    assert "metrics/evaluation.json is not what dvc.lock says" in done.stderr
    assert not api.runs("parts")


def test_credentials_in_the_address_of_the_source_are_not_recorded(
    result: Path, mlflow_at: Server, api: Api
) -> None:
    params = (result / "params.yaml").read_text()
    secret = "https://alice:s3cr3t@example.org/rakuten?signature=s1gn3d"
    (result / "params.yaml").write_text(params.replace("data:\n", f"data:\n  path: {secret}\n", 1))
    assert publish(result, variables(mlflow_at, "secret")).returncode == 0
    (run,) = api.runs("secret")
    shown = str(run)
    assert "s3cr3t" not in shown
    assert "s1gn3d" not in shown
    assert "https://example.org/rakuten" in shown


def test_without_a_server_the_record_is_a_file_here(result: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    run(result, "stages.commands", "registry", "publish", env={**plain, **QUIET})
    assert (result / "tracking" / "mlflow.db").is_file()
    assert not git(result, "status", "--porcelain")


def test_what_is_not_as_registered_is_not_served(result: Path, mlflow_at: Server, api: Api) -> None:
    given = variables(mlflow_at, "registered")
    about = {"parameters": {"text": {"model": "another"}}, "libraries": {}}
    manifest.write(result / "models" / "classifier", about)  # one that no other test registers
    relock(result)
    assert publish(result, given).returncode == 0
    (run,) = api.runs("registered")
    (version,) = (each for each in api.versions() if each["run_id"] == run["info"]["run_id"])
    asked = {"name": "product-classifier", "alias": "challenger"}
    named = api.client.get("registered-models/alias", params=asked).json()["model_version"]
    assert named["version"] == version["version"]
    stored = mlflow_at.folder / "artifacts" / run["info"]["experiment_id"] / run["info"]["run_id"]
    (labels,) = stored.rglob("artifacts/classifier/labels.json")
    labels.write_text("{}")
    for address, said, code in (
        (f"models:/product-classifier/{version['version']}", "its registration says", 1),
        ("models:/product-classifier@nobody", "is not registered", 7),
        ("models:/another@champion", "expected models:/product-classifier@champion", 2),
    ):
        served = Forked(
            *("stages.commands", "registry", "serve-version", address), folder=result, given=given
        )
        done = served.wait(PATIENCE)
        assert done.returncode == code
        assert said in done.stderr
    assert not list((result / "tracking" / "models").glob("*"))
