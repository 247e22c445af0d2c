"""Is this result worse than a registered version? `make gate BASE=models:/…@champion`.

The gate, with the version's own classifier and serving code in the place of a revision's.

Exit status: as the gate has them, and 7 when no version has that name: there is nothing to be worse
than.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from mlflow import MlflowClient

from stages.commands import repository
from stages.commands.quality import gate_table as gate
from stages.commands.quality.comparison import TEST, UNUSABLE, Judgement, asked, judge_folder
from stages.commands.registry import fetched_versions, server, versions
from stages.commands.registry.server import TrackingError
from stages.commands.registry.versions import Version
from stages.commands.remote import environment
from stages.commands.repository import ROOT, ResultError
from stages.commands.results import dvc_lock, revision
from stages.commands.results.locked_classifier import locked_hash
from stages.common.output import StageError, fail
from stages.common.paths import ARCHIVE


def judge_version(client: MlflowClient, version: Version) -> tuple[Judgement, tuple[int, int]]:
    """The comparison, and the bytes of the version's and of this result's classifier.

    Raises ResultError or TrackingError when they cannot be compared.
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


def main(address: str) -> int:
    """Print the table; the exit status."""
    revision.require_present(ROOT, "this result")
    settings = environment.load()
    uri = settings.tracking_uri or server.local()
    with server.session(uri, settings.username, settings.revealed_password) as client:
        version = versions.named(client, address)
        if version.model == locked_hash():
            print(f"### Not worse than {address}\n\nIt is the very classifier of this result.")
            return 0
        judgement, sizes = judge_version(client, version)
    rows = gate.rows(sizes, judgement)
    print(gate.table(address, rows, judgement))
    return 0 if all(row.passed for row in rows) else gate.WORSE


if __name__ == "__main__":
    try:
        sys.exit(main(asked("gate", sys.argv[1:])))
    except (ResultError, TrackingError) as error:
        print(f"### No verdict\n\n{error}")  # on stdout, as the gate's
        sys.exit(error.code if isinstance(error, ResultError) else ResultError.code)
    except (StageError, OSError) as error:
        fail("gate", error, UNUSABLE)
