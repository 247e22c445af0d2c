"""Bring the configured catalogue's four files into data/raw."""

from __future__ import annotations

from pathlib import Path

from stages.common.paths import FILES, RAW
from stages.common.settings import (
    Data,
    FolderData,
    HuggingFaceData,
    SampleData,
    TablesData,
    UrlData,
    load,
)
from stages.sources import folder, huggingface, merging, transfer, url
from stages.sources.sample import listings as sample
from stages.sources.tables import translate


def bring(data: Data, destination: Path) -> None:
    """Fill `destination` from the source that `data` names.

    Raises SourceError: the source cannot deliver; the message says which file and why.
    """
    destination.mkdir(parents=True, exist_ok=True)
    match data:
        case SampleData():
            sample.generate(
                destination, products=data.products, unlabelled=data.unlabelled, seed=data.seed
            )
        case FolderData():
            folder.fetch(data.folder, destination)
        case TablesData():
            print(translate.fetch(data, destination))
        case UrlData():
            url.fetch(data.path, data.sha256, destination)
        case HuggingFaceData():
            huggingface.fetch_catalogue(data.path, data.revision, data.sha256, destination)


def report(destination: Path) -> str:
    """One line a file: name, size in bytes, first digits of the sha256."""
    return "\n".join(
        f"{name:<20} {(destination / name).stat().st_size:>15,} bytes  "
        f"sha256 {transfer.sha256(destination / name)[:12]}"
        for name in FILES
    )


def ingest() -> None:
    """Run the stage."""
    data = load().data
    bring(data, RAW)
    print(f"{data.source} → {RAW}")
    if data.corrections is not None:
        print(merging.merge(Path(data.corrections_watched), RAW))
    print(report(RAW))
