"""Answer a catalogue on many machines: `make predict ENGINE=ray CATALOGUE=<address>`.

CATALOGUE is a table (CSV or Parquet), a folder of tables or a pattern with `*`, at any fsspec
address: s3://, gs://, https://, or a path. PICTURES is an archive, a pattern of archives called as
the tables, or a folder (it ends with /) with what the column `picture` names. OUTPUT (default:
<catalogue>.predictions) is the folder that gets Parquet shards with the columns of
data/predictions/predictions.csv, and a manifest. A run that was cut off goes on.

Ray runs on the cluster of RAY_ADDRESS, or else here, where nobody can reach it.

Exit status: 0 every product is answered, 1 catalogue, pictures, classifier or cluster cannot be
used, 2 no catalogue was named.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import fsspec.utils
from tqdm import tqdm

from stages.commands.batch.answer_rows import Outcome
from stages.commands.batch.distributed import cluster, storage, workers
from stages.commands.batch.distributed.manifest import NAME, Manifest, Origin, Written
from stages.commands.batch.distributed.pictures import ZIP
from stages.commands.batch.distributed.ray_setup import ray
from stages.commands.batch.distributed.shards import CSV, PARQUET, Shard
from stages.commands.results import dvc_lock
from stages.commands.results.git_content import git
from stages.commands.results.revision import ROOT, ResultError
from stages.common.output import StageError, fail
from stages.common.paths import CLASSIFIER
from stages.common.settings import load

_CHUNKS = 40
"""Chunks in a shard, if nothing else is said."""

_LOCAL = ("file", "local")


def locked_classifier() -> tuple[dict[str, bytes], str]:
    """The classifier's files by name, and their hash, which is that of dvc.lock.

    Raises StageError when it is another.
    """
    try:
        out = dvc_lock.outputs(dvc_lock.read(Path())).get(dvc_lock.CLASSIFIER)
    except ResultError as error:
        raise StageError(str(error)) from error
    if out is None:
        raise StageError(f"{dvc_lock.LOCK} locks no {CLASSIFIER}; run `make repro`")
    files = dvc_lock.files_below(CLASSIFIER)
    if (found := dvc_lock.content_hash(files)) != out.hash:
        raise StageError(
            f"{CLASSIFIER} has md5 {found}; {dvc_lock.LOCK} locks {out.hash}; put it back with "
            f"`dvc checkout {CLASSIFIER}`, or make it with `make repro`"
        )
    return files, out.hash


def parser() -> argparse.ArgumentParser:
    """What `make predict ENGINE=ray` passes on; what was not named is empty."""
    parser = argparse.ArgumentParser(prog="make predict ENGINE=ray", description=__doc__)
    parser.add_argument("--pictures", default="", metavar="ADDRESS")
    parser.add_argument("--output", default="", metavar="ADDRESS")
    parser.add_argument("--shard", default="", metavar="ROWS")
    parser.add_argument("catalogue")
    return parser


def origin(given: argparse.Namespace, locked: str) -> Origin:
    """What decides the answers. Raises StageError for what is not there or not of its kind."""
    chunk = load().predict.chunk
    rows = given.shard or str(_CHUNKS * chunk)
    if not rows.isdecimal() or int(rows) == 0 or int(rows) % chunk:
        raise StageError(
            f"SHARD={rows}: expected a multiple of predict.chunk ({chunk}): a product is then "
            "asked beside those beside which a run of one process asks it"
        )
    with storage.told(f"CATALOGUE={given.catalogue}"):
        tables = storage.files(given.catalogue, (CSV, PARQUET))
    if not tables:
        raise StageError(f"CATALOGUE={given.catalogue}: there is no table (*{CSV}, *{PARQUET})")
    folder = given.pictures if given.pictures.endswith("/") else ""
    with storage.told(f"PICTURES={given.pictures}"):
        archives = storage.files(given.pictures, (ZIP,)) if given.pictures and not folder else []
        folder = storage.whole(folder) + "/" if folder else ""
    if given.pictures and not folder and not archives:
        raise StageError(
            f"PICTURES={given.pictures}: expected archives (*{ZIP}), or a folder, which ends with /"
        )
    return Origin(locked, code_version(), tables, archives, folder, int(rows), chunk)


def code_version() -> str:
    """The last commit of the code that goes to the workers, and whether more than it is there."""
    commit = git(ROOT, "log", "-1", "--format=%H", "--", *cluster.CODE) or "unknown"
    return commit + ("-changed" if git(ROOT, "status", "--porcelain", "--", *cluster.CODE) else "")


def folder_of(given: argparse.Namespace) -> str:
    """The whole address of the folder that gets the answers. Raises StageError."""
    address = given.output
    if not address:
        address = given.catalogue.rstrip("/").removesuffix(CSV).removesuffix(PARQUET)
        address += ".predictions"
    if "*" in address:
        raise StageError(f"OUTPUT={address}: name a folder with OUTPUT=<address>")
    with storage.told(f"OUTPUT={address}"):
        address = storage.whole(address)
        foreign = [name for name in storage.sizes(address) if not name.endswith(storage.PARTIAL)]
    if foreign and NAME not in foreign:
        raise StageError(f"OUTPUT={address} has {foreign[0]}, and no {NAME}; name another folder")
    return address


def begin(output: str, of: Origin, task: workers.Task) -> Manifest:
    """The manifest of a new run, once every row is as it must be. Raises StageError."""
    tables = [{"name": file.address, "number": n} for n, file in enumerate(of.catalogue)]
    divided = [
        json.loads(row["result"])
        for row in cluster.done(tables, workers.divide, fn_kwargs={"task": task})
    ]
    found = [Shard(**shard) for table in divided for shard in table["shards"]]
    shards = sorted(found, key=lambda shard: shard.name)
    zeros = sorted({name for table in divided for name in table["zeros"]})
    total = sum(shard.rows for shard in shards)
    with _progress("check", total) as progress:
        items = [asdict(shard) for shard in shards]
        for row in cluster.done(items, workers.check, fn_kwargs={"task": task}):
            progress.update(json.loads(row["result"]))
    manifest = Manifest(output, of, shards, {}, zeros)
    manifest.save()
    return manifest


def answer(manifest: Manifest, task: workers.Task, files: dict[str, bytes]) -> None:
    """Answer the shards that are open. Raises StageError; what is answered then stays."""
    shards = manifest.open
    total = sum(shard.rows for shard in manifest.shards)
    actors = min(cluster.processors(), len(shards))
    task = replace(task, zeros=manifest.zeros)
    given = {"task": task, "files": ray.put(files), "locked": manifest.origin.classifier}
    with _progress("predict", total, manifest.outcome.products) as progress:
        try:
            for row in cluster.done(
                [asdict(shard) for shard in shards],
                workers.Answers,
                fn_constructor_kwargs=given,
                compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
                num_cpus=1,
                ray_remote_args_fn=cluster.never_again,
            ):
                written = json.loads(row["result"])
                outcome = Outcome(**written["outcome"])
                manifest.add(row["name"], Written(written["size"], outcome))
                progress.update(outcome.products)
        finally:
            manifest.save()
    storage.sweep(manifest.address)
    manifest.verify()


def _progress(title: str, total: int, initial: int = 0) -> tqdm[Any]:
    return tqdm(desc=title, total=total, initial=initial, unit="products", mininterval=1)


def main(arguments: Sequence[str]) -> Outcome:
    """Answer, and say what was answered."""
    given = parser().parse_args(arguments)
    if not given.catalogue:
        parser().error("CATALOGUE=<address> is missing")
    if not os.environ.get(cluster.ADDRESS) and not cluster.alone():
        _elsewhere(given, arguments)
    files, locked = locked_classifier()
    output = folder_of(given)
    of = origin(given, locked)
    task = workers.Task(of.rows_in_a_shard, of.rows_at_once, of.pictures, of.picture_folder, output)
    manifest = Manifest.read(output, of)
    if manifest is None or manifest.open:
        cluster.connect()
        try:
            manifest = manifest or begin(output, of, task)
            answer(manifest, task, files)
        finally:
            ray.shutdown()
    print(f"{manifest.outcome}: {output}")
    return manifest.outcome


def _elsewhere(given: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Do it in a network namespace, from which no other machine can be reached either."""
    named = {"CATALOGUE": given.catalogue, "PICTURES": given.pictures, "OUTPUT": given.output}
    for setting, address in named.items():
        if fsspec.utils.get_protocol(address) not in _LOCAL:
            raise StageError(
                f"{setting}={address} needs a network, and Ray, which listens on all interfaces, "
                f"is started on this machine without one; name a cluster in {cluster.ADDRESS}"
            )
    command = cluster.isolated(
        [sys.executable, "-m", "stages.commands.batch.predict_ray", *arguments]
    )
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (StageError, OSError) as error:
        fail("predict", error)
