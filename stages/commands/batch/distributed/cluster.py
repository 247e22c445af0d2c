"""A Ray to work with, and never one that a stranger could reach.

Ray listens on every interface of its host. So it runs either where RAY_ADDRESS says, on a cluster
whose owner keeps the network and gave it a token, or here in a network namespace that has the
loopback alone.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psutil

from stages.commands.batch.distributed.ray_setup import ray
from stages.commands.repository import ROOT
from stages.common.output import StageError

ADDRESS = "RAY_ADDRESS"
CODE = ("stages", "serving")
"""Packages that the workers get with their work."""

_LOOPBACK = {"lo"}
_ROUNDS = 3
"""Rounds of which every worker may be lost: one after the other, it is no accident."""

_UP = 'ip link set lo up && exec "$@"'


def alone() -> bool:
    """Whether no interface but the loopback is up."""
    return {name for name, state in psutil.net_if_stats().items() if state.isup} == _LOOPBACK


def isolated(command: Sequence[str]) -> list[str]:
    """`command` in a network namespace of its own, in which the loopback is all there is.

    Raises StageError where this user may make none.
    """
    who = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    wrapped = ["unshare", *who, "--net", "sh", "-c", _UP, "sh"]
    try:
        done = subprocess.run(  # noqa: S603
            [*wrapped, "true"], capture_output=True, text=True, check=False
        )
        said = done.stderr.strip()
    except OSError as error:
        said = str(error)
    else:
        if done.returncode == 0:
            return [*wrapped, *command]
    raise StageError(
        f"Ray listens on all interfaces, and no network namespace can be made for it ({said}); be "
        f"root, allow user namespaces, install util-linux and iproute2, or name a cluster in "
        f"{ADDRESS}"
    )


def connect() -> None:
    """Connect to the cluster of RAY_ADDRESS, or start Ray here.

    The code goes with the work: what answers is what is here, whatever lies on the hosts. Raises
    StageError, also where Ray would listen to others.
    """
    address = os.environ.get(ADDRESS)
    if not address and not alone():
        raise StageError("Ray is started only where the loopback is the only interface")
    here: dict[str, Any] = {}
    if not address:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        here = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    packages = [str(ROOT / name) for name in CODE]
    try:
        ray.init(
            address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"py_modules": packages, "excludes": ["**/__pycache__"]},
            **here,
        )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise StageError(f"no Ray at {ADDRESS}={address or ''}: {error}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # What is lost with a worker is missing then, and asked for again: see `done`.
    context.max_errored_blocks = -1
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    # Nothing takes the place of the argument yet; pyproject.toml holds Ray below its removal.
    warnings.filterwarnings("ignore", "`ray_remote_args_fn` is deprecated")


def processors() -> int:
    """Processors of the cluster now. Raises StageError when there is none."""
    count = int(ray.cluster_resources().get("CPU", 0))
    if not count:
        raise StageError(f"{ADDRESS}: the cluster has no processor to work with")
    return count


def never_again() -> dict[str, Any]:
    """What makes the work of a lost actor be missing at once, where it would be waited for."""
    return {"max_task_retries": 0}


def done(
    items: Sequence[dict[str, Any]], work: Callable[..., Any], **how: Any
) -> Iterator[dict[str, Any]]:
    """What `work` gives for each of `items`, as it comes, once each.

    Both have a `name`. An item that was lost with its worker is given to another in the next round:
    Ray Data itself would wait for the lost actor to come back, for which there is no place while
    the others hold the processors that are left. Raises StageError for a row that tells an `error`,
    and when nothing comes for _ROUNDS.
    """
    waiting = {item["name"]: item for item in items}
    empty = 0
    while waiting:
        before = len(waiting)
        data = ray.data.from_items(list(waiting.values()), override_num_blocks=before)
        for row in data.map(work, **how).iter_rows():
            if row["error"]:
                raise StageError(row["error"])
            if waiting.pop(row["name"], None) is not None:
                yield row
        empty = empty + 1 if len(waiting) == before else 0
        if empty == _ROUNDS:
            raise StageError("no worker answers; see the logs of Ray on its hosts")
        if waiting:
            print(f"{len(waiting)} lost with their workers, and given to others", file=sys.stderr)
