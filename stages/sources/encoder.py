"""The files of a pretrained encoder of texts, of the hub or of a folder."""

from __future__ import annotations

from pathlib import Path

from stages.common.paths import ENCODER_FILES
from stages.common.settings import PretrainedEncoder
from stages.sources import huggingface
from stages.sources.transfer import SourceError


def files(settings: PretrainedEncoder) -> Path:
    """The folder that holds them: the configured one, or one to which they are downloaded.

    Raises SourceError: the hub cannot deliver, or the folder lacks a file.
    """
    if settings.folder is None:
        repository = huggingface.Repository(
            "model", settings.repository, settings.revision, ENCODER_FILES, "language.encoder"
        )
        return huggingface.fetch(repository, settings.sha256)
    folder = Path(settings.watched)
    if missing := [name for name in ENCODER_FILES if not (folder / name).is_file()]:
        raise SourceError(
            f"language.encoder.folder = {settings.folder!r} lacks {', '.join(missing)}; expected a "
            f"folder with {', '.join(ENCODER_FILES)}, as the hub has them"
        )
    return folder
