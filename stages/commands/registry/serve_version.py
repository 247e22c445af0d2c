"""Serve a registered version: `make serve MODEL=models:/product-classifier@champion`.

Its files are fetched and held to the hash that the registration carries, and the service holds them
to it again at its start and at every reload: what is not as registered is not served.

The service serves what an alias' link leads to. `--fetch` only fetches the version and moves the
link, for a service that runs. Exit code: 1 it is not as registered, 7 no version has that name;
others as in stages.commands.exit_codes.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from serving.inference.lock import excerpt_path
from stages.commands.registry import fetched_versions, versions


def serve_version(
    model: Annotated[
        str,
        typer.Argument(envvar="MODEL", help=f"models:/{versions.NAME}@{versions.CHAMPION}"),
    ],
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch it and start nothing.")] = False,
) -> None:
    """Become the service of a registered version."""
    classifier = fetched_versions.place(model)
    if not fetch:
        os.environ["SERVING_MODEL"] = str(classifier)
        os.environ["SERVING_LOCK"] = str(excerpt_path(classifier))
        os.execv(sys.executable, [sys.executable, "-m", "serving"])  # noqa: S606
