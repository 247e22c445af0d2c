"""Hydra resolvers of paths: as DVC must see them, whatever folder a run uses.

Queued and `--temp` experiments run in a copy of the repository, where a path relative to the
repository would point elsewhere. So a path is made absolute when the configuration is composed,
which happens in the repository itself.
"""

import runpy
from pathlib import Path
from urllib.parse import urlsplit

from omegaconf import DictConfig, OmegaConf

_ROOT = Path(__file__).resolve().parents[2]
_PATHS = runpy.run_path(str(_ROOT / "stages" / "common" / "paths.py"))
_FILES = {
    key: _PATHS[key.upper()] for key in ("train_products", "train_codes", "test_products", "images")
}
_WATCHED = ("http", "https", "s3")
"""Addresses that DVC asks for the ETag of a file."""

_EXPECTED = {
    "data": ("data.path", "a folder with the catalogue's four files"),
    "encoder": ("language.encoder.folder", "a folder with the encoder's three files"),
    "image": ("image.weights", "imagenet, null or a .h5 file"),
}


def _local_path(path: str | None, otherwise: str, *, _parent_: DictConfig) -> str:
    """`path` made absolute from the repository, or `otherwise` when no local path is meant.

    Raises FileNotFoundError, so that a wrong path is refused before any stage runs.
    """
    if path is None or path == "imagenet":
        return otherwise
    return _absolute(path, *_EXPECTED[str(_parent_._key())])


def _local_file(path: str | None, key: str, otherwise: str) -> str:
    """The same of a file or folder that the setting `key` names; `otherwise` if it names none."""
    return otherwise if path is None else _absolute(path, key, "a file or folder")


def _repository_folder(path: str | None, key: str, otherwise: str) -> str:
    """The same of a folder that may lie in the repository, tracked by DVC: then it is relative, so
    that every clone locks the same path, and need not be there before DVC has fetched it."""
    if path is None:
        return otherwise
    absolute = (_ROOT / Path(path).expanduser()).resolve()
    inside = absolute.is_relative_to(_ROOT)
    if not (inside and absolute.with_name(f"{absolute.name}.dvc").is_file()):
        _absolute(path, key, "a folder that `make corrections` wrote")
    return absolute.relative_to(_ROOT).as_posix() if inside else str(absolute)


def _absolute(path: str, key: str, expected: str) -> str:
    absolute = (_ROOT / Path(path).expanduser()).resolve()
    if not absolute.exists():
        raise FileNotFoundError(
            f"{key} = {path!r}: does not exist (looked at {absolute}); expected {expected}, by a "
            "path that is absolute or relative to the repository"
        )
    return str(absolute)


def _watched(path: str | None, otherwise: str, *, _parent_: DictConfig) -> DictConfig:
    """The catalogue's four files below `path`, a folder or an address; `otherwise` for each of them
    where there is none, and where DVC could not ask: it knows no users, signatures nor other kinds
    of addresses."""
    if path is None or "://" not in path:
        place = None if path is None else _local_path(path, otherwise, _parent_=_parent_)
    else:
        parts = urlsplit(path)
        asked = parts.scheme in _WATCHED and not parts.query and "@" not in parts.netloc
        place = path.rstrip("/") if asked else None
    return OmegaConf.create(
        {key: f"{place}/{name}" if place else otherwise for key, name in _FILES.items()}
    )


OmegaConf.register_new_resolver("local_path", _local_path, replace=True)
OmegaConf.register_new_resolver("local_file", _local_file, replace=True)
OmegaConf.register_new_resolver("repository_folder", _repository_folder, replace=True)
OmegaConf.register_new_resolver("watched", _watched, replace=True)
