"""Data files of the sample, read into frozen models, and refused by the name of what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from stages.sources.transfer import SourceError

M = TypeVar("M", bound=BaseModel)


class Frozen(BaseModel):
    """A part of a data file. Keys it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read(path: Path, model: type[M]) -> M:
    """The file at `path` as a `model`.

    Raises SourceError naming the file and, for every fault, key, value and what is expected.
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        faults = [
            f"{_key(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            + ("" if isinstance(fault["input"], dict) else f", got {fault['input']!r}")
            for fault in error.errors()
        ]
        raise SourceError(f"{path} is refused:\n  " + "\n  ".join(faults)) from error


def _key(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location) or "the file"
