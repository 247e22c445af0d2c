"""The remote on a real S3 server that checks keys, fails, and loses or damages objects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.commands.results import dvc_lock
from tests.support import tracked
from tests.support.process import free_port
from tests.support.repository import ENVIRONMENT, attempt, git
from tests.support.servers import BUCKET, Store
from tests.support.waiting import PATIENCE
from tests.support.way import Way, way_to

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PLAIN = {
    name: value
    for name, value in ENVIRONMENT.items()
    if not name.startswith(("AWS_", "REMOTE_", "DAGSHUB_"))
}


def call(
    repository: Path, *command: str, given: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return attempt(repository, *command, env={**PLAIN, **(given or {})})


def write_env(repository: Path, variables: dict[str, str]) -> None:
    lines = [f"{name}={value}\n" for name, value in variables.items()]
    (repository / ".env").write_text("".join(lines), encoding="utf-8")


def configure(repository: Path, variables: dict[str, str]) -> None:
    write_env(repository, variables)
    done = call(repository, *("stages.commands", "remote", "configure"))
    assert done.returncode == 0, done.stderr


@pytest.fixture
def way(store_at: Store) -> Iterator[Way]:
    with way_to(store_at.server.address) as way:
        yield way


@pytest.fixture
def variables(store_at: Store, tmp_path: Path) -> dict[str, str]:
    """A folder of its own in the bucket."""
    return {**store_at.variables, "REMOTE_URL": f"s3://{BUCKET}/{tmp_path.name}"}


@pytest.fixture(scope="module")
def first_push(store_at: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of the bucket into which DVC has pushed the classifier; not to be changed."""
    folder = tmp_path_factory.mktemp("pushed")
    repository = tracked.make(folder / "repository")
    tracked.fill_cache(repository)
    url = f"s3://{BUCKET}/{folder.name}"
    configure(repository, {**store_at.variables, "REMOTE_URL": url})
    done = call(repository, "dvc", "push", dvc_lock.CLASSIFIER)
    assert done.returncode == 0, done.stderr
    return folder.name


@pytest.fixture
def pushed(
    first_push: str, result: Path, variables: dict[str, str], store_at: Store
) -> dict[str, Path]:
    """Objects of the classifier, by the file's name, in the cache of `result` and in the bucket."""
    client = store_at.client()
    own = variables["REMOTE_URL"].rpartition("/")[2]
    for key in store_at.objects():
        folder, _, path = key.partition("/")
        if folder == first_push:
            client.copy_object(Bucket=BUCKET, Key=f"{own}/{path}", CopySource=f"{BUCKET}/{key}")
    return tracked.fill_cache(result)


@pytest.fixture
def other(result: Path, variables: dict[str, str], tmp_path: Path) -> Path:
    """A fresh clone on another machine, with its `.env`."""
    git(tmp_path, "clone", "--quiet", str(result), "other")
    configure(tmp_path / "other", variables)
    return tmp_path / "other"


def pull(repository: Path) -> subprocess.CompletedProcess[str]:
    return call(repository, *("stages.commands", "remote", "pull"))


def classifier(repository: Path) -> dict[str, bytes]:
    return dvc_lock.files_below(repository / dvc_lock.CLASSIFIER)


def test_what_is_pushed_is_pulled_elsewhere_and_nothing_but_the_classifier(
    pushed: dict[str, Path], other: Path, result: Path
) -> None:
    (config,) = (other / ".dvc").glob("config.local")
    assert config.stat().st_mode & 0o777 == 0o600
    for _ in range(2):
        done = pull(other)
        assert done.returncode == 0, done.stderr
        assert "as dvc.lock says" in done.stdout
    assert classifier(other) == classifier(result)
    cached = [path for path in (other / ".dvc/cache/files").rglob("*") if path.is_file()]
    assert len(cached) == len(pushed)
    assert not git(other, "status", "--porcelain")


def test_what_gto_names_is_got_by_its_name(
    pushed: dict[str, Path], other: Path, result: Path
) -> None:
    git(other, "config", "user.name", "Bob")
    git(other, "config", "user.email", "bob@localhost")
    done = call(other, "gto.cli", "register", "product-classifier", "--version", "v1.0.0")
    assert done.returncode == 0, done.stderr
    wanted = ("product-classifier", "--out", "got")
    done = call(other, "dvc", "artifacts", "get", str(other), *wanted)
    assert done.returncode == 0, done.stderr
    assert dvc_lock.files_below(other / "got") == classifier(result)


def test_without_a_remote_nothing_changes_and_nothing_nags(result: Path) -> None:
    before = (result / ".dvc" / "config").read_bytes()
    assert call(result, *("stages.commands", "remote", "configure")).returncode == 0
    assert (result / ".dvc" / "config").read_bytes() == before
    assert not (result / ".dvc" / "config.local").exists()
    assert call(result, "dvc", "config", "core.remote").stdout == ""
    assert (
        call(result, *("stages.commands", "remote", "pull")).returncode == 0
    )  # it is there: nobody is asked


