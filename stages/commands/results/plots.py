"""The plots of dvc.yaml as a page that needs no network, and as pictures.

Draws dvc_plots/index.html, as `dvc plots show` (or `diff`) does, and each plot as a PNG file beside
it. DVC's own page loads its scripts from elsewhere and is blank where nothing can be loaded:
.dvc/plots.html is a page that carries them, and .dvc/config.local names it to DVC, so that
`dvc plots show` and `dvc plots diff` draw into it as well. Git tracks neither.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
import vl_convert
from dvc.config import Config
from dvc.render.match import match_defs_renderers
from dvc.repo import Repo
from dvc_render import render_html

from stages.commands.repository import ROOT, dvc_refusals

DRAWN = ROOT / "dvc_plots"
PAGE = ROOT / ".dvc" / "plots.html"

_VERSION = "5.21"
"""Of Vega-Lite: that of the templates in .dvc/plots."""

_SCALE = 1.5
"""Dots of a PNG for each of the page."""

_START = "window.draw = vegaEmbed;"
_LEAVE_OUT_WHAT_IS_EMPTY = """
window.vegaEmbed = (place, plot) =>
  plot.data ? draw(place, plot) : document.querySelector(place).remove();
"""
"""DVC also makes room for a plot without files, such as the curves of a branch that has none."""


def page() -> str:
    """The page that DVC fills in: its scripts are in it, and DVC's own `{scripts}` are left out."""
    scripts = vl_convert.javascript_bundle(_START, vl_version=_VERSION)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
{{refresh_tag}}
<meta charset="utf-8">
<title>Plots</title>
<script>{scripts}{_LEAVE_OUT_WHAT_IS_EMPTY}</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def install(folder: Path = ROOT / ".dvc") -> None:
    """Write the page and name it to DVC, in this clone alone."""
    (folder / PAGE.name).write_text(page(), encoding="utf-8")
    with Config(str(folder)).edit("local") as config:
        config["plots"]["html_template"] = PAGE.name


def draw(revisions: Sequence[str], destination: Path) -> tuple[list[Path], list[str]]:
    """Draw the workspace, beside `revisions` if there are any: the files that were written, and the
    plots that have no data.

    Raises CommandError when a revision is not known.
    """
    # DVC warns of what has no files.
    with dvc_refusals(), Repo(str(ROOT)) as repo, redirect_stderr(StringIO()):
        plots = repo.plots
        data = plots.diff(revs=[*revisions, "workspace"]) if revisions else plots.show()
        matches = match_defs_renderers(
            data, out=str(destination / "static"), templates_dir=plots.templates_dir
        )
    renderers = [match.renderer for match in matches]
    drawn = [renderer for renderer in renderers if renderer.datapoints]
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    written = [destination / "index.html"]
    render_html(drawn, written[0], str(PAGE))
    for renderer in drawn:
        written.append(destination / f"{_slug(renderer.name)}.png")
        written[-1].write_bytes(picture(renderer.get_filled_template()))
    return written, [renderer.name for renderer in renderers if renderer not in drawn]


def picture(plot: dict[str, Any]) -> bytes:
    """A Vega-Lite specification as PNG."""
    return vl_convert.vegalite_to_png(plot, vl_version=_VERSION, scale=_SCALE)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def plots(
    base: Annotated[
        list[str] | None, typer.Argument(envvar="BASE", help="Revisions to draw beside this one.")
    ] = None,
    page_only: Annotated[
        bool, typer.Option("--install", help="Only make the page that DVC's own commands fill.")
    ] = False,
) -> None:
    """Draw the plots of the last run into dvc_plots, beside those of other revisions."""
    install()
    if page_only:
        return
    written, empty = draw(base or [], DRAWN)
    print(written[0].as_uri(), *(path.relative_to(ROOT) for path in written[1:]), sep="\n")
    if empty:
        print("nothing to draw:", ", ".join(empty))
