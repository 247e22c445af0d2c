"""An environment of some requirements alone, made of what is installed here."""

from __future__ import annotations

import re
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement


def linked(requirements: Path, folder: Path) -> Path:
    """Make it in `folder`, by links to the files of the locked packages; returns its Python.

    Installing them takes a minute and hundreds of megabytes. All locks are compiled together, so
    what is installed here from the longest has the versions of the shorter ones.
    """
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for name in _wanted(requirements.read_text(encoding="utf-8")):
        for file in distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                link = packages / file
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(Path(str(file.locate())))
    return folder / "bin" / "python"


def _wanted(lock: str) -> list[str]:
    """Names of the packages that a lock asks for on this machine, at the versions that are here."""
    found = []
    for line in re.findall(r"^([\w.-]+(?:\[[\w, -]+\])?==[^\\\n]+)", lock, re.M):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            assert distribution(requirement.name).version in requirement.specifier, line
            found.append(requirement.name)
    return found
