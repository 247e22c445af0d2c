"""Put results on record in MLflow: `make publish`; `make repro` runs it after the pipeline.

A result is what one dvc.lock locks: that of the workspace, and that of each experiment, by the name
DVC gave it. Whether it was computed, or restored from DVC's cache, does not matter: each is
recorded once. What cannot be sent stays in tracking/queue, and the next time sends it.

Exit code: 0 all is on record, 1 something waits, 3 there is nothing that could be recorded; with
`--optional` these are warnings, as the result stands whatever becomes of its record.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

import typer
import yaml

from stages.commands import repository
from stages.commands.exit_codes import CommandError
from stages.commands.registry import records
from stages.commands.registry.records import HOME, Record
from stages.commands.remote import environment
from stages.commands.remote.environment import Environment
from stages.commands.repository import ResultError, git, git_bytes, git_files
from stages.commands.results import dvc_lock
from stages.common import seconds

SENT = HOME / "sent.txt"
"""What is on record, a line for each server and record: a second run asks no server."""

_RAW = "data/raw"
_PLAIN = ("dvc.lock", "params.yaml", "metrics")
_SERVING = ("serving/__init__.py", "serving/listing", "serving/encoding", "serving/classifier")
"""The part of serving that answers with a classifier."""
_EXPERIMENTS = "refs/exps/??/*/*"


class WaitingError(CommandError):
    """Results are queued and not on record."""


@contextmanager
def alone() -> Iterator[None]:
    """Of two that publish from this folder, the second waits."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def public(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files without the user, password and query that data.path may hold."""
    path = yaml.safe_load(files["params.yaml"]).get("data", {}).get("path", "")
    if "://" not in path:
        return files
    parts = urlsplit(path)
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    swap = (path.encode(), shown.encode())
    return {
        name: content.replace(*swap) if name in ("params.yaml", "dvc.lock") else content
        for name, content in files.items()
    }


def experiments() -> dict[str, str]:
    """Commits of the experiments that DVC keeps, by name."""
    form = "--format=%(objectname) %(refname:lstrip=-1)"
    lines = git("for-each-ref", form, "--sort=committerdate", _EXPERIMENTS).splitlines()
    return {name: commit for commit, name in (line.split(" ", 1) for line in lines)}


def digest(lock: bytes) -> str:
    """sha256 of a dvc.lock: the name of a result."""
    return hashlib.sha256(lock).hexdigest()


def describe(
    name: str, lock: bytes, commit: str, settings: Environment, *, workspace: bool
) -> Record:
    """What is known of a result beside its files."""
    outputs = dvc_lock.outputs(dvc_lock.parse(lock.decode()))
    hashes = {path: outputs[path].hash for path in (dvc_lock.CLASSIFIER, _RAW) if path in outputs}
    made = time.time() if workspace else int(git("show", "-s", "--format=%ct", commit))
    noted = {**seconds.noted(name), **(seconds.noted(seconds.WORKSPACE) if workspace else {})}
    return Record(
        name=name,
        lock=digest(lock),
        model=hashes.get(dvc_lock.CLASSIFIER),
        data=hashes.get(_RAW),
        commit=commit,
        dirty=bool(workspace and git("status", "--porcelain")),
        user=_identity() if workspace else git("show", "-s", "--format=%an", commit).strip(),
        started_by=settings.started_by,
        time=int(1000 * made),
        with_classifier=workspace,
        seconds=noted,
    )


def _identity() -> str:
    """The person's name as git knows it, or none."""
    with suppress(ResultError):
        return git("var", "GIT_COMMITTER_IDENT").partition(" <")[0]
    return ""


def committed(commit: str) -> dict[str, bytes]:
    """The files of an experiment that are recorded."""
    names = git_files("ls-tree", "-r", "-z", "--name-only", commit, "--", *_PLAIN)
    return {name: git_bytes("show", f"{commit}:{name}") for name in names}


def present() -> dict[str, bytes]:
    """Those of the workspace, its classifier among them.

    Raises ResultError when they are not what dvc.lock says: not of one run.
    """
    files = _files(*_PLAIN, dvc_lock.CLASSIFIER)
    outputs = dvc_lock.outputs(dvc_lock.read(repository.ROOT))
    if dvc_lock.CLASSIFIER not in outputs:
        raise ResultError("the pipeline has not run to its end; run `make repro` first")
    for path, out in outputs.items():
        if not path.startswith("metrics") and path != dvc_lock.CLASSIFIER:
            continue
        if dvc_lock.content_hash(dvc_lock.files_below(repository.ROOT / path)) != out.hash:
            raise ResultError(f"{path} is not what dvc.lock says; run `make repro` first")
    return files


