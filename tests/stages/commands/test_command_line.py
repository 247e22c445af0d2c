"""The command line: every verb is there, told on each level, and make hands over what was typed."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stages.commands.__main__ import GROUPS, load, main, module
from stages.commands.exit_codes import CommandError, ExitCode
from stages.commands.results import metrics
from tests.support.repository import ENVIRONMENT, ROOT, attempt

VERBS = [(group, verb) for group, verbs in GROUPS.items() for verb in verbs]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TYPED = (
    *("l'hiver", "a b", "(x)", "a=b&c", "été", "$HOME", "a$b", "$(shell id)", '"', "a;b", "a#b"),
    *("`id`", "-S", "*"),
)


def code_of(*words: str) -> int | str | None:
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


@pytest.mark.parametrize(("group", "verb"), VERBS)
def test_every_verb_is_a_function_of_the_module_of_its_name(group: str, verb: str) -> None:
    spec = importlib.util.find_spec(module(group, verb))
    assert spec
    assert spec.origin
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert re.search(rf"^def {verb.replace('-', '_')}\(", source, re.M)


@pytest.mark.parametrize("group", ["results", "pipeline", "quality", "proofs"])
def test_every_verb_has_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in GROUPS[group]:
        assert load(group, verb).help
        assert code_of(group, verb, "--help") == ExitCode.DONE
        assert f"{group} {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [(), *((group,) for group in GROUPS)])
def test_help_lists_what_there_is(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_of(*words, "--help") == ExitCode.DONE
    printed = capsys.readouterr().out
    for name in GROUPS[words[0]] if words else GROUPS:
        assert re.search(rf"^│ {name} ", printed, re.M)


@pytest.mark.parametrize("words", [["nothing"], ["results", "nothing"], ["results", "compare"]])
def test_what_does_not_exist_or_is_not_whole_is_unusable(words: list[str]) -> None:
    assert code_of(*words) == 2


@pytest.mark.slow
def test_help_waits_for_no_library() -> None:
    code = (
        "import sys\nfrom stages.commands.__main__ import main\n"
        "try: main(['results', '--help'])\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {"pandas", "numpy", "mlflow", "dvc", "yaml"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("error", "code"),
    [(CommandError("why"), ExitCode.FAILED), (FileNotFoundError("why"), ExitCode.UNUSABLE)],
)
def test_what_a_person_can_mend_is_told_in_a_line(
    error: Exception,
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(_: object) -> None:
        raise error

    monkeypatch.setattr(metrics, "read", refuse)
    assert code_of("results", "metrics") == code
    assert capsys.readouterr().err == "results metrics: why\n"


@pytest.mark.slow
@pytest.mark.parametrize("words", [("metrics",), ("metrics", "--help")])
def test_who_reads_no_further_sees_no_traceback(words: tuple[str, ...]) -> None:
    """As in `make metrics | head`, whether output is written at once or at the end."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "stages.commands", "results", *words],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("typed", "completions"),
    [
        ("commands pro", ["proofs"]),
        ("commands results p", ["plots"]),
        ("commands quality ", GROUPS["quality"]),
    ],
)
def test_bash_completes_groups_and_verbs(typed: str, completions: list[str]) -> None:
    script = (
        "source stages/commands/completion.bash; IFS=' ' read -ra COMP_WORDS <<< \"$1\"; "
        "[[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
        "_complete_commands; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(  # noqa: S603
        ["bash", "-c", script, "bash", typed],  # noqa: S607
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == list(completions)


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER", "")
    assert code_of("results", "compare") == ExitCode.UNUSABLE


def test_the_page_tells_every_exit_code() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    told = {int(code): name for code, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", page, re.M)}
    assert told == {code.value: code.name for code in ExitCode}


def test_the_page_tells_every_verb() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    told = {
        group: tuple(re.findall(r"`([\w-]+)`", verbs))
        for group, verbs in re.findall(r"^\| `(\w+)` \| (`.*?) \|", page, re.M)
    }
    assert told == GROUPS


def test_make_calls_verbs_that_exist() -> None:
    called = set(re.findall(r"-m stages\.commands ([a-z-]+) ([a-z-]+)", MAKEFILE))
    assert called <= set(VERBS)
    assert not re.search(r"stages\.commands\.", MAKEFILE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Makefile beside a Python that prints the variables and words it is given."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "Makefile").write_text(MAKEFILE, encoding="utf-8")
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f"#!{sys.executable} -I\nimport os, sys\n"
        "print(os.environ.get('FOLDER'), *sys.argv[1:], sep='\\n')\n",
        encoding="utf-8",
    )
    python.chmod(0o755)
    return folder


def make(folder: Path, *words: str, **variables: str) -> list[str]:
    done = subprocess.run(  # noqa: S603
        ["make", "--no-print-directory", "--old-file=.venv/installed", *words],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={**ENVIRONMENT, "MAKEFLAGS": "", **variables},
    )
    assert not done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("typed", TYPED)
def test_make_hands_over_what_was_typed(typed: str, made: Path) -> None:
    command = ["-m", "stages.commands", "pipeline", "check-catalogue"]
    expected = [f"../{typed}", *command]
    assert make(made, "check-catalogue", f"FOLDER=../{typed}") == expected
    assert make(made, "check-catalogue", FOLDER=f"../{typed}") == expected


def test_old_names_of_targets_still_do(made: Path) -> None:
    assert make(made, "whence", "HASH=x")[-2:] == ["results", "lineage"]
    assert make(made, "mend")[-2:] == ["pipeline", "repair-lock"]


def test_make_help_lists_every_target_in_a_group(made: Path) -> None:
    lines = make(made, "help")
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    assert sorted(listed) == sorted(re.findall(r"^\.PHONY: (\S+)", MAKEFILE, re.M))
    groups = [line for line in lines if line and not line.startswith(" ")]
    assert groups[:4] == ["First steps", "Experiments", "Serve", "Team"]


@pytest.mark.slow
def test_a_folder_with_an_apostrophe_is_looked_at(tmp_path: Path) -> None:
    """From the variable to the message."""
    folder = tmp_path / "l'hiver (été) a=b&c $HOME"
    folder.mkdir()
    done = subprocess.run(  # noqa: S603
        ["make", "--old-file=.venv/installed", "check-catalogue", f"FOLDER={folder}"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert f"{folder} holds neither the challenge's four files nor a table" in done.stderr


@pytest.mark.slow
def test_a_verb_that_is_run_is_the_one_that_was_asked_for() -> None:
    done = attempt(ROOT, "stages.commands", "results", "lineage", "no-hash")
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.startswith("results lineage: 'no-hash' is no hash")
