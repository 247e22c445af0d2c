"""The hub source against a loopback hub that cuts, corrupts, refuses and fails."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.common.paths import FILES, IMAGES, TRAIN_PRODUCTS
from stages.sources import huggingface, transfer
from stages.sources.transfer import SourceError
from tests.support.loopback import (
    ALWAYS,
    COMMIT,
    REPOSITORY,
    Fault,
    Loopback,
    assert_is_catalogue,
    catalogue_content,
    hub_path,
    serve,
)

CUT = 1_000_000  # within images.zip
FOLDER = Path(REPOSITORY.replace("/", "--")) / "main"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with serve() as loopback:
        monkeypatch.setenv("HF_ENDPOINT", loopback.address)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        loopback.publish_repository(catalogue_content())
        yield loopback


def fetch(
    tmp_path: Path,
    repository: str = REPOSITORY,
    revision: str = "main",
    sha256: dict[str, str] | None = None,
) -> Path:
    destination = tmp_path / "raw"
    downloads = tmp_path / "download"
    huggingface.fetch_catalogue(repository, revision, sha256 or {}, destination, downloads)
    return destination


def refused(tmp_path: Path, **configuration: str) -> str:
    """The message of a fetch that fails; it must have left nothing in the destination."""
    with pytest.raises(SourceError) as caught:
        fetch(tmp_path, **configuration)  # type: ignore[arg-type]
    assert not (tmp_path / "raw").exists()
    return str(caught.value)


def test_four_files_arrive_and_a_second_run_transfers_nothing(
    hub: Loopback,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stages.common.progress.LINE_SECONDS", 0.0)
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert "images.zip: 100 %" in capfd.readouterr().err
    hub.requests.clear()
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert {request.method for request in hub.requests} == {"HEAD"}


def test_cut_transfer_is_resumed_where_it_ended(hub: Loopback, tmp_path: Path) -> None:
    hub.faults[hub_path(IMAGES)] = Fault("cut", offset=CUT)
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert hub.transfers(hub_path(IMAGES)) == [None, f"bytes={CUT}-"]


def test_a_later_run_continues_what_a_failed_one_left(hub: Loopback, tmp_path: Path) -> None:
    hub.faults[hub_path(IMAGES)] = Fault("cut", times=ALWAYS, offset=CUT)
    message = refused(tmp_path)
    assert hub_path(IMAGES) in message
    assert "try again later" in message
    assert len(hub.transfers(hub_path(IMAGES))) == transfer.ATTEMPTS
    assert (tmp_path / "download" / FOLDER / f"{IMAGES}.partial").stat().st_size == CUT

    hub.faults.clear()
    hub.requests.clear()
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert hub.transfers(hub_path(IMAGES)) == [f"bytes={CUT}-"]
    assert hub.transfers(hub_path(TRAIN_PRODUCTS)) == []


def test_a_part_of_another_version_is_not_continued(hub: Loopback, tmp_path: Path) -> None:
    hub.faults[hub_path(IMAGES)] = Fault("cut", times=ALWAYS, offset=CUT)
    refused(tmp_path)
    content = catalogue_content()
    content[IMAGES] = content[IMAGES].replace(b"image_1_", b"image_9_")  # of the same size
    hub.publish_repository(content)
    hub.faults.clear()
    hub.requests.clear()
    assert_is_catalogue(fetch(tmp_path), content)
    assert hub.transfers(hub_path(IMAGES)) == [None]


def test_server_without_ranges_sends_the_whole_again(hub: Loopback, tmp_path: Path) -> None:
    hub.ranges = False
    hub.faults[hub_path(IMAGES)] = Fault("cut", offset=CUT)
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert hub.transfers(hub_path(IMAGES)) == [None, f"bytes={CUT}-", None]


@pytest.mark.parametrize("name", [IMAGES, TRAIN_PRODUCTS])
def test_corrupted_transfer_is_fetched_again(hub: Loopback, tmp_path: Path, name: str) -> None:
    hub.faults[hub_path(name)] = Fault("corrupt")
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert hub.transfers(hub_path(name)) == [None, None]


def test_lasting_corruption_names_both_hashes(hub: Loopback, tmp_path: Path) -> None:
    hub.faults[hub_path(IMAGES)] = Fault("corrupt", times=ALWAYS)
    content = bytearray(catalogue_content()[IMAGES])
    content[len(content) // 2] ^= 0xFF
    message = refused(tmp_path)
    assert hashlib.sha256(catalogue_content()[IMAGES]).hexdigest() in message
    assert hashlib.sha256(content).hexdigest() in message
    assert len(hub.transfers(hub_path(IMAGES))) == 2


@pytest.mark.parametrize("name", [IMAGES, TRAIN_PRODUCTS])
def test_corrupted_local_file_is_fetched_again(hub: Loopback, tmp_path: Path, name: str) -> None:
    fetch(tmp_path)
    kept = tmp_path / "download" / FOLDER / name
    damaged = bytearray(kept.read_bytes())
    damaged[10] ^= 0x01
    kept.write_bytes(damaged)
    hub.requests.clear()
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert hub.transfers(hub_path(name)) == [None]


def test_configured_hash_wins_over_the_hubs(hub: Loopback, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected hash " + "0" * 64):
        fetch(tmp_path, sha256={TRAIN_PRODUCTS: "0" * 64})
    right = {name: hashlib.sha256(data).hexdigest() for name, data in catalogue_content().items()}
    assert_is_catalogue(fetch(tmp_path, sha256=right), catalogue_content())
    hub.requests.clear()
    fetch(tmp_path, sha256=right)
    assert hub.requests == []  # what is known to be right needs no server


def test_hash_of_an_unknown_file_is_refused(hub: Loopback, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"X_train\.csv"):
        fetch(tmp_path, sha256={"X_train.csv": "0" * 64})
    assert hub.requests == []


def test_missing_file_is_named(hub: Loopback, tmp_path: Path) -> None:
    del hub.files[hub_path(IMAGES)]
    message = refused(tmp_path)
    assert "no such file" in message
    assert IMAGES in message
    assert REPOSITORY in message
    assert len([r for r in hub.requests if r.path == hub_path(IMAGES)]) == 1  # not asked again


def test_missing_repository_and_revision_are_named(hub: Loopback, tmp_path: Path) -> None:
    assert "dataset nobody/nothing" in refused(tmp_path, repository="nobody/nothing")
    message = refused(tmp_path, revision="v9")
    assert "revision v9" in message
    assert "data.revision" in message
    assert "names no repository" in refused(tmp_path, repository="a/-b--")


@pytest.mark.parametrize(
    ("status", "code"), [(401, "RepoNotFound"), (401, None), (403, "GatedRepo"), (403, None)]
)
def test_refused_access_points_to_the_token(
    hub: Loopback, tmp_path: Path, status: int, code: str | None
) -> None:
    hub.faults[hub_path(TRAIN_PRODUCTS)] = Fault("status", ALWAYS, status=status, code=code)
    message = refused(tmp_path)
    assert "HF_TOKEN" in message
    assert str(status) in message
    assert REPOSITORY in message
    assert len(hub.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_unavailable_for_a_while(hub: Loopback, tmp_path: Path, status: int) -> None:
    times = transfer.ATTEMPTS - 1
    hub.faults[hub_path(TRAIN_PRODUCTS)] = Fault("status", times=times, status=status)
    assert_is_catalogue(fetch(tmp_path), catalogue_content())


def test_unavailable_for_good(
    hub: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transfer, "BACKOFF_SECONDS", 1.0)
    monkeypatch.setattr(time, "sleep", waits.append)
    hub.faults[hub_path(IMAGES)] = Fault("status", times=ALWAYS)
    message = refused(tmp_path)
    assert hub.address in message
    assert "503" in message
    assert "try again later" in message
    assert waits == [1, 2, 4, 8]
    kept = tmp_path / "download" / FOLDER
    assert (kept / TRAIN_PRODUCTS).read_bytes() == catalogue_content()[TRAIN_PRODUCTS]


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as gone:
        pass
    monkeypatch.setenv("HF_ENDPOINT", gone.address)
    assert gone.address in refused(tmp_path)


def test_token_goes_to_the_hub_and_not_to_where_it_redirects(
    hub: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve() as store:
        store.files["/blob"] = catalogue_content()[IMAGES]
        store.faults["/blob"] = Fault("cut", offset=CUT)
        hub.redirects[hub_path(IMAGES)] = f"{store.address}/blob"
        assert_is_catalogue(fetch(tmp_path), catalogue_content())
        assert {request.headers.get("authorization") for request in hub.requests} == {
            "Bearer hf_secret"
        }
        assert store.transfers("/blob") == [None, f"bytes={CUT}-"]
        assert not any("authorization" in request.headers for request in store.requests)


def test_only_the_files_are_asked_for(hub: Loopback, tmp_path: Path) -> None:
    fetch(tmp_path)
    assert {request.path for request in hub.requests} == {hub_path(name) for name in FILES}


@pytest.mark.parametrize(
    ("content", "looks_like"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><title>Sign in</title>", "web page"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_catalogue_stays_out_of_the_destination(
    hub: Loopback, tmp_path: Path, content: bytes, looks_like: str
) -> None:
    hub.files[hub_path(TRAIN_PRODUCTS)] = content
    message = refused(tmp_path)
    assert TRAIN_PRODUCTS in message
    assert looks_like in message


def test_unreadable_record_is_no_obstacle(hub: Loopback, tmp_path: Path) -> None:
    folder = tmp_path / "download" / FOLDER
    folder.mkdir(parents=True)
    (folder / f"{IMAGES}.partial").write_bytes(b"whatever")
    (folder / f"{IMAGES}.json").write_text("{", encoding="utf-8")
    assert_is_catalogue(fetch(tmp_path), catalogue_content())
    assert json.loads((folder / f"{IMAGES}.json").read_text(encoding="utf-8"))["digest"]


def test_a_revision_is_pinned_to_its_commit_and_to_hashes(hub: Loopback, tmp_path: Path) -> None:
    commit, hashes = huggingface.pinned(huggingface.catalogue(REPOSITORY, "main"))
    assert commit == COMMIT
    content = catalogue_content()
    assert hashes == {name: hashlib.sha256(content[name]).hexdigest() for name in FILES}
    assert_is_catalogue(fetch(tmp_path, sha256=hashes), content)


def test_a_revision_that_is_not_there_is_not_pinned(hub: Loopback) -> None:
    with pytest.raises(SourceError, match="revision v9"):
        huggingface.pinned(huggingface.catalogue(REPOSITORY, "v9"))
