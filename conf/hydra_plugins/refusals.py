"""Refuses a composition as a whole, before params.yaml is written and before a stage runs.

DVC writes params.yaml first and removes a stage's outputs, tracked metrics among them, before the
stage can say that a value is wrong. So what Hydra, a resolver or stages/common/settings.py refuses
is refused while the configuration is composed, in one message that names the key.
"""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import yaml
from dvc.exceptions import DvcException
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_ROOT = Path(__file__).resolve().parents[2]
_CONF = _ROOT / "conf"

sys.path.insert(0, str(_ROOT))
try:
    from stages.commands.pipeline.override import override as written
finally:
    sys.path.remove(str(_ROOT))

_RESOLVING = re.compile(r"^\w+ raised while resolving interpolation: ")

_load = ConfigLoaderImpl.load_configuration
_resolve = OmegaConf.resolve


def _refused(words: str) -> DvcException:
    return DvcException(f"{words}\nparams.yaml and all results are as they were.")


def _load_or_refuse(self: ConfigLoaderImpl, *arguments: Any, **options: Any) -> DictConfig:
    """Hydra's own advice for an unknown key, to append it, leads to the next refusal."""
    try:
        return _load(self, *arguments, **options)
    except OverrideParseException as error:
        told = _unread(error.override) if "=" in error.override else str(error)
        raise _refused(told) from None  # DVC prints the chain
    except HydraException as error:
        key = getattr(error.__cause__, "full_key", None)
        raise _refused(_unknown(key) if key else str(error)) from None


def _resolve_or_refuse(config: DictConfig) -> None:
    try:
        _resolve(config)
    except OmegaConfBaseException as error:
        raise _refused(_RESOLVING.sub("", str(error).splitlines()[0])) from None
    _require_good(OmegaConf.to_container(config))


def _unread(override: str) -> str:
    """That an override is outside of Hydra's grammar, and how it is written."""
    key, _, value = override.partition("=")
    return (
        f"{override} cannot be read by Hydra: a value with other characters than letters without "
        "accents, digits and a few signs stands in quotation marks of its own, within those of "
        f"the shell: -S {shlex.quote(written(key, value))}"
    )


def _unknown(key: str) -> str:
    """What is wrong with a key that is nowhere, and what to write instead."""
    group, _, name = key.partition(".")
    options = {path.stem: _read(path) for path in sorted((_CONF / group).glob("*.yaml"))}
    having = [option for option, settings in options.items() if _has(settings, name)]
    if having:
        ways = " or ".join(f"-S {group}={option} -S {key}=…" for option in having)
        return (
            f"{key} is no setting of the option chosen for {group}; choose one that has it: {ways}"
        )
    above = name.rpartition(".")[0]
    beside = [_below(settings, above) for settings in options.values()]
    known = set().union(*filter(None, beside)) or _read(_CONF / "config.yaml").get(group, {})
    if known:
        prefix = f"{group}.{above}." if any(beside) and above else f"{group}."
        told = ", ".join(f"{prefix}{each}" for each in sorted(known))
        return f"{key} is no setting; expected one of {told}"
    config = _read(_CONF / "config.yaml")
    sections = set(config) - {"defaults"}
    # Not the folders of conf/: some configure what is around the pipeline.
    sections |= {group for each in config["defaults"] if each != "_self_" for group in each}
    return f"{key} is no setting; expected one below {', '.join(sorted(sections))}"


def _below(settings: Any, name: str) -> dict[str, Any] | None:
    """The settings below a dotted name; None where there are none."""
    for part in filter(None, name.split(".")):
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings if isinstance(settings, dict) else None


def _has(settings: dict[str, Any], name: str) -> bool:
    above, _, last = name.rpartition(".")
    return last in (_below(settings, above) or {})


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _require_good(values: Any) -> None:
    """Hold the composition to the settings of the stages, where DVC runs with their libraries."""
    sys.path.insert(0, str(_ROOT))
    try:
        from stages.common.settings import SettingsError, parse
    except ImportError:
        return  # another Python's DVC: the first stage that runs refuses it
    finally:
        sys.path.remove(str(_ROOT))
    try:
        parse(values, "this composition")
    except SettingsError as error:
        raise _refused(str(error)) from None


ConfigLoaderImpl.load_configuration = _load_or_refuse
OmegaConf.resolve = staticmethod(_resolve_or_refuse)
