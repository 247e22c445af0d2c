"""The command line: `python -m stages.commands GROUP VERB`; `--help` tells on each level.

A verb is the module of its name below its group, and runs the module's function of that name. It
is imported when it is run: neither `--help` nor another verb waits for MLflow, Ray or pandas, and
an environment needs only what its own verbs import.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.completion import get_completion_inspect_parameters
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from stages.commands.exit_codes import CommandError, ExitCode
from stages.common.output import StageError

PROGRAM = "python -m stages.commands"
_COMPLETE = "_STAGES_COMMANDS_COMPLETE"
"""The variable in which completion.bash asks for completions."""

GROUPS: dict[str, tuple[str, ...]] = {
    "results": ("summary", "metrics", "plots", "experiments", "sweep", "compare", "lineage"),
    "pipeline": ("params", "defaults", "repair-lock", "pin-source", "check-catalogue"),
    "quality": ("gate", "promotion"),
    "registry": ("publish", "promote", "rollback", "serve-version", "page"),
    "batch": ("predict", "predict-one", "predict-ray"),
    "corrections": ("write", "label-studio-tasks", "label-studio-import"),
    "drift": ("report",),
    "remote": ("configure", "pull", "reload", "secrets"),
    "schedule": ("servers", "run-stage", "stage-order"),
    "monitor": ("watch", "servers"),
    "proofs": ("verify", "processors"),
}
"""The verbs of each group, in the order in which `--help` lists them."""

_FOLDER = Path(__file__).parent


def module(group: str, verb: str) -> str:
    """The name of a verb's module."""
    return f"stages.commands.{group}.{verb.replace('-', '_')}"


def _first_line(path: Path) -> str:
    """The first line of a module's docstring, read without importing it."""
    documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return documentation.partition("\n")[0]


def load(group: str, verb: str) -> Any:
    """The command of a verb, imported."""
    app = typer.Typer(add_completion=False)
    app.command(verb)(getattr(importlib.import_module(module(group, verb)), verb.replace("-", "_")))
    return get_command(app)


class Verbs(TyperGroup):
    """The verbs of one group: known by name and first line, imported when one is run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """As click's."""
        return list(GROUPS[str(self.name)])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in that lists the verb; `resolve_command` gives the real one."""
        if cmd_name not in self.list_commands(ctx):
            return None
        path = _FOLDER / str(self.name) / f"{cmd_name.replace('-', '_')}.py"
        return TyperCommand(cmd_name, help=_first_line(path))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """As click's, with the command imported."""
        verb, _, rest = super().resolve_command(ctx, args)
        return verb, load(str(self.name), str(verb)), rest


app = typer.Typer(
    no_args_is_help=True,
    help="Commands beside the pipeline.",
    add_completion=False,  # Typer's scripts are for a program of one word
    pretty_exceptions_enable=False,
)
get_completion_inspect_parameters()  # which makes the shells known that completion.bash asks for
for _group in GROUPS:
    _verbs = typer.Typer(
        cls=Verbs, no_args_is_help=True, help=_first_line(_FOLDER / _group / "__init__.py")
    )
    _verbs.callback()(lambda: None)
    app.add_typer(_verbs, name=_group)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit; what a person can mend is told in a line, with its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    status: int | str | None = ExitCode.FAILED
    try:
        try:
            app(args=words, prog_name=PROGRAM, complete_var=_COMPLETE)
        except SystemExit as ended:
            status = ended.code
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough: `make metrics | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (CommandError, StageError, OSError) as error:
        print(f"{' '.join(words[:2])}: {error}", file=sys.stderr)
        status = error.code if isinstance(error, CommandError) else ExitCode.UNUSABLE
    sys.exit(status)


if __name__ == "__main__":
    main()
