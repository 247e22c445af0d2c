"""Private parts of other libraries that the code relies on: there, and behind an upper bound.

A library may change them in any release. Whoever raises a bound in pyproject.toml runs these tests,
and looks at the file that is named here.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.support.repository import ROOT


def hydra_loader() -> bool:
    """conf/hydra_plugins/refusals.py: callbacks, which are public, cannot refuse a composition."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    return inspect.isfunction(ConfigLoaderImpl.load_configuration)


def omegaconf_resolve() -> bool:
    """conf/hydra_plugins/refusals.py takes the place of it: DVC calls it after Hydra composed."""
    from dvc.utils.hydra import compose_and_dump
    from omegaconf import OmegaConf

    called = "OmegaConf.resolve(cfg)" in inspect.getsource(compose_and_dump)
    return called and list(inspect.signature(OmegaConf.resolve).parameters) in (["cfg"], ["config"])


def folds() -> bool:
    """stages/common/folds.py overrides it."""
    from sklearn.model_selection import StratifiedGroupKFold

    parameters = inspect.signature(StratifiedGroupKFold._find_best_fold).parameters
    return list(parameters) == ["self", "y_counts_per_fold", "y_cnt", "group_y_counts"]


CONVERTER = """
import tf2onnx.graph
import tf2onnx.optimizer

assert tf2onnx.optimizer._get_optimizers() is tf2onnx.optimizer._get_optimizers()
assert tf2onnx.graph.Node.__hash__ is object.__hash__
"""


def converter() -> bool:
    """stages/graphs/conversion.py: no public way to order its sets of nodes or to free its
    copies. In a process of its own, for another test's may have been changed by it."""
    return subprocess.run([sys.executable, "-c", CONVERTER], check=False).returncode == 0  # noqa: S603


def protocol() -> bool:
    """serving/http/connections.py extends it."""
    from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

    extended = {"connection_made", "data_received", "on_message_begin", "on_url", "on_header"}
    extended |= {"on_headers_complete", "on_body", "on_message_complete", "send_400_response"}
    return 200 in STATUS_LINE and extended <= set(vars(HttpToolsProtocol))


def queue() -> bool:
    """stages/commands/results/sweep.py: the command line tells no ids of the tasks that failed."""
    from dvc.repo.experiments import Experiments
    from dvc.repo.experiments.queue.celery import LocalCeleryQueue

    return hasattr(Experiments, "celery_queue") and callable(LocalCeleryQueue.status)


PARTS: dict[str, Callable[[], bool]] = {
    "dvc": queue,
    "hydra-core": hydra_loader,
    "omegaconf": omegaconf_resolve,
    "scikit-learn": folds,
    "uvicorn": protocol,
}


def bounded(library: str) -> bool:
    """Whether pyproject.toml has an upper bound that what is installed keeps."""
    project: Any = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = project["project"]["optional-dependencies"].values()
    named = [Requirement(line) for lines in lists for line in lines]
    bounds = [one.specifier for one in named if one.name == library]
    installed = importlib.metadata.version(library)
    return bool(bounds) and all("<" in str(bound) and installed in bound for bound in bounds)


@pytest.mark.parametrize("library", PARTS)
def test_a_private_part_is_there_and_its_library_bounded(library: str) -> None:
    assert PARTS[library]()
    assert bounded(library)


@pytest.mark.slow
def test_the_private_parts_of_the_converter_are_there_and_it_is_bounded() -> None:
    assert converter()
    assert bounded("tf2onnx")