def _files(*tops: str) -> dict[str, bytes]:
    """The workspace's files at or below some paths, by their whole paths."""
    return {
        top if way == "." else f"{top}/{way}": content
        for top in tops
        for way, content in dvc_lock.files_below(repository.ROOT / top).items()
        if "__pycache__" not in way
    }


def collect(settings: Environment, known: set[str]) -> None:
    """Queue what is not in `known`: the workspace, under the experiment's name where it is one,
    and the experiments. Raises ResultError when the workspace holds no result."""
    commits = experiments()
    locked = {
        name: git_bytes("show", f"{commit}:{dvc_lock.LOCK}") for name, commit in commits.items()
    }
    kept = set(known)
    try:
        kept.add(collect_workspace(settings, known, locked))
    finally:
        for name, commit in commits.items():
            record = describe(name, locked[name], commit, settings, workspace=False)
            if not kept & {record.key, f"{record.key}{records.WITH_CLASSIFIER}"}:
                records.put(record, public(committed(commit)), {})
                shutil.rmtree(seconds.NOTES / name, ignore_errors=True)


def collect_workspace(
    settings: Environment, known: set[str], experiments: Mapping[str, bytes]
) -> str:
    """Queue the workspace unless it is in `known`; its key. Raises ResultError when it holds no
    result, or parts of two."""
    path = repository.ROOT / dvc_lock.LOCK
    if not path.is_file():
        raise ResultError(f"there is no {dvc_lock.LOCK}; run `make repro` first")
    lock = path.read_bytes()
    same = (name for name, other in experiments.items() if other == lock)
    name = next(same, f"repro-{digest(lock)[:8]}")
    commit = git("rev-parse", "HEAD").strip()
    record = describe(name, lock, commit, settings, workspace=True)
    if record.key not in known:
        records.put(record, public(present()), _files(*_SERVING))
        for run in (seconds.WORKSPACE, name):
            shutil.rmtree(seconds.NOTES / run, ignore_errors=True)
    return record.key


def send(settings: Environment) -> str:
    """Send what is queued; what went wrong, in words, or "".

    The first failure ends it: a server that is away is away for all of them.
    """
    waiting = list(records.queued())
    if not waiting:
        return ""
    # Here, because MLflow takes seconds to load and is not needed when all is on record.
    from stages.commands.registry import runs, server, versions

    uri = settings.tracking_uri or server.local()
    try:
        with server.session(uri, settings.username, settings.revealed_password) as client:
            experiment = server.experiment_id(client, settings.experiment, uri)
            for record, folder in waiting:
                run_id = runs.send(client, experiment, record, folder)
                print(f"on record: {record.name} (run {run_id})")
                if record.with_classifier:
                    version = versions.register(client, run_id, record, folder)
                    print(f"registered: {versions.NAME} version {version.number}")
                with SENT.open("a", encoding="utf-8") as sent:
                    sent.write(f"{_place(settings)}\t{record.key}\n")
                records.remove(folder)
    except server.TrackingError as error:
        return str(error)
    return ""


def _place(settings: Environment) -> str:
    return f"{settings.tracking_uri or 'local'} {settings.experiment}"


def known(settings: Environment) -> set[str]:
    """Keys of what this server has, as far as this folder knows."""
    if not SENT.is_file():
        return set()
    lines = (line.split("\t") for line in SENT.read_text(encoding="utf-8").splitlines())
    return {line[1] for line in lines if len(line) == 2 and line[0] == _place(settings)}


def publish(
    optional: Annotated[
        bool, typer.Option("--optional", help="What waits, or nothing to publish, is no failure.")
    ] = False,
) -> None:
    """Put this result and all experiments on record in MLflow."""
    try:
        publish_all()
    except CommandError as error:
        if not optional:
            raise
        print(f"registry publish: {error}", file=sys.stderr)


def publish_all() -> None:
    """Collect and send. Raises WaitingError, ResultError when the workspace holds no result."""
    with alone():
        settings = environment.load()
        missing = None
        try:
            collect(settings, known(settings))
        except ResultError as error:  # the experiments are sent nevertheless
            missing = error
        fault = send(settings)
        waiting = len(list(records.queued()))
    if waiting:
        raise WaitingError(
            f"{fault}; {waiting} result(s) wait in {records.QUEUE}; the next `make repro` or "
            "`make publish` sends them" + (f"; {missing}" if missing else "")
        )
    if missing is not None:
        raise missing
