"""Hydra resolver `local_path`: a configured path as DVC must see it, whatever folder a run uses.

Queued and `--temp` experiments run in a copy of the repository, where a path relative to the
repository would point elsewhere. So a path is made absolute when the configuration is composed,
which happens in the repository itself.
"""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

_ROOT = Path(__file__).resolve().parents[2]
_EXPECTED = {
    "data": ("data.path", "a folder with the catalogue's four files"),
    "image": ("image.weights", "imagenet, null or a .h5 file"),
}


def _local_path(path: str | None, otherwise: str, *, _parent_: DictConfig) -> str:
    """`path` made absolute from the repository, or `otherwise` when no local path is meant.

    Raises FileNotFoundError, so that a wrong path is refused before any stage runs.
    """
    if path is None or path == "imagenet":
        return otherwise
    absolute = (_ROOT / Path(path).expanduser()).resolve()
    if not absolute.exists():
        key, expected = _EXPECTED[str(_parent_._key())]
        raise FileNotFoundError(
            f"{key} = {path!r}: does not exist (looked at {absolute}); expected {expected}, by a "
            "path that is absolute or relative to the repository"
        )
    return str(absolute)


OmegaConf.register_new_resolver("local_path", _local_path, replace=True)
