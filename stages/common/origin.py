"""Where a catalogue comes from, in words, as the cards say it."""

from __future__ import annotations

from urllib.parse import urlsplit

from stages.common.settings import Data, FolderData, HuggingFaceData, SampleData, UrlData


def origin(data: Data) -> str:
    """Where the catalogue comes from, without any place on this machine and without credentials."""
    match data:
        case SampleData():
            return f"The embedded synthetic catalogue, drawn with seed {data.seed}"
        case FolderData():
            return "A local folder, whose hash is in `dvc.lock`"
        case UrlData():
            place = urlsplit(data.path)
            return f"Files fetched by {place.scheme} from {place.hostname or 'this machine'}"
        case HuggingFaceData():
            return f"The Hugging Face dataset `{data.path}`, revision `{data.revision}`"
