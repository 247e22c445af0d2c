"""Pin the hub's dataset to the commit that its revision names now: `make pin-source`.

Writes commit and hashes into conf/data/huggingface.yaml; without a commit there the source is
refused. Both are parameters of the stage `ingest`, so that dvc.lock records them, and no two clones
fetch different files.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

from stages.sources import huggingface
from stages.sources.transfer import SourceError

FILE = Path("conf/data/huggingface.yaml")


def written(text: str, commit: str, hashes: dict[str, str]) -> str:
    """`text` with another revision and other hashes; its comments stay."""
    listed = "".join(f"\n  {name}: {hashes[name]}" for name in sorted(hashes)) or " {}"
    text = re.sub(r"^revision: \S+", f"revision: {commit}", text, flags=re.M)
    return re.sub(r"^sha256:.*(?:\n  .*)*", f"sha256:{listed}", text, flags=re.M)


def main() -> None:
    """Ask the hub, and write. Raises SourceError when it does not tell."""
    text = FILE.read_text(encoding="utf-8")
    source = yaml.safe_load(text)
    commit, hashes = huggingface.pinned(source["path"], source["revision"])
    FILE.write_text(written(text, commit, hashes), encoding="utf-8")
    print(f"{source['path']}: {source['revision']} is {commit}, written to {FILE}: commit it")


if __name__ == "__main__":
    try:
        main()
    except (SourceError, OSError) as error:
        sys.exit(f"pin-source: {error}")
