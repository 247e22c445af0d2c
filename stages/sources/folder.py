"""A catalogue in a local folder: one's own, or a download made by other means."""

from __future__ import annotations

from pathlib import Path

from stages.common.paths import FILES
from stages.sources import transfer
from stages.sources.transfer import SourceError


def fetch(folder: Path, destination: Path) -> None:
    """Copy the four files of `folder` into `destination`.

    Raises SourceError: a file is missing, is no catalogue file, or cannot be copied.
    """
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise SourceError(
            f"{folder} lacks {', '.join(missing)}; expected a folder with {', '.join(FILES)}"
        )
    transfer.place(folder, destination)
