"""A registered version in the place of a base: its own classifier and the code that serves it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from stages.commands import repository
from stages.commands.quality.comparison import TEST, Judgement, judge_folder
from stages.commands.registry import fetched_versions, server, versions
from stages.commands.registry.versions import Version
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import dvc_lock, revision
from stages.commands.results.dvc_lock import locked_hash
from stages.common.paths import ARCHIVE


def judge(address: str) -> tuple[Judgement, tuple[int, int]] | None:
    """The comparison with the version that models:/… names; None when that is this classifier.

    Raises CommandError when they cannot be compared.
    """
    revision.require_present(ROOT, "this result")
    with server.configured() as client:
        version = versions.named(client, address)
        return None if version.model == locked_hash() else judge_version(client, version)


def judge_version(client: MlflowClient, version: Version) -> tuple[Judgement, tuple[int, int]]:
    """The comparison, and the bytes of the version's and of this result's classifier.

    Raises CommandError when they cannot be compared.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "version"
        fetched_versions.fetch(client, version, root)
        _restore(client, version, root)
        judgement = judge_folder(root, ROOT / ARCHIVE)
        size = sum(path.stat().st_size for path in (root / dvc_lock.CLASSIFIER).iterdir())
    return judgement, (size, dvc_lock.outputs(dvc_lock.read(ROOT))[dvc_lock.CLASSIFIER].size)


def _restore(client: MlflowClient, version: Version, root: Path) -> None:
    """Bring the version's dvc.lock, and its test products where this result has others.

    Raises ResultError when the products are not at hand.
    """
    versions.run_file(client, version, dvc_lock.LOCK, root)
    mine, theirs = (
        dvc_lock.dependency(dvc_lock.read(folder), "evaluate", TEST) for folder in (ROOT, root)
    )
    if mine != theirs and theirs is not None:
        cache = ROOT / repository.dvc("cache", "dir", where=ROOT).stdout.strip()
        stored = cache / "files" / "md5" / theirs[:2] / theirs[2:]
        if not stored.is_file():
            raise ResultError(
                f"version {version.number} was measured on other test products (md5 {theirs}), "
                "and they are not in DVC's cache: run its pipeline here, or `dvc fetch` at its "
                "commit"
            )
        (root / TEST).parent.mkdir(parents=True)
        shutil.copy(stored, root / TEST)