def test_settings_of_other_remotes_are_kept(result: Path, variables: dict[str, str]) -> None:
    call(result, "dvc", "remote", "add", "--local", "shelf", "/media/shelf")
    configure(result, variables)
    listed = call(result, "dvc", "remote", "list").stdout
    assert "/media/shelf" in listed
    assert variables["REMOTE_URL"] in listed


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wr0ng-s3cr3t"}, "Forbidden"),
        ({"REMOTE_URL": "s3://nothing-here/dvc"}, "the bucket of REMOTE_URL"),
        ({"REMOTE_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, "Could not connect"),
    ],
)
def test_what_is_wrong_is_told_and_leaves_nothing(
    wrong: dict[str, str],
    said: str,
    pushed: dict[str, Path],
    other: Path,
    variables: dict[str, str],
) -> None:
    configure(other, {**variables, **wrong})
    done = call(other, *("stages.commands", "remote", "pull"), given={"AWS_MAX_ATTEMPTS": "1"})
    assert done.returncode == 1
    assert said in done.stderr
    assert "wr0ng-s3cr3t" not in done.stderr
    assert not classifier(other)
    configure(other, variables)
    assert pull(other).returncode == 0


def test_wrong_settings_are_refused_by_name(result: Path) -> None:
    for given, named in (
        ({"REMOTE_URL": "https://example.org"}, "REMOTE_URL"),
        ({"REMOTE_URL": "s3://b", "AWS_ACCESS_KEY_ID": "a"}, "AWS_SECRET_ACCESS_KEY"),
        ({"REMOTE_URL": "s3://b", "REMOTE_ENDPOINT_URL": "http://a:s3cr3t@b"}, "REMOTE_ENDPOINT"),
    ):
        write_env(result, given)
        done = call(result, *("stages.commands", "remote", "configure"))
        assert done.returncode == 2
        assert named in done.stderr
        assert "s3cr3t" not in done.stderr
    assert not (result / ".dvc" / "config.local").exists()


def test_a_push_that_was_killed_is_completed_by_the_next(
    result: Path, other: Path, variables: dict[str, str], store_at: Store, way: Way
) -> None:
    objects = tracked.fill_cache(result)
    configure(result, {**variables, "REMOTE_ENDPOINT_URL": way.address})
    way.puts = 2
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "dvc", "push", dvc_lock.CLASSIFIER],
        cwd=result,
        env=PLAIN,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    held = way.held.wait(PATIENCE)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    assert held
    folder = variables["REMOTE_URL"].rpartition("/")[2]
    there = [key for key in store_at.objects() if key.startswith(f"{folder}/")]
    assert len(there) < len(objects)
    assert pull(other).returncode == 1
    assert not classifier(other)
    configure(result, variables)
    done = call(result, "dvc", "push", dvc_lock.CLASSIFIER)
    assert done.returncode == 0, done.stderr
    assert pull(other).returncode == 0
    assert classifier(other) == classifier(result)


@pytest.mark.parametrize("damage", ["corrupted", "truncated", "removed"])
def test_a_damaged_object_is_named_and_never_kept(
    damage: str,
    pushed: dict[str, Path],
    other: Path,
    result: Path,
    variables: dict[str, str],
    store_at: Store,
) -> None:
    file = pushed["text.onnx"]
    content = file.read_bytes()
    folder = variables["REMOTE_URL"].rpartition("/")[2]
    key = f"{folder}/files/md5/{file.parent.name}/{file.name}"
    client = store_at.client()
    if damage == "removed":
        client.delete_object(Bucket=BUCKET, Key=key)
    else:
        bad = content[:-1] + b"?" if damage == "corrupted" else content[: len(content) // 2]
        client.put_object(Bucket=BUCKET, Key=key, Body=bad)
    done = pull(other)
    assert done.returncode == 1
    assert f"{file.parent.name}{file.name}" in done.stderr
    assert damage == "removed" or "text.onnx" in done.stderr
    assert not classifier(other)
    client.put_object(Bucket=BUCKET, Key=key, Body=content)
    assert pull(other).returncode == 0
    assert classifier(other) == classifier(result)


def test_a_server_that_fails_for_a_while_is_waited_for(
    pushed: dict[str, Path], other: Path, variables: dict[str, str], way: Way
) -> None:
    configure(other, {**variables, "REMOTE_ENDPOINT_URL": way.address})
    way.failures = 10**6
    done = call(other, *("stages.commands", "remote", "pull"), given={"AWS_MAX_ATTEMPTS": "1"})
    assert done.returncode == 1
    assert "500" in done.stderr
    assert not classifier(other)
    way.failures = 3
    done = pull(other)
    assert done.returncode == 0, done.stderr
