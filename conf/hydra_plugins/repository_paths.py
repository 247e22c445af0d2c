"""Hydra resolver `local_path`: a configured path as DVC must see it, whatever folder a run uses.

Queued and `--temp` experiments run in a copy of the repository, where a path relative to the
repository would point elsewhere. So a path is made absolute when the configuration is composed,
which happens in the repository itself.
"""

from pathlib import Path

from omegaconf import OmegaConf

_ROOT = Path(__file__).resolve().parents[2]


def _local_path(path: str | None, otherwise: str) -> str:
    """`path` made absolute from the repository, or `otherwise` when no local path is meant.

    Raises FileNotFoundError, so that a wrong path is refused before any stage runs.
    """
    if path is None or path == "imagenet":
        return otherwise
    absolute = (_ROOT / Path(path).expanduser()).resolve()
    if not absolute.exists():
        raise FileNotFoundError(
            f"{path!r} does not exist (looked at {absolute}); expected a path that is absolute or "
            "relative to the repository; weights may also be imagenet or null"
        )
    return str(absolute)


OmegaConf.register_new_resolver("local_path", _local_path, replace=True)
