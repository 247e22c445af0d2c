"""A tiny classifier whose service has a user who may reload it."""

from __future__ import annotations

import shutil
from pathlib import Path

from serving.access.users.store import Users
from tests.support.service import PASSWORD

OPERATOR = "operator"
"""The user's name; the password is PASSWORD."""


def with_operator(classifier_root: Path, folder: Path) -> Path:
    """A copy of the classifier and its lock in `folder`, with the users' database beside it."""
    root = Path(shutil.copytree(classifier_root, folder / "root"))
    users = Users(root / "users.sqlite3")
    users.create()
    users.add(OPERATOR, "", ("reload",), PASSWORD)
    return root
