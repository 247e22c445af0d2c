"""A catalogue answered with Ray on two hosts, and on one, as one process answers it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from stages.evaluation.answers import FIELDS
from stages.pictures.archive import PictureArchive
from stages.sources.sample.listings import generate
from tests.integration.conftest import give_up
from tests.support import hosts, tiny
from tests.support.hosts import RAY, Host
from tests.support.repository import ROOT, called, run
from tests.support.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.exhaustive]

CHUNK = 64
PRODUCTS = 520
EARLY, LATE = "early", "late"
"""Addresses of pictures that a test may hold back: of a product in each shard, and in the last."""

ACTOR = "MapWorker(Map(ShardWorker))"
COMMAND = (str(RAY / "python"), "-m", "stages.commands", "batch", "predict-ray")
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}
S3 = "http://10.77.0.1:5000"
ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "AWS_ENDPOINT_URL": S3,
    "AWS_ACCESS_KEY_ID": "anyone",
    "AWS_SECRET_ACCESS_KEY": "anything",
    "AWS_DEFAULT_REGION": "us-east-1",
}
BRING = (
    "import fsspec, sys; fs = fsspec.filesystem('s3'); fs.mkdir('shop'); "
    "fs.put(*sys.argv[1:], recursive=True)"
)
FETCH = "import fsspec, sys; fsspec.filesystem('s3').get(*sys.argv[1:], recursive=True)"


@pytest.fixture(scope="module", autouse=True)
def ray_is_there() -> None:
    """Skip where Ray or namespaces are missing; fail where skipping is forbidden."""
    if not (RAY / "ray").is_file():
        give_up("not installed: Ray (make ray-venv installs it)")
    if why := hosts.refusal():
        give_up(why)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier, a catalogue that is bad in places, and what one process answered.

    The pictures of catalogue/images.zip lie in pictures/ as well, and the column `picture` names
    them. Those of EARLY and LATE are empty, and not in the archive.
    """
    folder = tmp_path_factory.mktemp("shop")
    tiny.build(folder)
    params = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    params["predict"]["chunk"] = CHUNK
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    raw = folder / "raw"
    raw.mkdir()
    generate(raw, products=135, unlabelled=PRODUCTS, seed=3)
    rows = pd.read_csv(raw / "X_test_update.csv", dtype=str, keep_default_na=False, index_col=0)
    rows.iloc[5, :2] = "", ""  # nothing that can be used, for its picture goes as well
    rows.iloc[7, :2] = 'dit "piscine"\r\nsur deux lignes, avec\nvirgules', "<p>livre</p>"
    catalogue, pictures = folder / "catalogue", folder / "pictures"
    catalogue.mkdir()
    pictures.mkdir()
    for name in (EARLY, LATE):
        (pictures / name).touch()
    with PictureArchive(raw / "images.zip") as given:
        entries = given.names(rows, "image_test")
        named = []
        with zipfile.ZipFile(catalogue / "images.zip", "w") as archive:
            for place, entry in enumerate(entries):
                if place == 5:
                    named.append("gone.jpg")
                elif place % CHUNK == 6:
                    named.append(LATE if place + CHUNK > len(rows) else EARLY)
                elif entry:
                    content = given.read(entry)
                    content = {9: b"no picture", 10: content[:300]}.get(place, content)
                    archive.writestr(entry, content)
                    (pictures / Path(entry).name).write_bytes(content)
                    named.append(Path(entry).name)
                else:
                    named.append("")
        assert entries[9]
        assert entries[10]
    rows.assign(picture=named).to_csv(catalogue / "new.csv")
    options = ("--pictures", "catalogue/images.zip", "--output", "local.csv", "catalogue/new.csv")
    told = run(folder, "stages.commands", "batch", "predict", *options, env=HERE)
    (folder / "local.txt").write_text(told, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def sessions() -> Iterator[Path]:
    """Where Ray keeps its sockets: their paths have at most 107 characters (unix(7))."""
    with TemporaryDirectory(prefix="ray-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def network(sessions: Path) -> Iterator[tuple[Host, Host]]:
    """Two hosts, and S3 on the first."""
    with hosts.two_hosts(ENVIRONMENT) as pair:
        address, port = S3.removeprefix("http://").split(":")
        moto = str(Path(sys.executable).with_name("moto_server"))
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        pair[0].start(moto, "-H", address, "-p", port, **quiet)
        listens = f"({address!r}, {port})"
        asked = f"import socket; socket.create_connection({listens}).close()"
        wait_until(lambda: pair[0].run(sys.executable, "-c", asked).returncode == 0)
        yield pair


@pytest.fixture
def pair(network: tuple[Host, Host], sessions: Path) -> tuple[Host, Host]:
    """Both with Ray and a processor each, whatever a test before did to them."""
    head, other = network
    for host in (head, other):
        if not host.processes("raylet/raylet"):
            host.serve_ray(head, 1, sessions)
    hosts.wait_for_processors(head, 2)
    return head, other


def start(host: Host, shop: Path, *words: str) -> subprocess.Popen[str]:
    return host.start(
        *COMMAND,
        *words,
        cwd=shop,
        env={"RAY_ADDRESS": f"10.77.0.1:{hosts.PORT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=5 * PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def come(process: subprocess.Popen[str], *conditions: Callable[[], Any]) -> None:
    """Wait for one after the other, each of which takes some processes to start; `process` says
    what came instead."""

    def holds(condition: Callable[[], Any]) -> bool:
        assert process.poll() is None, end(process)
        return bool(condition())

    for condition in conditions:
        try:
            wait_until(partial(holds, condition), times=3)
        except AssertionError:
            process.kill()
            print(end(process))
            raise


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def written(folder: Path) -> list[str]:
    """Names of the shards that the manifest has; none before there is one."""
    with suppress(FileNotFoundError):
        shards = manifest(folder)["shards"]
        return [each["rows_of"]["name"] for each in shards if each["written"]]
    return []


def as_csv(folder: Path) -> str:
    """The answers of a folder as one process writes them, in the order of the manifest."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(FIELDS)
    for name in written(folder):
        table.writerows(row.values() for row in pq.read_table(folder / name).to_pylist())
    return text.getvalue()


class Hold:
    """A picture for which whoever reads it waits: a pipe nobody writes into; then an empty file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pipe = path.with_name("pipe")
        self._empty = path.rename(path.with_name("empty"))
        os.mkfifo(self._pipe)
        os.link(self._pipe, path)

    def waits(self, host: Host) -> list[int]:
        """Ids of the workers of a host that wait (in wait_for_partner of Linux's fs/pipe.c)."""
        return [pid for pid in host.processes(ACTOR) if self._waits(pid)]

    def _waits(self, pid: int) -> bool:
        """Whether a thread of a process waits; one that ends meanwhile does not."""
        with suppress(FileNotFoundError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    if (thread / "wchan").read_text("ascii") == "wait_for_partner":
                        return True
        return False

    def let_go(self, *hosts: Host) -> None:
        """Whoever comes finds it empty; whoever waits is lost."""
        if self._pipe.exists():
            self._empty.replace(self._path)
            for pid in (pid for host in hosts for pid in self.waits(host)):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)
            self._pipe.unlink()


@pytest.fixture
def hold(shop: Path, pair: tuple[Host, Host], request: pytest.FixtureRequest) -> Iterator[Hold]:
    hold = Hold(shop / "pictures" / request.param)
    yield hold
    hold.let_go(*pair)


def words(output: Path | str) -> tuple[str, ...]:
    """The catalogue on this machine's disk, which both hosts share; pictures by address."""
    options = ("--pictures", "pictures/", "--output", str(output), "--shard", str(CHUNK))
    return (*options, "catalogue/new.csv")


def test_two_hosts_answer_from_s3_as_one_process_does(
    pair: tuple[Host, Host], shop: Path, tmp_path: Path
) -> None:
    head, _ = pair
    brought = head.run(str(RAY / "python"), "-c", BRING, f"{shop}/catalogue/", "shop/")
    assert brought.returncode == 0, brought.stderr
    process = start(
        *(head, shop, "--pictures", "s3://shop/*.zip", "--output", "s3://shop/answers"),
        *("--shard", str(CHUNK), "s3://shop/new.csv"),
    )
    done = end(process)
    assert done.returncode == 0, done.stderr
    answers = tmp_path / "answers"
    fetched = head.run(str(RAY / "python"), "-c", FETCH, "shop/answers/", f"{answers}/")
    assert fetched.returncode == 0, fetched.stderr
    assert as_csv(answers) == (shop / "local.csv").read_text("utf-8")
    told = manifest(answers)
    assert told["complete"]
    assert told["rows"] == told["answered"]["products"] == PRODUCTS
    locked = yaml.safe_load((shop / "dvc.lock").read_text("utf-8"))
    assert told["origin"]["classifier"] == locked["stages"]["export"]["outs"][0]["md5"]
    assert told["origin"]["code"]
    counted = (shop / "local.txt").read_text("utf-8").rpartition(":")[0]
    assert "2 of which cannot be read" in counted
    assert done.stdout == f"{counted}: s3://shop/answers\n"


@pytest.mark.parametrize("hold", [EARLY], indirect=True)
def test_a_lost_worker_and_a_lost_host_lose_nothing_and_answer_nothing_twice(
    pair: tuple[Host, Host], shop: Path, hold: Hold, tmp_path: Path
) -> None:
    head, other = pair
    output = tmp_path / "answers"
    process = start(head, shop, *words(output))
    begun = output / "manifest.json"
    come(process, begun.exists, lambda: other.processes(ACTOR), lambda: hold.waits(other))
    [worker] = hold.waits(other)
    os.kill(worker, 9)
    come(process, lambda: other.processes(ACTOR) not in ([], [worker]))
    other.die()
    assert not manifest(output)["complete"]
    hold.let_go(head)
    done = end(process)
    assert done.returncode == 0, done.stderr
    assert "lost with their workers" in done.stderr
    assert manifest(output)["complete"]
    assert as_csv(output) == (shop / "local.csv").read_text("utf-8")


@pytest.mark.parametrize("hold", [LATE], indirect=True)
def test_a_run_that_was_killed_goes_on_with_what_it_was_begun_with_alone(
    pair: tuple[Host, Host], shop: Path, hold: Hold, tmp_path: Path
) -> None:
    head, _ = pair
    output, mine = tmp_path / "answers", tmp_path / "mine"
    for name in ("models", "catalogue"):
        shutil.copytree(shop / name, mine / name)
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(shop / name, mine)
    (mine / "pictures").symlink_to(shop / "pictures")
    process = start(head, mine, *words(output))
    come(process, (output / "manifest.json").exists, lambda: written(output))
    process.kill()
    end(process)
    hold.let_go(*pair)
    begun = written(output)
    assert 0 < len(begun) < len(manifest(output)["shards"])
    before = {name: (output / name).stat().st_mtime_ns for name in begun}
    (output / ".part-00000-000003.parquet.0.partial").touch()

    tiny.relabel(mine, "Bücher")
    done = end(start(head, mine, *words(output)))
    assert done.returncode == 2
    assert f"OUTPUT=file://{output} has answers of another run: classifier was" in done.stderr
    shutil.copytree(shop / "models", mine / "models", dirs_exist_ok=True)
    shutil.copy(shop / "dvc.lock", mine)

    done = end(start(head, mine, *words(output)))
    assert done.returncode == 0, done.stderr
    assert {name: (output / name).stat().st_mtime_ns for name in begun} == before
    assert as_csv(output) == (shop / "local.csv").read_text("utf-8")
    assert {path.name for path in output.iterdir()} == {"manifest.json", *written(output)}

    (mine / "catalogue/new.csv").touch()
    done = end(start(head, mine, *words(output)))
    assert done.returncode == 2
    assert f"OUTPUT=file://{output} has answers of another run: catalogue was" in done.stderr


def test_a_bad_row_stops_before_anything_is_answered_in_the_words_of_one_process(
    pair: tuple[Host, Host], shop: Path, tmp_path: Path
) -> None:
    text = (shop / "catalogue/new.csv").read_text("utf-8")
    bad = tmp_path / "bad.csv"
    bad.write_text(text + "7,piscine,,8.0,9,\n", encoding="utf-8")
    options = ("--output", str(tmp_path / "answers"), "--shard", str(CHUNK), str(bad))
    done = end(start(pair[0], shop, *options))
    assert done.returncode == 2
    assert "productid 8.0: not a non-negative integer. 8.0 is a decimal" in done.stderr
    assert not (tmp_path / "answers").exists()


def here(shop: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command on this machine, with no cluster."""
    return called(shop, *COMMAND, *words, env=HERE | variables)


def test_without_a_cluster_it_works_where_nobody_can_reach_it(shop: Path, tmp_path: Path) -> None:
    rows = pd.read_csv(shop / "catalogue/new.csv", dtype=str, keep_default_na=False)
    rows = rows.rename(columns={"Unnamed: 0": "id"}).astype({"id": int, "imageid": int})
    tables = tmp_path / "tables"
    tables.mkdir()
    for number, part in enumerate((rows.iloc[:256], rows.iloc[256:])):
        part.to_parquet(tables / f"{number}.parquet", row_group_size=100)
    options = ("--pictures", "pictures/", "--shard", "128", str(tables))
    done = here(shop, *options)
    assert done.returncode == 0, done.stderr
    assert as_csv(tmp_path / "tables.predictions") == (shop / "local.csv").read_text("utf-8")


def test_it_is_refused_where_a_stranger_could_reach_it(shop: Path, tmp_path: Path) -> None:
    done = here(shop, "--output", "s3://shop/out", "catalogue/new.csv")
    assert done.returncode == 2
    assert "OUTPUT=s3://shop/out needs a network" in done.stderr
    assert "RAY_ADDRESS" in done.stderr
    done = here(shop, "--output", str(tmp_path / "out"), "catalogue/new.csv", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "Ray listens on all interfaces, and no network namespace can be made" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_classifier_that_is_not_locked_answers_nothing(shop: Path, tmp_path: Path) -> None:
    for name in ("models", "catalogue"):
        shutil.copytree(shop / name, tmp_path / name)
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(shop / name, tmp_path)
    labels = tmp_path / "models/classifier/labels.json"
    labels.write_text(labels.read_text("utf-8") + "\n", encoding="utf-8")
    done = here(tmp_path, "--output", "out", "catalogue/new.csv")
    assert done.returncode == 2
    assert "models/classifier has md5" in done.stderr
    assert "dvc checkout models/classifier" in done.stderr
    assert not (tmp_path / "out").exists()


WORKER = """
import sys
from dataclasses import asdict
from stages.commands.batch.distributed import workers
from stages.commands.batch.distributed.ray_setup import ray
from stages.commands.batch.distributed.shards import divide
ray.get = lambda files: files
task = workers.Task(64, 64, [], "", sys.argv[1])
shard, *_ = divide(sys.argv[2], 0, 64).shards
print(workers.ShardWorker(task, {"labels.json": b"{}"}, "locked.dir")(asdict(shard))["error"])
"""


def test_a_worker_answers_nothing_with_another_classifier(shop: Path, tmp_path: Path) -> None:
    done = called(shop, COMMAND[0], "-c", WORKER, tmp_path / "out", "catalogue/new.csv", env=HERE)
    assert "a worker got the classifier " in done.stdout, done.stderr
    assert "; locked.dir is locked" in done.stdout
    assert not (tmp_path / "out").exists()
