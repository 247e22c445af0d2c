"""The documentation tells what is there: links, paths, targets, options, commands, the house."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.cli import parse_args
from prometheus_client import Metric

from serving.access.users import __main__ as users_command
from serving.app import routes
from serving.metrics import Metrics
from serving.settings import Settings
from tests.support.imports import modules
from tests.support.repository import ROOT, called
from tests.test_house import ALSO

PAGES = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
)
README, ARCHITECTURE, SERVICE = (
    Path("README.md"),
    Path("docs/architecture.md"),
    Path("docs/service.md"),
)
FIRST_PAGE = 250
"""Lines that a newcomer's page must stay under."""

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
CONF = ROOT / "conf"
TOPS = {
    *("conf", "data", "docs", "metrics", "models", "requirements", "serving", "stages", "tests"),
    *(".ci", ".dvc", ".github"),
}
"""Folders of the repository: what begins with one of them is meant to be a path in it."""

PLACEHOLDER = re.compile(r"NAME|…|<")


def text(page: Path) -> str:
    return (ROOT / page).read_text("utf-8")


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.S | re.M)


def code(page: Path) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, in words: each line of its shell blocks, and spans of code."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```$", text(page), re.S | re.M):
        found += block.replace("\\\n", " ").splitlines()
    return [words for line in (*found, *code(page)) if (words := _words(line))]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a quotation that a shell command opens here and closes on another line
        return line.split()


def anchors(page: Path) -> set[str]:
    """The headings as GitHub links to them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (name := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(name)
    return found


def links(page: Path) -> list[str]:
    """Targets of links and pictures, those to other places left out."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [link for link in found if "://" not in link]


def expanded(pattern: str) -> Iterator[str]:
    """The alternatives of {a,b}."""
    braces = re.search(r"\{([^{}]*)\}", pattern)
    if not braces:
        yield pattern
        return
    for each in braces[1].split(","):
        yield from expanded(pattern[: braces.start()] + each + pattern[braces.end() :])


