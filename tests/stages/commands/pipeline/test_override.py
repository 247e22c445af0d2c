"""Overrides that are recommended are what shell, Hydra and DVC take them for."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import DvcException
from hydra.core.override_parser.overrides_parser import OverridesParser

from stages.commands.exit_codes import CommandError
from stages.commands.pipeline.composition import compose
from stages.commands.pipeline.override import override, run_command
from tests.support.loopback import write_catalogue
from tests.support.repository import ENVIRONMENT, ROOT, clone

NAMES = (
    *("plain", "l'hiver", "a b", "été (2)", "a=b&c", "a,b", "[x]{y}", "$HOME", '"q"', "a#b", "~a"),
    *("back\\slash", "end\\", "quoted\\'", "*?;|<>!", "null", "日本", "%41", "a:b", " x "),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", ["", "/somewhere/", "../"])
def test_a_name_arrives_through_shell_and_hydra_as_it_is(folder: str, name: str) -> None:
    command = run_command("data=folder", override("data.path", folder + name))
    words = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"]
    asked = f'dvc() {{ {shlex.join(words)} "$@"; }}; {command}'
    typed = json.loads(subprocess.check_output(["sh", "-c", asked], text=True))  # noqa: S603, S607
    assert typed[:5] == ["exp", "run", "-S", "data=folder", "-S"]
    parsed = OverridesParser.create().parse_override(typed[5])
    assert (parsed.key_or_group, parsed.value()) == ("data.path", folder + name)


def test_a_plain_path_is_not_quoted() -> None:
    assert run_command(override("data.path", "../a-b_c.d/1")) == (
        "dvc exp run -S data.path=../a-b_c.d/1"
    )


@pytest.mark.slow
def test_the_recommended_command_runs(tmp_path: Path) -> None:
    repository = clone(tmp_path / "repository")
    catalogue = tmp_path / "l'hiver (été) a=b & c"
    write_catalogue(catalogue)
    command = run_command("data=folder", override("data.path", str(catalogue)))
    done = subprocess.run(  # noqa: S602
        f"{command} --dry ingest",
        shell=True,
        cwd=repository,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Running stage 'ingest'" in done.stdout + done.stderr
    composed = yaml.safe_load(compose(ROOT / "conf", shlex.split(command)[4::2]))
    assert composed["data"]["path"] == str(catalogue)


@pytest.mark.parametrize("path", ["/data/été", "/data/a=b", "/data/l'hiver", "/data/(2)"])
def test_what_hydra_cannot_read_is_told_with_its_quotation_marks(path: str) -> None:
    with pytest.raises((CommandError, DvcException)) as refusal:
        compose(ROOT / "conf", ["data=folder", f"data.path={path}"])
    told = str(refusal.value)
    assert f"data.path={path} cannot be read by Hydra" in told
    assert f"-S {shlex.quote(override('data.path', path))}" in told
    assert "Lexer" not in told
    assert "hydra.cc" not in told
