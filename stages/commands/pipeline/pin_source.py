"""Pin the hub's dataset to the commit that its revision names now.

Writes commit and hashes into conf/data/huggingface.yaml; without a commit there the source is
refused. Both are parameters of the stage `ingest`, so that dvc.lock records them, and no two clones
fetch different files.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from stages.sources import huggingface

FILE = Path("conf/data/huggingface.yaml")


def written(text: str, commit: str, hashes: dict[str, str]) -> str:
    """`text` with another revision and other hashes; its comments stay."""
    listed = "".join(f"\n  {name}: {hashes[name]}" for name in sorted(hashes)) or " {}"
    text = re.sub(r"^revision: \S+", f"revision: {commit}", text, flags=re.M)
    return re.sub(r"^sha256:.*(?:\n  .*)*", f"sha256:{listed}", text, flags=re.M)


def pin_source() -> None:
    """Ask the hub for the commit and the hashes, and write them into the configuration."""
    text = FILE.read_text(encoding="utf-8")
    source = yaml.safe_load(text)
    commit, hashes = huggingface.pinned(huggingface.catalogue(source["path"], source["revision"]))
    FILE.write_text(written(text, commit, hashes), encoding="utf-8")
    print(f"{source['path']}: {source['revision']} is {commit}, written to {FILE}: commit it")
