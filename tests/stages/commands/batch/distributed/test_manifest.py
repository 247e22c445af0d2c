"""A run goes on from its manifest, with what it was begun with alone."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stages.commands.batch.answer_rows import Outcome
from stages.commands.batch.distributed import manifest, storage
from stages.commands.batch.distributed.manifest import NAME, Manifest, Origin, Written
from stages.commands.batch.distributed.shards import Shard
from stages.commands.batch.distributed.storage import File
from stages.common.output import StageError

ORIGIN = Origin("1.dir", "2", [File("s3://a.csv", 3, "4")], [], "", 64, 32)
SHARDS = [Shard(f"part-{number}", "s3://a.csv", 64 * number, 64) for number in range(3)]


@pytest.fixture
def begun(tmp_path: Path) -> Manifest:
    """A run of which the first shard is answered."""
    begun = Manifest(f"file://{tmp_path}/out", ORIGIN, SHARDS, {})
    begun.save()
    (tmp_path / "out" / SHARDS[0].name).write_bytes(b"12345")
    begun.add(SHARDS[0].name, Written(5, Outcome(64, 60, 50, 2, 1)))
    begun.save()
    return begun


def test_what_is_written_is_not_open(begun: Manifest) -> None:
    again = Manifest.read(begun.address, ORIGIN)
    assert again is not None
    assert again.open == SHARDS[1:]
    assert again.outcome == Outcome(64, 60, 50, 2, 1)
    begun.verify()


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"1234")])
def test_a_shard_that_is_not_there_as_it_was_is_open(
    spoil: object, begun: Manifest, tmp_path: Path
) -> None:
    assert callable(spoil)
    spoil(tmp_path / "out" / SHARDS[0].name)
    again = Manifest.read(begun.address, ORIGIN)
    assert again is not None
    assert again.open == SHARDS
    with pytest.raises(StageError, match="part-0 was written and is not there"):
        begun.verify()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"classifier": "9.dir"}, r"classifier was 1\.dir, is 9\.dir"),
        ({"code": "9"}, "code was 2, is 9"),
        ({"catalogue": [File("s3://a.csv", 3, "9")]}, "catalogue was .*'4'}, is .*'9'}"),
        ({"catalogue": []}, "catalogue was 1 files, is 0 files"),
        ({"pictures": [File("s3://a.zip", 3, "4")]}, "pictures was 0 files, is 1 files"),
        ({"rows_at_once": 16}, "rows at once was 32, is 16"),
    ],
)
def test_another_run_is_refused(other: dict[str, Any], words: str, begun: Manifest) -> None:
    with pytest.raises(StageError, match=f"has answers of another run: {words}; name another"):
        Manifest.read(begun.address, replace(ORIGIN, **other))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"origin": {}}'])
def test_a_damaged_manifest_is_told(content: str, begun: Manifest, tmp_path: Path) -> None:
    (tmp_path / "out" / NAME).write_text(content, encoding="utf-8")
    with pytest.raises(StageError, match=r"manifest\.json is damaged"):
        Manifest.read(begun.address, ORIGIN)


def test_where_nothing_was_begun_there_is_none(tmp_path: Path) -> None:
    assert Manifest.read(f"file://{tmp_path}/no", ORIGIN) is None


def test_it_is_not_written_for_every_shard_of_many(
    begun: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []
    monkeypatch.setattr(manifest, "write", lambda *_: saved.append(1))
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    begun.save()
    for _ in range(9):
        begun.add(SHARDS[1].name, Written(5, Outcome()))
    assert len(saved) == 1
    now += 3
    begun.add(SHARDS[2].name, Written(5, Outcome()))
    assert len(saved) == 2


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"file://{tmp_path}/out/a"
    storage.write(address, b"first")
    fs, _ = storage.filesystem(address)

    def full(path: str, _: bytes) -> None:
        Path(path).write_bytes(b"hal")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fs, "pipe_file", full)
    with pytest.raises(OSError, match="No space"):
        storage.write(address, b"second")
    assert (tmp_path / "out/a").read_bytes() == b"first"
    assert len(list((tmp_path / "out").iterdir())) == 2
    storage.sweep(f"file://{tmp_path}/out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]
