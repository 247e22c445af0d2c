"""The settings: what is refused, in which words, and that nothing of it can be changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import compose_and_dump
from pydantic import ValidationError

from stages.common.settings import Settings, SettingsError, load
from tests.support.loopback import COMMIT, watched, write_catalogue
from tests.support.repository import ROOT

CONF = str(ROOT / "conf")
BRANCHES = ("text", "image")
NAN, INFINITE = float("nan"), float("inf")


@pytest.fixture(scope="module")
def compositions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Valid parameters of every kind, composed from conf/ once, by the name of the option."""
    folder = tmp_path_factory.mktemp("composed")
    write_catalogue(folder)
    (folder / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    options = {
        "cnn": ["image=cnn"],
        "mobilenet": ["image=mobilenet", f"image.weights={folder / 'weights.h5'}"],
        "efficientnet": ["image=efficientnet"],
        "lstm": ["text=lstm"],
        "folder": ["data=folder", f"data.path={folder}"],
        "url": ["data=url"],
        "huggingface": ["data=huggingface", f"data.revision={COMMIT}"],
    }
    path = folder / "composed.yaml"
    return {name: composed(path, *overrides) for name, overrides in options.items()}


def loaded(path: Path, parameters: object) -> Settings:
    path.write_text(yaml.safe_dump(parameters), encoding="utf-8")
    return load(path)


ABSENT = object()


def changed(parameters: dict[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """A copy with `changes` by dotted key; what is ABSENT is not in it."""
    copied = copy.deepcopy(parameters)
    for key, value in changes.items():
        before, _, file = key.partition(".sha256.")  # a file's name has a dot of its own
        *names, last = [*before.split("."), *(["sha256", file] if file else [])]
        section = copied
        for name in names:
            section = section[name]
        if value is ABSENT:
            del section[last]
        else:
            section[last] = value
    return copied


Refusal = Callable[[str, Mapping[str, object]], str]


@pytest.fixture
def refusal(compositions: dict[str, dict[str, Any]], tmp_path: Path) -> Refusal:
    """What is said of the parameters of an option with changes by dotted key."""

    def said(option: str, changes: Mapping[str, object]) -> str:
        with pytest.raises(SettingsError) as refused:
            loaded(tmp_path / "params.yaml", changed(compositions[option], changes))
        return str(refused.value)

    return said


def composed(path: Path, *overrides: str) -> dict[str, Any]:
    """What conf/ gives with these overrides; it is written to `path`."""
    compose_and_dump(path, CONF, None, "config", CONF, list(overrides))
    parameters: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parameters


def test_what_conf_composes_is_accepted(
    compositions: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    for parameters in compositions.values():
        settings = loaded(tmp_path / "params.yaml", parameters)
        assert settings.model_dump() == parameters


@pytest.mark.parametrize(
    ("option", "key", "value", "accepted"),
    [
        ("cnn", "data.products", 134, "greater than or equal to 135"),
        ("cnn", "data.products", -1, "greater than or equal to 135"),
        ("cnn", "data.unlabelled", 0, "greater than or equal to 1"),
        ("cnn", "data.seed", -1, "greater than or equal to 0"),
        ("cnn", "data.seed", 2**32, "less than 4294967296"),
        ("url", "data.path", "/local/folder", "match pattern"),
        ("url", "data.sha256.images.zip", "00", "match pattern"),
        ("huggingface", "data.path", "no-owner", "match pattern"),
        ("huggingface", "data.revision", None, "valid string"),
        *(
            ("huggingface", "data.revision", name, "make pin-source")
            for name in ("main", "v1", COMMIT[:7], f"{COMMIT}\n", COMMIT.upper())
        ),
        ("cnn", "prepare.validation_share", 0, "greater than 0"),
        ("cnn", "prepare.test_share", 0.5, "less than 0.5"),
        ("cnn", "prepare.test_share", NAN, ""),
        ("cnn", "train.epochs", 0, "greater than or equal to 1"),
        ("cnn", "train.epochs", 2.5, "valid integer"),
        ("cnn", "train.epochs", True, "valid integer"),
        ("cnn", "train.epochs", "many", "valid integer"),
        ("cnn", "train.epochs", None, "valid integer"),
        ("cnn", "train.patience", 0, "greater than or equal to 1"),
        ("cnn", "train.batch_size", -64, "greater than or equal to 1"),
        ("cnn", "train.class_weight", 1.1, "less than or equal to 1"),
        ("cnn", "train.class_weight", -0.1, "greater than or equal to 0"),
        ("cnn", "train.threads", 0, "greater than or equal to 1"),
        ("cnn", "image.size", -4, "greater than or equal to 16"),
        ("cnn", "image.size", 4096, "less than or equal to 256"),
        ("cnn", "image.filters", [], "at least 1 item"),
        ("cnn", "image.filters", "32", "valid list"),
        ("cnn", "image.dropout", 1.0, "less than 1"),
        ("cnn", "image.learning_rate", 0, "greater than 0"),
        ("cnn", "image.learning_rate", INFINITE, "less than or equal to 1"),
        ("cnn", "image.weights", "imagenet", "None"),
        ("mobilenet", "image.size", 31, "greater than or equal to 32"),
        ("mobilenet", "image.alpha", 0, "greater than 0"),
        ("mobilenet", "image.alpha", None, "expected a width of mobilenet"),
        ("efficientnet", "image.alpha", 1.0, "expected null"),
        ("efficientnet", "image.weights", "imagenet", "expected lite0 or lite2"),
        ("mobilenet", "image.weights", 5, "valid string"),
        ("mobilenet", "image.folds", 0, "greater than or equal to 1"),
        ("lstm", "text.designation_words", 0, "greater than or equal to 1"),
        ("lstm", "text.vocabulary", 99, "greater than or equal to 100"),
        ("lstm", "text.dropout", -0.1, "greater than or equal to 0"),
        ("lstm", "text.folds", 21, "less than or equal to 20"),
        ("cnn", "fusion.method", "mean", "'weighted' or 'stacked'"),
        ("cnn", "evaluate.precision", 0.5, "greater than 0.5"),
        ("cnn", "evaluate.precision", 1.0, "less than 1"),
        ("cnn", "evaluate.acceptance", "codes", "'state' or 'code'"),
        ("cnn", "evaluate.bins", 1, "greater than or equal to 2"),
        ("cnn", "predict.chunk", 0, "greater than or equal to 1"),
        ("cnn", "predict.chunk", 10_001, "less than or equal to 10000"),
        ("cnn", "predict", [1], "valid dictionary"),
        ("cnn", "text", None, "valid dictionary"),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_accepted(
    option: str, key: str, value: object, accepted: str, refusal: Refusal, tmp_path: Path
) -> None:
    said = refusal(option, {key: value})
    assert str(tmp_path / "params.yaml") in said
    assert f"{key} = {value!r}: " in said
    assert accepted in said
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize(
    ("key", "value", "known"),
    [
        ("data.source", "ftp", ["sample", "folder", "url", "huggingface"]),
        ("text.model", "bert", ["none", "lstm"]),
        ("image.model", "resnet", ["none", "cnn", "mobilenet", "vgg16"]),
    ],
)
def test_an_unknown_option_is_refused_with_those_there_are(
    key: str, value: str, known: list[str], refusal: Refusal
) -> None:
    said = refusal("cnn", {key: value})
    for word in (*key.split("."), value, *known):
        assert word in said


@pytest.mark.parametrize(
    "key", ["colour", "train.colour", "image.colour", "data.path", "text.colour"]
)
def test_an_unknown_key_is_refused(key: str, refusal: Refusal) -> None:
    assert f"{key} = 3: Extra inputs are not permitted" in refusal("cnn", {key: 3})


@pytest.mark.parametrize(
    "key",
    ["train", "train.seed", "image.size", "text.model", "data.watched", "data.watched.images"],
)
def test_a_missing_key_is_named(key: str, refusal: Refusal) -> None:
    said = refusal("cnn", {key: ABSENT})
    assert all(part in said for part in key.split("."))


def test_several_faults_are_told_at_once(refusal: Refusal) -> None:
    faults = {"image.size": -1, "train.epochs": 0, "fusion.method": "mean", "predict.chunk": 0}
    said = refusal("cnn", faults)
    assert len(said.splitlines()) == 1 + len(faults)
    for key, value in faults.items():
        assert f"{key} = {value!r}: " in said


def test_fusion_without_either_branch_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    none = {name: composed(tmp_path / "none.yaml", f"{name}=none")[name] for name in BRANCHES}
    assert "text, language and image are all none; expected at least one" in refusal("cnn", none)


@pytest.mark.parametrize("branch", BRANCHES)
def test_one_branch_may_be_none(branch: str, tmp_path: Path) -> None:
    composed(tmp_path / "params.yaml", f"{branch}=none")
    assert getattr(load(tmp_path / "params.yaml"), branch).model == "none"


def test_a_missing_weights_file_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    gone = {"image.weights": "gone.h5", "image.weights_file": str(tmp_path / "gone.h5")}
    said = refusal("mobilenet", gone)
    assert "image" in said
    assert "'gone.h5' is no file" in said
    assert str(tmp_path / "gone.h5") in said
    assert "imagenet, null or the path of a .h5 file" in said


@pytest.mark.parametrize("weights", ["imagenet", None])
def test_weights_need_no_file_of_their_own(
    compositions: dict[str, dict[str, Any]], weights: str | None, tmp_path: Path
) -> None:
    changes = {"image.weights": weights, "image.weights_file": "conf/image/mobilenet.yaml"}
    settings = loaded(tmp_path / "p.yaml", changed(compositions["mobilenet"], changes))
    assert settings.model_dump()["image"]["weights"] == weights


def test_a_missing_data_folder_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for name in ("gone", "file"):
        away = {"data.path": name, "data.watched": watched(tmp_path / name).model_dump()}
        said = refusal("folder", away)
        assert f"path {name!r} is no folder (looked at {tmp_path / name})" in said
        assert "X_train_update.csv, Y_train_CVw08PX.csv, X_test_update.csv, images.zip" in said


def test_a_folder_that_lacks_a_file_is_refused(refusal: Refusal, tmp_path: Path) -> None:
    write_catalogue(tmp_path / "mine")
    (tmp_path / "mine" / "images.zip").unlink()
    mine = {"data.path": "mine", "data.watched": watched(tmp_path / "mine").model_dump()}
    expected = f"path 'mine' lacks images.zip (looked at {tmp_path / 'mine'})"
    assert expected in refusal("folder", mine)


@pytest.mark.parametrize("content", ["", "3", "- 1", "a: [", "a: b: c"])
def test_what_is_no_mapping_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"params\.yaml"):
        load(tmp_path / "params.yaml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"params\.yaml cannot be read"):
        load(tmp_path / "params.yaml")


def test_settings_are_frozen(compositions: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    settings = loaded(tmp_path / "params.yaml", compositions["cnn"])
    for section in Settings.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, section, None)
        for name in type(getattr(settings, section)).model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(getattr(settings, section), name, None)
