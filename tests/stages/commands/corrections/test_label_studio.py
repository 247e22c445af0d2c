"""Label Studio: tasks with predictions, the interface they need, and annotations that come back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from serving.classifier.classifier import LABELS_FILE
from serving.listing.labels import Label, Labels, Node, stored
from stages.commands.__main__ import main
from stages.commands.corrections import label_studio_import, label_studio_tasks
from stages.commands.corrections.label_studio import FormatError, Interface
from stages.commands.exit_codes import ExitCode
from tests.support import tiny
from tests.support.entries import MODEL, Review, answered, waiting

FLAT: Labels = {10: Label("Livre d'occasion & neuf", "Used book"), 2583: Label("2583", "2583")}
LEVELS: Labels = {
    "a > <été>": Label("Été", "Summer", (Node("a", "Maison", "Home"),)),
    "b": Label("Jeux", "Games"),
}


@pytest.fixture
def review(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Review:
    """A database, and a classifier with the codes of FLAT."""
    monkeypatch.chdir(tmp_path)
    for command in (label_studio_tasks, label_studio_import):
        monkeypatch.setattr(command, "ROOT", tmp_path)
    labels = tmp_path / "models" / "classifier" / LABELS_FILE
    labels.parent.mkdir(parents=True)
    labels.write_text(json.dumps(stored(FLAT)), encoding="utf-8")
    review = Review(tmp_path / "corrections.sqlite3")
    monkeypatch.setenv("DATABASE", review.address)
    return review


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["corrections", *words])
    return int(ended.value.code or 0)


def tasks() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(Path("tasks.json").read_text("utf-8"))
    return read


def annotated(task: dict[str, Any], *choices: str, **changes: Any) -> dict[str, Any]:
    """A task as it is exported, annotated with one choice after the other."""
    annotations = [
        {
            "was_cancelled": False,
            "updated_at": f"2026-11-26T10:00:{number:02}Z",
            "result": [
                {
                    "from_name": "code",
                    "to_name": "designation",
                    "type": "choices",
                    "value": {"choices": [choice]},
                }
            ],
            **changes,
        }
        for number, choice in enumerate(choices)
    ]
    return {"id": 1, "data": task["data"], "annotations": annotations}


def test_what_waits_becomes_tasks_with_predictions(review: Review) -> None:
    picture = tiny.picture("red")
    shown = answered("Été", "d", identifier="7", picture=picture)
    gone = answered("Autre", code=4711)
    review.queue.put([waiting(shown, (10, "Livre", 0.5)), waiting(gone)])
    assert run("label-studio-tasks") == 0
    first, second = sorted(tasks(), key=lambda task: task["data"]["designation"], reverse=True)
    assert first["data"] == {
        "product": shown.product,
        "id": "7",
        "designation": "Été",
        "description": "d",
        "picture": f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}",
    }
    [prediction] = first["predictions"]
    assert prediction["model_version"] == MODEL
    assert prediction["score"] == 0.5
    [result] = prediction["result"]
    assert result["value"] == {"choices": ["10 Livre d'occasion & neuf"]}
    assert second["predictions"] == []
    assert second["data"]["picture"] == ""

    view = ElementTree.fromstring(Path("tasks.xml").read_text("utf-8"))  # noqa: S314
    named = {each.get("name"): each.tag for each in view.iter() if each.get("name")}
    assert named == {
        "picture": "Image",
        "designation": "Text",
        "description": "Text",
        "code": "Choices",
    }
    assert result["from_name"] in named
    assert result["to_name"] in named
    values = [each.get("value") for each in view.iter("Choice")]
    assert values == ["10 Livre d'occasion & neuf", "2583"]
    asked = {each.get("value", "").removeprefix("$") for each in view.iter("Text")}
    assert asked <= set(first["data"])


def test_nothing_that_waits_is_said(review: Review) -> None:
    assert run("label-studio-tasks") == ExitCode.NOTHING
    assert not Path("tasks.json").exists()


def test_annotations_become_corrections_once(
    review: Review, capsys: pytest.CaptureFixture[str]
) -> None:
    products = [answered(f"Produit {number}") for number in range(4)]
    review.queue.put([waiting(product) for product in products])
    assert run("label-studio-tasks") == 0
    by_name = {task["data"]["designation"]: task for task in tasks()}
    export = [
        annotated(by_name["Produit 0"], "2583"),
        annotated(by_name["Produit 1"], "2583", "10 Livre d'occasion & neuf"),
        annotated(by_name["Produit 2"], "2583", was_cancelled=True),
        annotated(by_name["Produit 3"]),
        annotated({"data": {"product": "f" * 32}}, "2583"),
    ]
    Path("export.json").write_text(json.dumps(export), encoding="utf-8")
    words = ("label-studio-import", "--tasks", "export.json", "--reviewer", "alice")
    assert run(*words) == 0
    assert "2 corrections of alice, 0 that were there already" in (said := capsys.readouterr().out)
    assert f"1 products are no longer in the database, and were left out: {'f' * 32}" in said
    entries = list(review.corrections.entries())
    assert [(each.product, each.code, each.reviewer, each.reason) for each in entries] == [
        (products[0].product, 2583, "alice", "uncertain"),
        (products[1].product, 10, "alice", "uncertain"),
    ]
    assert review.queue.count() == 2
    assert run(*words) == 0
    assert "0 corrections of alice, 2 that were there" in capsys.readouterr().out
    assert len(list(review.corrections.entries())) == 2


@pytest.mark.parametrize(
    ("export", "message"),
    [
        ('{"a": 1}', "expected a list of tasks, found dict"),
        ('[{"id": 1, "code": "2583"}]', "task 1 is none of these tasks"),
        ("no json", "export.json is no JSON"),
        ("[]", "no task is annotated"),
    ],
)
def test_what_is_no_export_is_refused(
    review: Review, export: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("export.json").write_text(export, encoding="utf-8")
    assert run("label-studio-import", "--tasks", "export.json", "--reviewer", "a") in (2, 3)
    assert message in capsys.readouterr().err


def test_an_unknown_code_is_told_and_nothing_is_taken(
    review: Review, capsys: pytest.CaptureFixture[str]
) -> None:
    product = answered()
    review.queue.put([waiting(product)])
    task = {"data": {"product": product.product}}
    Path("export.json").write_text(
        json.dumps([annotated(task, "2583"), annotated(task, "4711 Autre")]), encoding="utf-8"
    )
    words = ("label-studio-import", "--tasks", "export.json", "--reviewer", "a")
    assert run(*words) == ExitCode.UNUSABLE
    assert f"task 2 (product {product.product}): '4711 Autre' is no code" in capsys.readouterr().err
    assert not list(review.corrections.entries())


def test_codes_with_levels_are_chosen_by_their_path() -> None:
    interface = Interface(LEVELS)
    task = interface.task(waiting(answered(code="a > <été>")), pictures=False)
    [prediction] = task["predictions"]
    [result] = prediction["result"]
    assert result["type"] == "taxonomy"
    assert result["value"] == {"taxonomy": [["a Maison", "a > <été> Été"]]}
    view = ElementTree.fromstring(interface.xml(pictures=False))  # noqa: S314
    [taxonomy] = view.iter("Taxonomy")
    assert [each.get("value") for each in taxonomy] == ["a Maison", "b Jeux"]
    assert [each.get("value") for each in taxonomy[0]] == ["a > <été> Été"]
    exported = {**task, "annotations": [{"result": [result]}]}
    [found] = interface.annotated([exported])
    assert found.code == "a > <été>"
    result["value"]["taxonomy"] = [["a Maison"]]
    with pytest.raises(FormatError, match="'a Maison' is no code"):
        interface.annotated([exported])
