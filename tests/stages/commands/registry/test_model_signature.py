"""What the registered model says that it gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import Label, Labels, Node, stored
from stages.commands.registry.model_signature import signature
from stages.common.output import write_json


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ({10: Label("Livres", "Books"), 40: Label("Jeux", "Games")}, "long"),
        ({"Maison > Déco": Label("Déco", "Decor"), "10": Label("Livres", "Books")}, "string"),
    ],
)
def test_codes_are_of_the_kind_that_the_classifier_has(
    labels: Labels, kind: str, classifier_root: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(classifier_root / "models/classifier", tmp_path / "classifier")
    write_json(folder / LABELS_FILE, stored(labels))
    outputs = {column["name"]: column["type"] for column in signature(folder).outputs.to_dict()}
    assert outputs["predicted"] == kind
    assert outputs["label"] == "string"
    assert "path" not in outputs


def test_levels_have_their_columns(classifier_root: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(classifier_root / "models/classifier", tmp_path / "classifier")
    above = (Node(1, "Loisirs", "Leisure"),)
    write_json(folder / LABELS_FILE, stored({10: Label("Livres", "Books", above)}))
    names = [column["name"] for column in signature(folder).outputs.to_dict()]
    assert names[-2:] == ["path", "accepted_as"]
