"""Stage `ingest`: bring the configured catalogue's four files into data/raw.

Run from the repository's root: `python -m stages.ingest`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stages.layout import FILES
from stages.settings import (
    Data,
    FolderData,
    HuggingFaceData,
    SampleData,
    SettingsError,
    UrlData,
    load,
)
from stages.sources import catalogue, folder, huggingface, sample, url

RAW = Path("data/raw")


def ingest(data: Data, destination: Path) -> None:
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
            folder.fetch(Path(data.dependency), destination)
        case UrlData():
            url.fetch(data.path, data.sha256, destination)
        case HuggingFaceData():
            huggingface.fetch(data.path, data.revision, data.sha256, destination)


def report(destination: Path) -> str:
    """One line a file: name, size in bytes, first digits of the sha256."""
    return "\n".join(
        f"{name:<20} {(destination / name).stat().st_size:>15,} bytes  "
        f"sha256 {catalogue.sha256(destination / name)[:12]}"
        for name in FILES
    )


def main() -> None:
    try:
        data = load().data
        ingest(data, RAW)
    except (SettingsError, catalogue.SourceError) as error:
        sys.exit(f"ingest: {error}")
    print(f"{data.source} → {RAW}")
    print(report(RAW))


if __name__ == "__main__":
    main()
