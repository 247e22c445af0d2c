"""Plots without a network: a page that carries its scripts, pictures, and what is drawn in them."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import vl_convert
import yaml
from dvc_render import VegaRenderer

from stages.commands.results import plots
from tests.support import tracked
from tests.support.repository import ROOT, attempt, clone, run

CODES = ("10 Used books", "40 Imported video games", "1140 Figurines", "2905 PC games")
"""In this order; by their letters they would stand in another."""


def drawn(title: str, rows: list[dict[str, Any]]) -> str:
    """The plot `title` of dvc.yaml over `rows`, as SVG."""
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    (properties,) = [plot[title] for plot in declared if title in plot]
    sources = [{"filename": name, "field": field} for name, field in properties["y"].items()]
    (column,) = {source["field"] for source in sources}
    named = {**properties, "y": column, "anchors_y_definitions": sources}
    named["template_dir"] = str(ROOT / ".dvc/plots")
    points = [{"rev": "workspace", **row} for row in rows]
    filled = VegaRenderer(points, title, **named).get_filled_template()
    assert plots.picture(filled).startswith(b"\x89PNG")
    return vl_convert.vegalite_to_svg(filled, vl_version="5.21")


def words(svg: str) -> list[str]:
    return [unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg) if text]


def test_codes_stand_in_the_order_of_their_numbers_with_their_names() -> None:
    backwards = list(reversed(CODES))
    confusion = [{"actual": code, "predicted": code} for code in backwards]
    scores = [{"code": code, "f1": "0.5", "support": "2"} for code in backwards]
    for svg, axes in (
        (drawn("Confusion", confusion), 2),
        (drawn("F1 of each code", scores), 1),
    ):
        labels = [word for word in words(svg) if word in CODES]
        assert labels == list(CODES) * axes


def test_confusion_tells_counts_and_shares_of_the_code() -> None:
    taken = [(CODES[0], CODES[0])] * 3 + [(CODES[0], CODES[1])] + [(CODES[1], CODES[1])] * 7
    told = words(drawn("Confusion", [{"actual": a, "predicted": p} for a, p in taken]))
    for count, share in (("3", "75%"), ("1", "25%"), ("7", "100%")):
        assert count in told
        assert share in told


def test_a_code_that_is_never_answered_has_its_column_all_the_same() -> None:
    told = words(drawn("Confusion", [{"actual": CODES[2], "predicted": CODES[0]}]))
    assert [word for word in told if word in CODES] == [CODES[0], CODES[2]] * 2


MANY = [f"Maison > Sous-sol {number:04}" for number in range(300)]


def test_of_many_codes_the_most_frequent_are_drawn() -> None:
    pairs = [(code, code) for code in MANY] + [(code, MANY[0]) for code in MANY[240:]] * 2
    confusion = drawn("Confusion", [{"actual": a, "predicted": p} for a, p in pairs])
    shown = [MANY[0], *MANY[240:299], "other codes"]
    assert [word for word in words(confusion) if word in (*MANY, "other codes")] == shown * 2
    scores = [{"code": code, "f1": "0.5", "support": str(n)} for n, code in enumerate(MANY)]
    assert [word for word in words(drawn("F1 of each code", scores)) if word in MANY] == MANY[240:]


def test_reliability_has_its_diagonal_and_counts() -> None:
    rows = [
        {"confidence": "0.25", "accuracy": "0.3", "share": "0.1", "products": "17"},
        {"confidence": "0.95", "accuracy": "0.9", "share": "0.9", "products": "153"},
    ]
    svg = drawn("Reliability", rows)
    assert {"17", "153"} <= set(words(svg))
    assert 'd="M0,420L420,0"' in svg


def test_a_table_of_an_earlier_version_has_no_counts_and_is_drawn() -> None:
    svg = drawn("Reliability", [{"confidence": "0.25", "accuracy": "0.3", "share": "0.1"}])
    assert "NaN" not in words(svg)


def test_curves_tell_training_from_validation() -> None:
    rows = [
        {"step": str(step), "loss": "0.5", "filename": f"m/plots/metrics/{part}/loss.tsv"}
        for step in range(3)
        for part in ("train", "eval")
    ]
    told = words(drawn("Loss of the image branch", rows))
    assert {"training", "validation", "epoch"} <= set(told)


def test_the_page_carries_its_scripts() -> None:
    page = plots.page()
    assert "{plot_divs}" in page
    assert "{scripts}" not in page
    head = page.partition("{plot_divs}")[0]
    assert not re.search(r"<(script|link)[^>]*(src|href)=", head)
    assert len(re.findall("</script", page)) == 1


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with the committed metrics, and curves of the image branch alone."""
    repository = clone(tmp_path_factory.mktemp("plots"))
    tracked.write_curves(repository)
    return repository


@pytest.mark.slow
def test_make_plots_draws_a_page_and_pictures_and_nothing_empty(repository: Path) -> None:
    printed = run(repository, "stages.commands", "results", "plots")
    assert "nothing to draw: Loss of the text branch, Accuracy of the text branch" in printed
    page = (repository / "dvc_plots/index.html").read_text(encoding="utf-8")
    assert "text branch" not in page
    assert not re.search(r"<script[^>]*src=", page)
    pictures = {path.name for path in (repository / "dvc_plots").glob("*.png")}
    assert pictures == {
        *("confusion.png", "f1-of-each-code.png", "reliability.png"),
        *("coverage-against-precision.png", "loss-of-the-image-branch.png"),
        "accuracy-of-the-image-branch.png",
    }
    assert all(f"dvc_plots/{name}" in printed for name in pictures)


@pytest.mark.slow
def test_dvcs_own_commands_draw_into_the_page_as_well(repository: Path) -> None:
    run(repository, "stages.commands", "results", "plots", "--install")
    for command in (("show",), ("diff", "HEAD")):
        run(repository, "dvc", "plots", *command, "--out", "own")
        page = (repository / "own/index.html").read_text(encoding="utf-8")
        assert not re.search(r"<script[^>]*src=", page)
        assert "Reliability" in page


@pytest.mark.slow
def test_an_unknown_revision_is_named_and_what_is_drawn_stays(repository: Path) -> None:
    (repository / "dvc_plots").mkdir(exist_ok=True)
    (repository / "dvc_plots/index.html").write_text("drawn before", encoding="utf-8")
    done = attempt(repository, "stages.commands", "results", "plots", "nowhere")
    assert done.returncode == 1
    assert "unknown Git revision 'nowhere'" in done.stderr
    assert (repository / "dvc_plots/index.html").read_text(encoding="utf-8") == "drawn before"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Debian's chromium")
def test_a_browser_without_network_draws_every_plot(repository: Path, tmp_path: Path) -> None:
    run(repository, "stages.commands", "results", "plots")
    # A proxy where nobody listens: whatever the page asks for is not there.
    browser = ("chromium", "--headless", "--no-sandbox", "--proxy-server=127.0.0.1:9", "--dump-dom")
    page = (repository / "dvc_plots/index.html").as_uri()
    done = subprocess.run(  # noqa: S603
        [*browser, f"--user-data-dir={tmp_path}", "--virtual-time-budget=30000", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count('class="marks"') == 6
