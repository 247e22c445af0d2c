"""Answers that wait for review, and databases to keep them in: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from serving.review.corrections import Answered, now
from serving.review.queue import Candidate, Waiting
from tests.support.process import free_port
from tests.support.waiting import wait_until

BIN = "/usr/lib/postgresql/*/bin"


def waiting(product: str, **changes: Any) -> Waiting:
    """An answer about a product; its two best codes are as close as `margin` says."""
    margin = changes.pop("margin", 0.1)
    code = changes.get("answered", 10)
    values = {
        "product": product,
        "time": now(),
        "identifier": None,
        "designation": f"titre {product}",
        "description": None,
        "picture_sha256": None,
        "picture": None,
        "answered": code,
        "confidence": 0.4,
        "accepted": False,
        "model": "5a4560535e02174044706c8368e9078c.dir",
        "reason": "uncertain",
        "label": "Livres",
        "predictions": (Candidate(code, "Livres", 0.4), Candidate(40, "Jeux", 0.4 - margin)),
        "near_duplicates": product,
    }
    return Waiting(**{**values, **changes})


def answered(product: str, **changes: Any) -> Answered:
    """The same as who corrects it has it."""
    values = vars(waiting(product, **changes))
    return Answered(**{name: values[name] for name in Answered.__dataclass_fields__})


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a PostgreSQL server of its own on the loopback, its data in `folder`."""
    [programs] = sorted(Path("/").glob(BIN.lstrip("/")))[-1:]
    owner = _owner()
    data, port = folder / "data", free_port()
    password = folder / "password"
    password.write_text("a password of tests")
    if owner:
        for path in (folder, password):
            os.chown(path, *owner)
        for parent in folder.parents:  # the folders of tests are closed to others
            if parent.stat().st_uid == os.getuid() and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
    made = ("--pgdata", data, "--username=reviews", "--auth=scram-sha-256", "--no-sync")
    _run(owner, programs / "initdb", *made, f"--pwfile={password}", "--encoding=UTF8")
    options = (f"-p{port}", "-clisten_addresses=127.0.0.1", f"-k{folder}", "-cfsync=off")
    server = subprocess.Popen(  # noqa: S603
        [str(programs / "postgres"), "-D", str(data), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **_identity(owner),
    )
    try:
        ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", f"-p{port}"]
        wait_until(
            lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0,  # noqa: S603
            "PostgreSQL does not answer",
        )
        url = URL.create(
            "postgresql+psycopg",
            "reviews",
            "a password of tests",
            host="127.0.0.1",
            port=port,
            database="postgres",
        )
        yield url.render_as_string(hide_password=False)
    finally:
        server.terminate()
        server.wait()


def _owner() -> tuple[int, int] | None:
    """PostgreSQL refuses to be run by root; Debian's package has made a user for it."""
    if os.getuid():
        return None
    entry = pwd.getpwnam("postgres")
    return entry.pw_uid, entry.pw_gid


def _identity(owner: tuple[int, int] | None) -> dict[str, Any]:
    return {"user": owner[0], "group": owner[1], "cwd": "/"} if owner else {}


def _run(owner: tuple[int, int] | None, *command: Any) -> None:
    done = subprocess.run(  # noqa: S603
        list(map(str, command)), capture_output=True, text=True, check=False, **_identity(owner)
    )
    assert done.returncode == 0, done.stderr
