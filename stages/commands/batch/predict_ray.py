"""Answer a catalogue on many machines: `make predict ENGINE=ray CATALOGUE=<address>`.

CATALOGUE is a table (CSV or Parquet), a folder of tables or a pattern with `*`, at any fsspec
address: s3://, gs://, https://, or a path. PICTURES is an archive, a pattern of archives called as
the tables, or a folder (it ends with /) with what the column `picture` names. OUTPUT (default:
<catalogue>.predictions) is the folder that gets Parquet shards with the columns of
data/predictions/predictions.csv, and a manifest. A run that was cut off goes on.

Ray runs on the cluster of RAY_ADDRESS, or else here, where nobody can reach it.

Exit code: 0 every product is answered, 2 catalogue, pictures, classifier or cluster cannot be used,
or no catalogue was named.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import fsspec.utils
import typer
from tqdm import tqdm

from stages.commands.batch.answer_rows import Outcome
from stages.commands.batch.distributed import cluster, storage, workers
from stages.commands.batch.distributed.manifest import NAME, Manifest, Origin, Written
from stages.commands.batch.distributed.pictures import ZIP
from stages.commands.batch.distributed.ray_setup import ray
from stages.commands.batch.distributed.shards import CSV, PARQUET, Shard
from stages.commands.repository import ResultError, git
from stages.commands.results import dvc_lock
from stages.common.output import StageError
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
    if (actual := dvc_lock.content_hash(files)) != out.hash:
        raise StageError(
            f"{CLASSIFIER} has md5 {actual}; {dvc_lock.LOCK} locks {out.hash}; put it back with "
            f"`dvc checkout {CLASSIFIER}`, or make it with `make repro`"
        )
    return files, out.hash


@dataclass(frozen=True)
class Request:
    """What is asked for: addresses, and the rows of a shard; "" or None where it is not named."""

    catalogue: str
    pictures: str
    output: str
    shard: int | None


def origin(request: Request, locked: str) -> Origin:
    """What decides the answers. Raises StageError for what is not there or not of its kind."""
    chunk = load().predict.chunk
    rows = _CHUNKS * chunk if request.shard is None else request.shard
    if rows <= 0 or rows % chunk:
        raise StageError(
            f"SHARD={rows}: expected a multiple of predict.chunk ({chunk}): a product is then "
            "asked beside those beside which a run of one process asks it"
        )
    with storage.storage_errors(f"CATALOGUE={request.catalogue}"):
        tables = storage.files(request.catalogue, (CSV, PARQUET))
    if not tables:
        raise StageError(f"CATALOGUE={request.catalogue}: there is no table (*{CSV}, *{PARQUET})")
    folder = request.pictures if request.pictures.endswith("/") else ""
    with storage.storage_errors(f"PICTURES={request.pictures}"):
        archives = (
            storage.files(request.pictures, (ZIP,)) if request.pictures and not folder else []
        )
        folder = storage.whole(folder) + "/" if folder else ""
    if request.pictures and not folder and not archives:
        raise StageError(
            f"PICTURES={request.pictures}: expected archives (*{ZIP}), or a folder, which "
            "ends with /"
        )
    return Origin(locked, code_version(), tables, archives, folder, rows, chunk)


def code_version() -> str:
    """The last commit of the code that goes to the workers, and whether more than it is there."""
    try:
        commit = git("log", "-1", "--format=%H", "--", *cluster.CODE).strip() or "unknown"
        return commit + ("-changed" if git("status", "--porcelain", "--", *cluster.CODE) else "")
    except ResultError:  # no repository of git
        return "unknown"


def output_folder(request: Request) -> str:
    """The whole address of the folder that gets the answers. Raises StageError."""
    address = request.output
    if not address:
        address = request.catalogue.rstrip("/").removesuffix(CSV).removesuffix(PARQUET)
        address += ".predictions"
    if "*" in address:
        raise StageError(f"OUTPUT={address}: name a folder with OUTPUT=<address>")
    with storage.storage_errors(f"OUTPUT={address}"):
        address = storage.whole(address)
        foreign = [name for name in storage.sizes(address) if not name.endswith(storage.PARTIAL)]
    if foreign and NAME not in foreign:
        raise StageError(f"OUTPUT={address} has {foreign[0]}, and no {NAME}; name another folder")
    return address


def begin(output: str, origin: Origin, task: workers.Task) -> Manifest:
    """The manifest of a new run, once every row is as it must be. Raises StageError."""
    tables = [{"name": file.address, "number": n} for n, file in enumerate(origin.catalogue)]
    divided = [
        json.loads(row["result"])
        for row in cluster.done(tables, workers.divide, fn_kwargs={"task": task})
    ]
    shards = [Shard(**shard) for table in divided for shard in table["shards"]]
    shards.sort(key=lambda shard: shard.name)
    zeros = sorted({name for table in divided for name in table["zeros"]})
    total = sum(shard.rows for shard in shards)
    with _progress("check", total) as progress:
        items = [asdict(shard) for shard in shards]
        for row in cluster.done(items, workers.check, fn_kwargs={"task": task}):
            progress.update(json.loads(row["result"]))
    manifest = Manifest(output, origin, shards, {}, zeros)
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
                workers.ShardWorker,
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


def predict_ray(
    catalogue: Annotated[str, typer.Argument(envvar="CATALOGUE", help="Address of tables.")],
    pictures: Annotated[str, typer.Option(envvar="PICTURES", help="Address.")] = "",
    output: Annotated[str, typer.Option(envvar="OUTPUT", help="Address of a folder.")] = "",
    shard: Annotated[int | None, typer.Option(envvar="SHARD", help="Rows of a shard.")] = None,
) -> None:
    """Answer a catalogue on many machines with the locked classifier."""
    request = Request(catalogue, pictures, output, shard)
    if not os.environ.get(cluster.ADDRESS) and not cluster.alone():
        _without_network(request)
    files, locked = locked_classifier()
    folder = output_folder(request)
    source = origin(request, locked)
    task = workers.Task(
        *(source.rows_in_a_shard, source.rows_at_once, source.pictures, source.picture_folder),
        folder,
    )
    manifest = Manifest.read(folder, source)
    if manifest is None or manifest.open:
        cluster.connect()
        try:
            manifest = manifest or begin(folder, source, task)
            answer(manifest, task, files)
        finally:
            ray.shutdown()
    print(f"{manifest.outcome}: {folder}")


def _without_network(request: Request) -> None:
    """Do it in a network namespace, from which no other machine can be reached either."""
    named = {
        "CATALOGUE": request.catalogue,
        "PICTURES": request.pictures,
        "OUTPUT": request.output,
    }
    for setting, address in named.items():
        if fsspec.utils.get_protocol(address) not in _LOCAL:
            raise StageError(
                f"{setting}={address} needs a network, and Ray, which listens on all interfaces, "
                f"is started on this machine without one; name a cluster in {cluster.ADDRESS}"
            )
    os.environ.update(named, SHARD=str(request.shard or ""))
    verb = ("-m", "stages.commands", "batch", "predict-ray")
    command = cluster.isolated([sys.executable, *verb])
    os.execvp(command[0], command)  # noqa: S606
