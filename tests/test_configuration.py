"""The configuration tree, the committed composition of its defaults, and what is refused."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.exceptions import DvcException
from dvc.utils.hydra import compose_and_dump
from pydantic import ValidationError

from stages.common.settings import SettingsError, load
from tests.support.loopback import COMMIT, watched, write_catalogue
from tests.support.repository import ROOT, attempt, called, clone, git

CONF = ROOT / "conf"
GROUPS = ("text", "image")


def composed(path: Path, *overrides: str) -> Path:
    compose_and_dump(path, str(CONF), None, "config", str(CONF), list(overrides))
    return path


def test_params_are_the_composition_of_the_defaults(tmp_path: Path) -> None:
    expected = composed(tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert (ROOT / "params.yaml").read_text(encoding="utf-8") == expected


def test_every_pair_of_branches_is_accepted(tmp_path: Path) -> None:
    """And every fusion of each branch: for one picture after the other they take turns."""
    texts, images = (sorted(path.stem for path in (CONF / of).glob("*.yaml")) for of in GROUPS)
    for number, pair in enumerate(itertools.product(texts, images)):
        if pair != ("none", "none"):
            fusion = ("weighted", "stacked")[(number // len(images) + number) % 2]
            options = [f"{group}={name}" for group, name in zip(GROUPS, pair, strict=True)]
            path = composed(tmp_path / "params.yaml", *options, f"fusion={fusion}")
            assert load(path).fusion.method == fusion, pair


@pytest.mark.slow
def test_every_option_has_a_model_and_every_model_an_option() -> None:
    """Settings name the module that holds their model, and are loaded without Keras."""
    code = """if True:
        import sys
        from importlib import import_module
        from stages.common.settings import Settings
        assert "keras" not in sys.modules
        for section in ("text", "image"):
            _, *options = Settings.model_fields[section].annotation.__args__
            for settings in options:
                assert import_module(settings.module).MODEL.settings is settings, settings
                for name in settings.model_fields["model"].annotation.__args__:
                    print(section, name)
    """
    done = called(ROOT, sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    files = [path for section in ("text", "image") for path in (CONF / section).glob("*.yaml")]
    options = [f"{path.parent.name} {path.stem}" for path in files if path.stem != "none"]
    assert sorted(done.stdout.splitlines()) == sorted(options)


def test_the_named_combinations_are_what_they_are_named_for(tmp_path: Path) -> None:
    found = {}
    for path in (CONF / "experiment").glob("*.yaml"):
        pinned = (f"data.revision={COMMIT}",) if path.stem == "full" else ()
        of = load(composed(tmp_path / "params.yaml", f"experiment={path.stem}", *pinned))
        found[path.stem] = (of.data.source, of.text.model, of.image.model, of.fusion.method)
    assert found == {
        "best": ("sample", "ngrams", "efficientnet", "stacked"),
        "original": ("sample", "lstm", "vgg16", "weighted"),
        "fast": ("sample", "ngrams", "efficientnet", "stacked"),
        "full": ("huggingface", "ngrams", "efficientnet", "stacked"),
    }


def test_the_fast_combination_is_what_is_committed(tmp_path: Path) -> None:
    fast = composed(tmp_path / "params.yaml", "experiment=fast").read_text(encoding="utf-8")
    assert fast == (ROOT / "params.yaml").read_text(encoding="utf-8")


def compose_there(repository: Path) -> subprocess.CompletedProcess[str]:
    return attempt(repository, "stages.commands", "pipeline", "params")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.slow
def test_an_edit_by_hand_is_not_overwritten_but_told_what_to_do(tmp_path: Path) -> None:
    repository = clone(tmp_path)
    params = repository / "params.yaml"
    committed = params.read_text(encoding="utf-8")
    edit(params, "penalty: 0.25", "penalty: 0.75")
    edited = params.read_text(encoding="utf-8")
    refused = compose_there(repository)
    assert refused.returncode == 1
    run = attempt(repository, "dvc", "exp", "run", "-S", "train.epochs=1", "ingest")
    assert run.returncode != 0
    for message in (refused.stderr, run.stderr):
        assert "params.yaml was edited by hand" in message
        assert "+  penalty: 0.75" in message
        assert "dvc exp run -S" in message
        assert "make params" in message
        assert "Traceback" not in message
    assert params.read_text(encoding="utf-8") == edited
    params.write_text(committed, encoding="utf-8")
    assert compose_there(repository).returncode == 0


@pytest.mark.slow
def test_a_change_of_the_tree_is_composed_again_and_again(tmp_path: Path) -> None:
    repository = clone(tmp_path)
    for old, new in (("penalty: 0.25", "penalty: 0.5"), ("penalty: 0.5", "penalty: 0.75")):
        edit(repository / "conf/text/ngrams.yaml", old, new)
        done = compose_there(repository)
        assert done.returncode == 0, done.stderr
        assert "composed anew" in done.stdout
        assert new in (repository / "params.yaml").read_text(encoding="utf-8")
    assert "already" in compose_there(repository).stdout


def test_every_source_is_accepted(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "mine")
    for source, more in {
        "url": [],
        "huggingface": [f"data.revision={COMMIT}"],
        "sample": [],
        "folder": [f"data.path={tmp_path / 'mine'}"],
    }.items():
        assert load(composed(tmp_path / "p.yaml", f"data={source}", *more)).data.source == source
    assert load(tmp_path / "p.yaml").data.watched == watched(tmp_path / "mine")


@pytest.mark.parametrize("address", ["https://example.org/data", "s3://bucket/data/"])
def test_the_files_at_an_address_are_watched(address: str, tmp_path: Path) -> None:
    data = load(composed(tmp_path / "p.yaml", "data=url", f"data.path={address}")).data
    assert data.watched == watched(address.rstrip("/"))


@pytest.mark.parametrize(
    "address",
    ["https://me:secret@example.org/data", "https://example.org/data?key=s", "gs://b/data"],
)
def test_what_dvc_could_not_ask_is_not_watched(address: str, tmp_path: Path) -> None:
    data = load(composed(tmp_path / "p.yaml", "data=url", f"data.path='{address}'")).data
    assert set(data.watched.model_dump().values()) == {"conf/data/url.yaml"}


def test_a_revision_that_is_no_commit_is_refused_on_composition(tmp_path: Path) -> None:
    with pytest.raises(DvcException, match=r"data\.revision = 'main'.*make pin-source"):
        composed(tmp_path / "p.yaml", "data=huggingface")
    assert not (tmp_path / "p.yaml").exists()


def test_a_path_is_relative_to_the_repository(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "mine")
    way = os.path.relpath(tmp_path / "mine", ROOT)
    data = load(composed(tmp_path / "p.yaml", "data=folder", f"data.path={way}")).data
    assert data.watched == watched(tmp_path / "mine")


@pytest.mark.parametrize(
    ("option", "key"), [("image=mobilenet", "image.weights"), ("data=folder", "data.path")]
)
def test_a_path_that_does_not_exist_is_refused_on_composition(
    option: str, key: str, tmp_path: Path
) -> None:
    with pytest.raises(DvcException, match=rf"^{key} = 'no/such': does not exist"):
        composed(tmp_path / "p.yaml", option, f"{key}=no/such")
    assert not (tmp_path / "p.yaml").exists()


def test_a_file_that_is_no_weights_file_is_refused_on_composition(tmp_path: Path) -> None:
    with pytest.raises(DvcException, match=r"image\.weights 'README.md' is no weights file"):
        composed(tmp_path / "p.yaml", "image=mobilenet", "image.weights=README.md")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("data.path=/nope",), "choose one that has it: -S data=folder -S data.path=…"),
        (("text=lstm", "text.bits=3"), "choose one that has it: -S text=ngrams -S text.bits=…"),
        (("train.epoch=3",), "expected one of train.batch_size, train.class_weight, train.epochs"),
        (("colour=red",), "expected one below compare, data, evaluate, experiment, fusion"),
        (("data=nowhere",), "Available options in 'data'"),
    ],
)
def test_an_unknown_key_is_refused_with_advice_that_works(
    overrides: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DvcException) as refusal:
        composed(tmp_path / "p.yaml", *overrides)
    assert words in str(refusal.value)
    assert "append" not in str(refusal.value)
    write_catalogue(tmp_path / "mine")
    advised = composed(tmp_path / "p.yaml", "data=folder", f"data.path={tmp_path / 'mine'}")
    assert load(advised).data.source == "folder"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (("train.epochs=-1",), "train.epochs = -1: Input should be greater"),
        (("fusion.method=mean",), "fusion.method = 'mean'"),
        (("+data.path=/nope",), "data.path = '/nope': Extra inputs are not permitted"),
        (("data.path=/nope",), "data.path is no setting of the option chosen"),
    ],
)
def test_a_refused_experiment_changes_nothing(
    overrides: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    repository = clone(tmp_path)
    done = attempt(
        repository, "dvc", "exp", "run", *(word for each in overrides for word in ("-S", each))
    )
    assert done.returncode != 0
    assert done.stderr.count(named) == 1
    assert "params.yaml and all results are as they were" in done.stderr
    assert not {"Traceback", "pydantic", "Running stage"} & set(done.stderr.split())
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_params_edited_into_nonsense_are_refused_before_dvc_removes_a_thing(tmp_path: Path) -> None:
    repository = clone(tmp_path)
    edit(repository / "params.yaml", "method: stacked", "method: mean")
    done = attempt(repository, "stages.commands", "pipeline", "repair-lock")
    assert done.returncode == 2
    assert "params.yaml is refused:\n  fusion.method = 'mean'" in done.stderr
    assert "Traceback" not in done.stderr
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.index("pipeline repair-lock") < makefile.index("@dvc repro")


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["image.size=-4"], ["image.size = -4", "greater than or equal to 32"]),
        (["train.epochs=0"], ["train.epochs = 0"]),
        (["data.products=12"], ["data.products = 12", "135"]),
        (["data.seed=abc"], ["data.seed = 'abc'", "integer"]),
        (["text=none", "image=none"], ["text, language and image are all none"]),
        (["+train.unknown=1"], ["train.unknown", "not permitted"]),
        (["evaluate.precision=1.2"], ["evaluate.precision = 1.2"]),
        (["evaluate.acceptance=both"], ["evaluate.acceptance = 'both'", "'state' or 'code'"]),
        (["prepare.test_share=0.7", "train.threads=0"], ["test_share = 0.7", "threads = 0"]),
    ],
)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_accepted(
    overrides: list[str], named: list[str], tmp_path: Path
) -> None:
    with pytest.raises(DvcException) as refusal:
        composed(tmp_path / "params.yaml", *overrides)
    for words in named:
        assert words in str(refusal.value)
    assert not (tmp_path / "params.yaml").exists()


def test_settings_are_frozen() -> None:
    settings = load(ROOT / "params.yaml")
    with pytest.raises(ValidationError):
        settings.train.epochs = 3  # type: ignore[misc]  # that is what is refused


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.yaml cannot be read"):
        load(tmp_path / "absent.yaml")
