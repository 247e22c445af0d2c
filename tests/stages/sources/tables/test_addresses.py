"""Pictures at addresses: from allowed hosts alone, bounded, resumed, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.sources import transfer
from stages.sources.tables import addresses
from stages.sources.transfer import SourceError
from tests.support.loopback import ALWAYS, Fault, Loopback, serve

PICTURE = bytes(range(256)) * 2000


@pytest.fixture
def web() -> Iterator[Loopback]:
    with serve() as loopback:
        loopback.publish({"a.jpg": PICTURE, "b.jpg": b"b"}, "")
        yield loopback


def fetch(expected: dict[str, str], tmp_path: Path) -> dict[str, bytes | None]:
    found = addresses.fetched(expected, tmp_path)
    return {address: path.read_bytes() if path else None for address, path in found}


def test_what_is_not_there_or_leads_elsewhere_is_none(web: Loopback, tmp_path: Path) -> None:
    with serve() as other:
        other.publish({"secret.jpg": b"secret"}, "")
        web.files["/moved.jpg"] = b""
        web.redirects["/moved.jpg"] = f"{other.address}/secret.jpg"
        web.faults["/denied.jpg"] = Fault("status", ALWAYS, status=403)
        names = ["a.jpg", "b.jpg", "absent.jpg", "moved.jpg", "denied.jpg"]
        found = fetch({f"{web.address}/{name}": "" for name in names}, tmp_path)
        assert list(found.values()) == [PICTURE, b"b", None, None, None]
        assert other.requests == []


def test_a_cut_transfer_goes_on_and_a_second_run_fetches_nothing(
    web: Loopback, tmp_path: Path
) -> None:
    address = f"{web.address}/a.jpg"
    web.faults["/a.jpg"] = Fault("cut", offset=300_000)
    assert fetch({address: ""}, tmp_path) == {address: PICTURE}
    assert len(web.transfers("/a.jpg")) == 2
    web.requests.clear()
    assert fetch({address: ""}, tmp_path) == {address: PICTURE}
    assert web.transfers("/a.jpg") == []


def test_content_is_held_to_its_hash(web: Loopback, tmp_path: Path) -> None:
    address = f"{web.address}/a.jpg"
    right = hashlib.sha256(PICTURE).hexdigest()
    assert fetch({address: right}, tmp_path / "right") == {address: PICTURE}
    with pytest.raises(SourceError, match="is not what was expected"):
        fetch({address: "0" * 64}, tmp_path / "wrong")


def test_a_picture_that_is_too_large_is_none(
    web: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "MAX_BYTES", 100_000)
    address = f"{web.address}/a.jpg"
    assert fetch({address: ""}, tmp_path) == {address: None}
    assert web.transfers("/a.jpg") == []
    remote = transfer.Remote("x", None, {}, None, lambda _: iter([PICTURE[:90_000]] * 2))
    with pytest.raises(transfer.AbsentError, match="more than 100,000 bytes"):
        list(addresses._bounded(remote, "https://host/x?key=secret", 0))


def test_a_host_that_keeps_failing_stops(web: Loopback, tmp_path: Path) -> None:
    web.faults["/a.jpg"] = Fault("status", ALWAYS, status=503)
    with pytest.raises(SourceError, match=r"answered 503.*try again later"):
        fetch({f"{web.address}/a.jpg": ""}, tmp_path)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://other.example/a.jpg", "(1 at other.example)"),
        ("https://shop.example:8443/a.jpg", "(1 at shop.example:8443)"),
        ("https://shop.example.evil/a.jpg", "(1 at shop.example.evil)"),
        ("https://shop.example@evil/a.jpg", "https://evil/a.jpg: names a user"),
        ("file:///etc/passwd", "expected https:// or http://"),
        ("s3://bucket/a.jpg", "expected https:// or http://"),
        ("https:///a.jpg", "expected https:// or http:// and a host"),
        ("http://[::1/a.jpg", "no address"),
        (
            "http://169.254.169.254/latest",
            "-S 'data.pictures.hosts=[shop.example,169.254.169.254]'",
        ),
    ],
)
def test_only_allowed_hosts_are_asked(address: str, words: str) -> None:
    with pytest.raises(SourceError) as refused:
        addresses.require_allowed([address, "https://shop.example/a.jpg"], ["shop.example"])
    assert words in str(refused.value)


def test_no_host_is_allowed_unless_it_is_said() -> None:
    with pytest.raises(SourceError, match=r"hosts=\[shop.example\]"):
        addresses.require_allowed(["https://SHOP.example/a.jpg"], [])
    addresses.require_allowed(["https://SHOP.example/a.jpg"], ["shop.example"])
