"""The classifier that dvc.lock locks, and the one that is there."""

from __future__ import annotations

from pathlib import Path

from serving.inference.lock import directory_hash, md5_of_files
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import dvc_lock


def locked_hash(root: Path = ROOT) -> str:
    """The hash of the classifier in `root`'s dvc.lock. Raises ResultError when it locks none."""
    outputs = dvc_lock.outputs(dvc_lock.read(root))
    if dvc_lock.CLASSIFIER not in outputs:
        raise ResultError(f"{dvc_lock.LOCK} locks no {dvc_lock.CLASSIFIER}; run `make repro`")
    return outputs[dvc_lock.CLASSIFIER].hash


def present_hash(folder: Path) -> str:
    """The hash that dvc.lock would give the classifier in `folder`."""
    return directory_hash(md5_of_files(folder))
