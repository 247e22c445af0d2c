"""The configuration tree, the committed composition of its defaults, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from dvc.utils.hydra import compose_and_dump
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from stages.settings import SettingsError, load

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"


def composed(path: Path, *overrides: str) -> Path:
    compose_and_dump(path, str(CONF), None, "config", str(CONF), list(overrides))
    return path


def test_params_are_the_composition_of_the_defaults(tmp_path: Path) -> None:
    expected = composed(tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert (ROOT / "params.yaml").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    ("text", "image"),
    [
        pair
        for pair in itertools.product(
            [path.stem for path in (CONF / "text").glob("*.yaml")],
            [path.stem for path in (CONF / "image").glob("*.yaml")],
        )
        if pair != ("none", "none")
    ],
)
def test_every_pair_of_branches_is_accepted(text: str, image: str, tmp_path: Path) -> None:
    for fusion in ("weighted", "stacked"):
        path = composed(
            tmp_path / "params.yaml", f"text={text}", f"image={image}", f"fusion={fusion}"
        )
        assert load(path).fusion.method == fusion


def test_every_source_is_accepted(tmp_path: Path) -> None:
    for source in ("url", "huggingface", "sample"):
        assert load(composed(tmp_path / "p.yaml", f"data={source}")).data.source == source
    data = load(composed(tmp_path / "p.yaml", "data=folder", f"data.path={tmp_path}")).data
    assert data.dependency == str(tmp_path)


def test_a_path_is_relative_to_the_repository(tmp_path: Path) -> None:
    data = load(composed(tmp_path / "p.yaml", "data=folder", "data.path=tests")).data
    assert data.dependency == str(ROOT / "tests")


@pytest.mark.parametrize(
    "overrides",
    [("image=mobilenet", "image.weights=no/such"), ("data=folder", "data.path=no/such")],
)
def test_a_path_that_does_not_exist_is_refused_on_composition(
    overrides: tuple[str, str], tmp_path: Path
) -> None:
    with pytest.raises(OmegaConfBaseException, match="no/such"):
        composed(tmp_path / "p.yaml", *overrides)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["image.size=-4"], ["image.size = -4", "greater than or equal to 16"]),
        (["train.epochs=0"], ["train.epochs = 0"]),
        (["data.products=12"], ["data.products = 12", "135"]),
        (["data.seed=abc"], ["data.seed = 'abc'", "integer"]),
        (["text=none", "image=none"], ["text and image are both none"]),
        (["+train.unknown=1"], ["train.unknown", "not permitted"]),
        (["evaluate.precision=1.2"], ["evaluate.precision = 1.2"]),
        (["prepare.test_share=0.7", "train.threads=0"], ["test_share = 0.7", "threads = 0"]),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_accepted(
    overrides: list[str], named: list[str], tmp_path: Path
) -> None:
    path = composed(tmp_path / "params.yaml", *overrides)
    with pytest.raises(SettingsError) as refusal:
        load(path)
    for words in named:
        assert words in str(refusal.value)


def test_settings_are_frozen() -> None:
    settings = load(ROOT / "params.yaml")
    with pytest.raises(ValidationError):
        settings.train.epochs = 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml cannot be read"):
        load(tmp_path / "absent.yaml")
