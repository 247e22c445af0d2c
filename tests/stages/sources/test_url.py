"""The url source over http, file and s3 addresses, all of them on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from stages.common.paths import IMAGES, TRAIN_PRODUCTS
from stages.sources import transfer, url
from stages.sources.transfer import SourceError
from tests.support.loopback import (
    ALWAYS,
    Fault,
    Loopback,
    assert_is_catalogue,
    catalogue_content,
    serve,
    write_catalogue,
)

CUT = 1_000_000  # within images.zip
ZIP = f"/data/{IMAGES}"


@pytest.fixture
def web() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.publish(catalogue_content())
        yield loopback


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an emulated S3 store with the catalogue below s3://bucket/data."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "someone")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "s3-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        S3FileSystem.clear_instance_cache()
        filesystem = S3FileSystem()
        filesystem.mkdir("bucket")
        for name, data in catalogue_content().items():
            filesystem.pipe_file(f"bucket/data/{name}", data)
        yield "s3://bucket/data"
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(params=["http", "file", "s3", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "http":
        loopback: Loopback = request.getfixturevalue("web")
        return f"{loopback.address}/data"
    if request.param == "s3":
        bucket: str = request.getfixturevalue("store")
        return bucket
    if request.param == "memory":
        filesystem = fsspec.filesystem("memory")
        for name, data in catalogue_content().items():
            filesystem.pipe_file(f"/data/{name}", data)
        return "memory://data"
    write_catalogue(tmp_path / "served")
    return (tmp_path / "served").as_uri()


def fetch(address: str, tmp_path: Path, sha256: dict[str, str] | None = None) -> Path:
    destination = tmp_path / "raw"
    url.fetch(address, sha256 or {}, destination, tmp_path / "download")
    return destination


def refused(address: str, tmp_path: Path, sha256: dict[str, str] | None = None) -> str:
    """The message of a fetch that fails; it must have left nothing in the destination."""
    with pytest.raises(SourceError) as caught:
        fetch(address, tmp_path, sha256)
    assert not (tmp_path / "raw").exists()
    return str(caught.value)


def kept(tmp_path: Path, name: str) -> Path:
    """The file in the one folder below the downloads."""
    (folder,) = (tmp_path / "download").iterdir()
    return folder / name


def resumed_at(transfers: list[str | None]) -> list[int]:
    """Where the transfers after the first began. The client drops what it had received but
    not handed over when the connection ended, so this is somewhat before the byte of the cut."""
    assert transfers[0] is None
    assert all(transfers[1:])
    return [int(str(header).removeprefix("bytes=").removesuffix("-")) for header in transfers[1:]]


def interrupt(tmp_path: Path, name: str, mark: bytes) -> None:
    """Make a finished download look as if it had been cut, its part beginning with `mark`."""
    finished = kept(tmp_path, name)
    part = finished.read_bytes()[:CUT]
    finished.with_name(f"{name}.partial").write_bytes(mark + part[len(mark) :])
    finished.unlink()


def test_four_files_arrive(address: str, tmp_path: Path) -> None:
    assert_is_catalogue(fetch(address, tmp_path), catalogue_content())
    assert_is_catalogue(fetch(f"{address}/", tmp_path), catalogue_content())


def test_the_rest_is_appended_to_what_is_there(address: str, tmp_path: Path) -> None:
    destination = fetch(address, tmp_path)
    mark = b"PK\x03\x04kept from the run before"
    interrupt(tmp_path, IMAGES, mark)
    fetch(address, tmp_path)
    expected = mark + catalogue_content()[IMAGES][len(mark) :]
    assert (destination / IMAGES).read_bytes() == expected


def test_a_wrong_beginning_is_noticed_by_its_hash(address: str, tmp_path: Path) -> None:
    right = {name: hashlib.sha256(data).hexdigest() for name, data in catalogue_content().items()}
    fetch(address, tmp_path, right)
    interrupt(tmp_path, IMAGES, b"not the beginning")
    assert_is_catalogue(fetch(address, tmp_path, right), catalogue_content())


def test_corrupted_local_file_is_fetched_again(address: str, tmp_path: Path) -> None:
    fetch(address, tmp_path)
    damaged = bytearray(catalogue_content()[IMAGES])
    damaged[1000] ^= 0x01
    kept(tmp_path, IMAGES).write_bytes(damaged)
    assert_is_catalogue(fetch(address, tmp_path), catalogue_content())


def test_missing_file_is_named_and_not_waited_for(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 0)  # any repetition would go on for ever
    missing = f"{address}/elsewhere"
    message = refused(missing, tmp_path)
    assert f"{missing}/{TRAIN_PRODUCTS} does not exist" in message


def test_wrong_hash_names_both(address: str, tmp_path: Path) -> None:
    message = refused(address, tmp_path, {TRAIN_PRODUCTS: "0" * 64})
    actual = hashlib.sha256(catalogue_content()[TRAIN_PRODUCTS]).hexdigest()
    assert "0" * 64 in message
    assert actual in message
    assert TRAIN_PRODUCTS in message


def test_a_changed_file_is_fetched_anew(web: Loopback, tmp_path: Path) -> None:
    fetch(f"{web.address}/data", tmp_path)
    content = catalogue_content() | {TRAIN_PRODUCTS: b",designation\n0,Autre chose\n"}
    web.publish(content)
    web.requests.clear()
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), content)
    assert web.transfers(f"/data/{TRAIN_PRODUCTS}") == [None]
    assert web.transfers(ZIP) == []


def test_a_file_that_changes_while_others_are_fetched_is_refused(
    web: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {TRAIN_PRODUCTS: b",designation\n0,Autre chose\n"}
    download = transfer.download

    def download_while_it_changes(name: str, *rest: Any) -> Path:
        if name == IMAGES:
            web.publish(content)
        return download(name, *rest)

    monkeypatch.setattr(transfer, "download", download_while_it_changes)
    message = refused(f"{web.address}/data", tmp_path)
    assert f"/data/{TRAIN_PRODUCTS} changed while the catalogue was fetched" in message
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), catalogue_content() | content)


def test_a_part_of_another_version_is_not_continued(web: Loopback, tmp_path: Path) -> None:
    web.faults[ZIP] = Fault("cut", times=ALWAYS, offset=CUT)
    refused(f"{web.address}/data", tmp_path)
    content = catalogue_content()
    content[IMAGES] = content[IMAGES].replace(b"image_1_", b"image_9_")  # of the same size
    web.publish(content)
    web.faults.clear()
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), content)


def test_cut_transfer_is_resumed_where_it_ended(web: Loopback, tmp_path: Path) -> None:
    web.faults[ZIP] = Fault("cut", offset=CUT)
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), catalogue_content())
    (start,) = resumed_at(web.transfers(ZIP))
    assert 0 < start <= CUT


def test_a_later_run_continues_what_a_failed_one_left(web: Loopback, tmp_path: Path) -> None:
    web.faults[ZIP] = Fault("cut", times=ALWAYS, offset=CUT)
    message = refused(f"{web.address}/data", tmp_path)
    assert f"{web.address}{ZIP}" in message
    assert "try again later" in message
    starts = resumed_at(web.transfers(ZIP))
    assert starts.count(starts[-1]) >= transfer.ATTEMPTS - 1  # without headway, no further
    part = kept(tmp_path, f"{IMAGES}.partial").stat().st_size
    web.faults.clear()
    web.requests.clear()
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), catalogue_content())
    assert web.transfers(ZIP) == [f"bytes={part}-"]


def test_server_without_ranges_sends_the_whole_again(web: Loopback, tmp_path: Path) -> None:
    web.ranges = False
    web.faults[ZIP] = Fault("cut", offset=CUT)
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), catalogue_content())
    assert [header is None for header in web.transfers(ZIP)] == [True, False, True]


def test_unavailable_for_a_while(web: Loopback, tmp_path: Path) -> None:
    web.faults[ZIP] = Fault("status", times=4)
    assert_is_catalogue(fetch(f"{web.address}/data", tmp_path), catalogue_content())


def test_unavailable_for_good(web: Loopback, tmp_path: Path) -> None:
    web.faults[ZIP] = Fault("status", times=ALWAYS)
    message = refused(f"{web.address}/data", tmp_path)
    assert f"{web.address}{ZIP} answered 503" in message
    assert "try again later" in message


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", ALWAYS, status=404),
        Fault("status", ALWAYS, status=403),
        Fault("status", ALWAYS, status=400),
        Fault("status", ALWAYS, status=503),
        Fault("cut", ALWAYS, offset=CUT),
        Fault("corrupt", ALWAYS),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_no_credentials_in_any_message(
    web: Loopback, tmp_path: Path, capfd: pytest.CaptureFixture[str], fault: Fault
) -> None:
    base = web.address.replace("http://", "http://user:pass-word@")
    web.faults[ZIP] = fault
    sha256 = {IMAGES: hashlib.sha256(catalogue_content()[IMAGES]).hexdigest()}
    message = refused(f"{base}/data?signature=qu-ery", tmp_path, sha256)
    output = "".join(capfd.readouterr())
    records = "".join(path.read_text() for path in (tmp_path / "download").rglob("*.json"))
    for text in (message, output, records):
        assert "pass-word" not in text
        assert "qu-ery" not in text
    assert f"{web.address}{ZIP}" in message
    assert web.requests[0].headers["authorization"].startswith("Basic ")
    assert {request.query for request in web.requests} == {"signature=qu-ery"}


def test_refused_access(web: Loopback, tmp_path: Path) -> None:
    web.faults[f"/data/{TRAIN_PRODUCTS}"] = Fault("status", ALWAYS, status=403)
    assert "access denied" in refused(f"{web.address}/data", tmp_path)


def test_nobody_listens(tmp_path: Path) -> None:
    with serve() as gone:
        pass
    assert f"{gone.address}/data/{TRAIN_PRODUCTS} failed" in refused(
        f"{gone.address}/data", tmp_path
    )


def test_unknown_kind_of_address(tmp_path: Path) -> None:
    assert "cannot be opened" in refused("gopher://example.org/data", tmp_path)


def test_transfer_that_ends_early_is_continued_for_as_long_as_bytes_come(tmp_path: Path) -> None:
    content = b"0123456789" * 2 * transfer.ATTEMPTS
    starts: list[int] = []

    def read(start: int) -> Iterator[bytes]:
        starts.append(start)
        yield content[start : start + 10]

    remote = transfer.Remote("memory://x", len(content), {"ETag": "1"}, None, read)
    path = transfer.download("x", tmp_path, lambda: remote, None)
    assert path.read_bytes() == content
    assert starts == list(range(0, len(content), 10))


@pytest.mark.parametrize(
    ("status", "content_range", "expected"),
    [
        (206, "bytes 100-199/200", True),
        (206, "bytes 10-199/200", False),
        (206, "bytes 1000-1999/2000", False),
        (206, None, False),
        (200, "bytes 100-199/200", False),
    ],
)
def test_only_the_part_asked_for_is_appended(
    status: int, content_range: str | None, expected: bool
) -> None:
    assert transfer.continues_at(100, status, content_range) is expected
