"""The ingest stage: which source it turns to, what it prints, and how it fails."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stages import ingest
from stages.common.paths import FILES, IMAGES
from stages.common.settings import (
    Data,
    FolderData,
    HuggingFaceData,
    SampleData,
    UrlData,
)
from stages.sources import huggingface, url
from stages.sources.sample import listings as sample
from stages.sources.transfer import SourceError
from tests.support.loopback import COMMIT, assert_is_catalogue, watched, write_catalogue


class Settings:
    """The one section that the stage reads."""

    def __init__(self, data: Data) -> None:
        self.data = data


@pytest.fixture
def catalogue_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderData:
    """The settings of a folder source; the working directory is a fresh one."""
    write_catalogue(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    return FolderData(source="folder", path="mine", watched=watched(tmp_path / "mine"))


def run_stage(monkeypatch: pytest.MonkeyPatch, data: Data) -> None:
    monkeypatch.setattr(ingest, "load", lambda: Settings(data))
    ingest.ingest()


def test_fills_data_raw_and_tells_what_is_there(
    catalogue_folder: FolderData,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_stage(monkeypatch, catalogue_folder)
    content = write_catalogue(Path("expected"))
    assert_is_catalogue(Path("data/raw"), content)
    printed = capsys.readouterr().out
    for name in FILES:
        (line,) = [line for line in printed.splitlines() if line.startswith(name)]
        assert f"{len(content[name]):,} bytes" in line
        assert line.endswith(hashlib.sha256(content[name]).hexdigest()[:12])


def test_failing_source_is_told_in_one_paragraph_and_leaves_nothing(
    catalogue_folder: FolderData, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path("mine") / IMAGES).unlink()
    with pytest.raises(SourceError) as caught:
        run_stage(monkeypatch, catalogue_folder)
    assert IMAGES in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(Path("data/raw").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "module", "function", "received"),
    [
        (
            SampleData(source="sample", products=300, unlabelled=20, seed=3, watched=watched()),
            *(sample, "generate"),
            ((Path("raw"),), {"products": 300, "unlabelled": 20, "seed": 3}),
        ),
        (
            UrlData(source="url", path="s3://a/b", sha256={IMAGES: "0" * 64}, watched=watched()),
            *(url, "fetch"),
            (("s3://a/b", {IMAGES: "0" * 64}, Path("raw")), {}),
        ),
        (
            HuggingFaceData(
                source="huggingface", path="a/b", revision=COMMIT, sha256={}, watched=watched()
            ),
            *(huggingface, "fetch_catalogue"),
            (("a/b", COMMIT, {}, Path("raw")), {}),
        ),
    ],
    ids=["sample", "url", "huggingface"],
)
def test_turns_to_the_configured_source(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    data: Data,
    module: object,
    function: str,
    received: object,
) -> None:
    calls: list[object] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, function, lambda *args, **kwargs: calls.append((args, kwargs)))
    ingest.bring(data, Path("raw"))
    assert calls == [received]


def test_folder_is_taken_where_it_is_watched(
    catalogue_folder: FolderData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moved = catalogue_folder.model_copy(update={"path": "somewhere/else"})
    ingest.bring(moved, tmp_path / "raw")
    assert sorted(path.name for path in (tmp_path / "raw").iterdir()) == sorted(FILES)
