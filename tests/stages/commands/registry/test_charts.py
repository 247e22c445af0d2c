"""Pictures of a result, whatever its codes are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from stages.commands.registry.charts import OTHERS, SHOWN, draw
from tests.support.rakuten import LABELS


def drawn(codes: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands at the axis of the confusion of products with these codes."""
    figures: list[Figure] = []
    save = Figure.savefig

    def kept(figure: Figure, path: Path) -> None:
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(Figure, "savefig", kept)
    table = pd.DataFrame({"actual": codes, "predicted": codes, "accepted": True})
    table.to_csv(folder / "confusion.csv", index=False)
    draw(folder, folder / "drawn")
    assert (folder / "drawn/confusion.png").read_bytes().startswith(b"\x89PNG")
    return [label.get_text() for label in figures[0].axes[0].get_xticklabels()]


def test_numbers_stand_alone_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{code} {label.english}" for code, label in LABELS.items()]
    assert drawn(names[::-1], tmp_path, monkeypatch) == list(map(str, LABELS))


def test_texts_stand_in_the_order_of_their_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drawn(["b > $x$", "NA", "a & co"], tmp_path, monkeypatch) == ["NA", "a & co", "b > $x$"]


def test_numbers_without_names_are_texts_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drawn(["10", "9"], tmp_path, monkeypatch) == ["9", "10"]


def test_of_many_codes_the_most_frequent_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [f"code {number:04}" for number in range(500)]
    found = drawn(many + many[:SHOWN], tmp_path, monkeypatch)
    assert found == [*many[:SHOWN], OTHERS]
