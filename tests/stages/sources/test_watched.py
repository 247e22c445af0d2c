"""What DVC notices of a changed source, and what holds two clones to the same files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from stages.common.paths import IMAGES, RAW, TRAIN_CODES
from tests.support.loopback import (
    COMMIT,
    Loopback,
    assert_is_catalogue,
    catalogue_content,
    serve,
    write_catalogue,
)
from tests.support.repository import ENVIRONMENT, attempt, clone, git, run

pytestmark = pytest.mark.slow

CODES = b",prdtypecode\n0,10\n"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.publish(catalogue_content())
        yield loopback


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return clone(folder)


def take(repository: Path, *options: str) -> None:
    """Compose, run `ingest` and commit."""
    run(repository, "stages.commands", "pipeline", "params", *options)
    run(repository, "dvc", "repro", "ingest")
    git(repository, "commit", "--quiet", "--all", "--message", "taken")


def modified(repository: Path) -> set[str]:
    """What `dvc status` says has changed of the stage's dependencies."""
    told: dict[str, list[Any]] = json.loads(run(repository, "dvc", "status", "--json", "ingest"))
    changes = [change for each in told.values() for change in each if isinstance(change, dict)]
    return {path for change in changes for path in change.get("changed deps", {})}


def test_a_file_of_a_folder_that_changes_is_noticed(repository: Path) -> None:
    mine = repository.parent / "mine"
    content = write_catalogue(mine)
    take(repository, "data=folder", f"data.path={mine}")
    (mine / "notes.txt").write_text("mine", encoding="utf-8")
    assert not modified(repository)
    (mine / TRAIN_CODES).write_bytes(CODES)
    assert modified(repository) == {str(mine / TRAIN_CODES)}
    run(repository, "dvc", "repro", "ingest")
    assert_is_catalogue(repository / RAW, content | {TRAIN_CODES: CODES})


def test_a_file_at_an_address_that_changes_is_noticed_by_its_etag(
    repository: Path, server: Loopback
) -> None:
    address = f"{server.address}/data"
    take(repository, "data=url", f"data.path={address}")
    assert not modified(repository)
    content = catalogue_content() | {TRAIN_CODES: CODES}
    server.publish(content)
    assert modified(repository) == {f"{address}/{TRAIN_CODES}"}
    run(repository, "dvc", "repro", "ingest")
    assert not modified(repository)
    assert_is_catalogue(repository / RAW, content)


def test_a_file_in_a_bucket_that_changes_is_noticed_by_its_etag(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "s3-secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setitem(ENVIRONMENT, name, value)
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="codes")
        for name, data in catalogue_content().items():
            client.put_object(Bucket="codes", Key=f"data/{name}", Body=data)
        take(repository, "data=url", "data.path=s3://codes/data")
        assert not modified(repository)
        client.put_object(Bucket="codes", Key=f"data/{TRAIN_CODES}", Body=CODES)
        assert modified(repository) == {f"s3://codes/data/{TRAIN_CODES}"}
    finally:
        server.stop()


def test_without_an_etag_another_size_is_noticed_and_nothing_else(
    repository: Path, server: Loopback
) -> None:
    server.etags = False
    address = f"{server.address}/data"
    take(repository, "data=url", f"data.path={address}")
    server.publish({TRAIN_CODES: catalogue_content()[TRAIN_CODES].replace(b"2583", b"1281")})
    assert not modified(repository)
    server.publish({TRAIN_CODES: CODES})
    assert modified(repository) == {f"{address}/{TRAIN_CODES}"}


def test_while_a_server_is_away_nothing_is_removed_and_the_rest_runs(
    repository: Path, server: Loopback
) -> None:
    take(repository, "data=url", f"data.path={server.address}/data")
    away = f"{server.address}/elsewhere"
    run(repository, "stages.commands", "pipeline", "params", "data=url", f"data.path={away}")
    done = attempt(repository, "stages.commands", "pipeline", "repair-lock")
    assert done.returncode == 1
    assert f"{away}/X_train_update.csv does not exist" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert_is_catalogue(repository / RAW, catalogue_content())
    server.requests.clear()
    told = attempt(repository, "dvc", "repro", "--dry", "--downstream", "prepare").stdout
    assert "'prepare'" in told
    assert "'ingest'" not in told
    assert not server.requests


def test_a_dataset_of_the_hub_is_taken_at_one_commit_only(
    repository: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "HF_ENDPOINT", server.address)
    for revision in ("main", COMMIT):
        server.publish_repository(catalogue_content(), revision)
    conf = repository / "conf" / "data" / "huggingface.yaml"
    text = conf.read_text(encoding="utf-8")
    conf.write_text(
        text.replace(yaml.safe_load(text)["path"], "somebody/a-catalogue"), encoding="utf-8"
    )
    done = attempt(repository, "dvc", "exp", "run", "-S", "data=huggingface", "ingest")
    assert done.returncode != 0
    assert "data.revision = 'main': expected a commit" in done.stderr
    assert "make pin-source" in done.stderr
    assert not server.requests
    run(repository, "stages.commands", "pipeline", "pin-source")
    take(repository, "data=huggingface")
    lock = yaml.safe_load((repository / "dvc.lock").read_text(encoding="utf-8"))
    locked = lock["stages"]["ingest"]["params"]["params.yaml"]["data"]
    assert locked["revision"] == COMMIT
    assert len(locked["sha256"]) == 4

    other = repository.parent / "other"
    git(repository.parent, "clone", "--quiet", str(repository), str(other))
    server.publish_repository({IMAGES: b"PK" + catalogue_content()[IMAGES][2:] + b"?"}, COMMIT)
    done = attempt(other, "dvc", "repro", "ingest")
    assert done.returncode != 0
    assert f"expected hash {locked['sha256'][IMAGES]}" in done.stderr