def is_there(path: str) -> bool:
    """Whether a path is in the repository, or something that it says it leaves untracked.

    Data and models are there only once the pipeline has run; .gitignore names them before.
    """
    if any(ROOT.glob(path.rstrip("/"))):
        return True
    return called(ROOT, "git", "check-ignore", path, f"{path}/").returncode == 0


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, its first two lines left out."""
    section = text(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_readme_is_a_page_for_newcomers() -> None:
    assert len(text(README).splitlines()) < FIRST_PAGE


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in links(README)}
    assert {str(page) for page in PAGES} - {"README.md"} <= linked


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_says_first_for_whom_it_is(page: Path) -> None:
    first = text(page).splitlines()[2]
    assert page == README or re.match(r"For whoever .*\.( |$)", first), first


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.is_file(), link
        assert target.resolve().is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.resolve().relative_to(ROOT)), link


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_targets_are_in_the_makefile(page: Path) -> None:
    named = [words[1] for words in commands(page) if words[0] == "make" and len(words) > 1]
    assert set(named) <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_paths_exist(page: Path) -> None:
    named = {span for span in code(page) if span.partition("/")[0] in TOPS and "/" in span}
    named |= {span for span in code(page) if re.fullmatch(r"[\w.-]+\.(md|yaml|toml|lock)", span)}
    paths = {path for span in named if " " not in span for path in expanded(span)}
    assert not {path for path in paths if not PLACEHOLDER.search(path) and not is_there(path)}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_named_options_are_in_the_configuration(page: Path) -> None:
    for setting in re.findall(r"-S '?([\w./]+=[^\s'\"`]+)", text(page)):
        key, _, value = setting.partition("=")
        if "." not in key:
            for option in value.split(","):
                assert PLACEHOLDER.search(option) or (CONF / key / f"{option}.yaml").is_file(), key
        else:
            assert any(has_key(file, key) for file in CONF.rglob("*.yaml")), key


def has_key(file: Path, key: str) -> bool:
    """Whether a file of conf/ has a value under the dotted `key`."""
    found: Any = yaml.safe_load(file.read_text("utf-8"))
    for group in reversed(file.parent.relative_to(CONF).parts):
        found = {group: found}
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_are_understood(page: Path) -> None:
    """By DVC's own parser, and by that of the users' command; other modules must be there."""
    for command, *words in commands(page):
        if command in ("dvc", ".venv/bin/dvc") and words:
            if words[-1] == "-S":  # a way of speaking: what follows is up to the reader
                words.pop()
            understood([word for word in words if word != "…"], parse_args)
        elif command == "python" and words[:1] == ["-m"] and len(words) > 1:
            assert PLACEHOLDER.search(words[1]) or importlib.util.find_spec(words[1]), words[1]
            if words[1] == "serving.access.users" and len(words) > 2:
                rest = words[2 : words.index("<")] if "<" in words else words[2:]
                understood(rest, users_command.parser().parse_args)


def understood(words: list[str], parse: Any) -> None:
    try:
        parse(words)
    except (SystemExit, Exception) as error:
        raise AssertionError(f"{words}: {error!r}") from error


def house() -> set[str]:
    """The packages that the tree of the architecture page draws."""
    tree = re.search(r"^```\n(conf/.*?)^```$", text(ARCHITECTURE), re.S | re.M)
    assert tree
    found, above = set(), [""] * 4
    for line in tree[1].splitlines():
        indent, name = re.match(r"( *)([\w.]+)/? ", line).groups()
        depth = len(indent) // 2
        above[depth] = name
        found.add("/".join(above[: depth + 1]))
    return found


def test_the_tree_draws_the_packages_that_exist() -> None:
    packages = {module.parent.as_posix() for module in modules() if module.name == "__init__.py"}
    drawn = {path for path in house() if path.partition("/")[0] in ("stages", "serving")}
    assert drawn == packages


def test_the_rules_are_those_of_the_house() -> None:
    told = {
        package: set(re.findall(r"`(\w+)`", others))
        for package, others in re.findall(
            r"`(\w+)` imports ((?:`\w+`(?: and )?)+)", text(ARCHITECTURE)
        )
    }
    assert told == ALSO


def test_every_stage_is_in_the_table() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    told = [
        name for cells in table(README, "The pipeline") for name in re.findall(r"`(\w+)`", cells[0])
    ]
    assert sorted(told) == sorted(stages)


def test_every_option_is_in_the_table() -> None:
    for cells in table(README, "Change something"):
        group = cells[0].strip("`")
        told = set(re.findall(r"`(\w+)`", cells[1]))
        assert told == {file.stem for file in (CONF / group).glob("*.yaml")}, group


def test_every_route_is_in_the_table() -> None:
    told = " ".join(cells[0] + cells[2] for cells in table(SERVICE, "Routes"))
    named = set(re.findall(r"`(?:(?:GET|POST) )?(/[\w/.{}-]*)`", told))
    served = {
        path.replace(":str}", "}")
        for route in routes(Settings(), predicts=True)
        for path in route.paths
    }
    assert served | {"/schema", "/schema/openapi.json"} == named


def test_every_metric_is_in_the_table() -> None:
    registry = Metrics().registry
    families: list[Metric] = [
        family for family in registry.collect() if not family.name.startswith("process_")
    ]
    served = {
        family.name + "_total" * (family.type == "counter"): family.documentation
        for family in families
    }
    told = {cells[0].strip("`"): cells[2] for cells in table(SERVICE, "Metrics")}
    assert told == served


@pytest.mark.parametrize(
    "page", [SERVICE, Path("docs/operations.md"), Path("SECURITY.md")], ids=str
)
def test_named_variables_are_settings(page: Path) -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    settings = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.M))
    named = [re.match(r"[A-Z]+(?:_[A-Z]+)+(?==|$)", span) for span in code(page)]
    assert {name[0] for name in named if name} <= settings


def test_pictures_are_small_and_all_shown() -> None:
    pictures = {path.relative_to(ROOT) for path in (ROOT / "docs" / "images").iterdir()}
    assert all((ROOT / picture).stat().st_size < 200_000 for picture in pictures)
    shown = {
        ((ROOT / page).parent / link).resolve().relative_to(ROOT)
        for page in PAGES
        for link in links(page)
        if link.endswith(".png")
    }
    assert pictures == shown


def test_the_readme_tells_the_scores_of_the_committed_run() -> None:
    figures = json.loads((ROOT / "metrics/evaluation.json").read_text("utf-8"))
    groups = {
        "all test products": figures,
        "text alone": figures["text_only"],
        "picture alone": figures["image_only"],
        "both, fused": figures["both"],
    }
    lines = text(README).partition("| sample | products |")[2].splitlines()
    for name, of in groups.items():
        scores = " | ".join(f"{of[key]:.3f}" for key in ("accuracy", "weighted_f1", "macro_f1"))
        assert f"| {name} | {of['products']} | {scores} |" in lines


def test_the_readme_tells_what_the_committed_run_accepts_with_its_interval() -> None:
    figures = json.loads((ROOT / "metrics/evaluation.json").read_text("utf-8"))["accepted"]
    asked, coverage, precision, low, high = (
        f"{100 * figures[key]:.1f}".removesuffix(".0")
        for key in ("asked_precision", "coverage", "precision", "low", "high")
    )
    assert (
        f"Asked for {asked} % precision, {coverage} % of them are accepted without review, "
        f"{figures['accepted_right']} of {figures['accepted']} right: {precision} %, interval "
        f"{low} to {high} %."
    ) in text(README)
