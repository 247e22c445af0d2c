"""Pictures are found by what a table calls them, and by nothing that leads elsewhere."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from serving.listing.heads import MAX_BYTES
from stages.sources.tables import files
from stages.sources.tables.files import Files
from stages.sources.transfer import SourceError

NAMES = [
    "a.jpg",
    "B.PNG",
    "sub/c.jpeg",
    "sub/x_1.gif",
    "sub/x_10.gif",
    "sub/x_2.gif",
    "é(1)[2].tif",
]


@pytest.fixture(params=["folder", "zip"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    contents = {name: name.encode() for name in NAMES}
    return files.opened(put(tmp_path, request.param, contents))


def put(place: Path, kind: str, contents: dict[str, bytes]) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(place / "p.zip", "w") as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return place / "p.zip"
    for name, content in contents.items():
        path = place / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place / "p"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("a.jpg", "a.jpg"),
        ("a", "a.jpg"),
        ("A.JPG", "a.jpg"),
        ("b.png", "B.PNG"),
        ("c", "sub/c.jpeg"),
        ("sub/c.jpeg", "sub/c.jpeg"),
        ("./sub//c.jpeg", "sub/c.jpeg"),
        ("sub\\c.jpeg", "sub/c.jpeg"),
        ("other/c.jpeg", ""),
        ("../a.jpg", ""),
        ("/etc/passwd", ""),
        ("", ""),
        ("a.png", ""),
        ("é(1)[2].tif", "é(1)[2].tif"),
    ],
)
def test_a_file_is_found_by_the_end_of_its_path(wanted: str, found: str, shop: Files) -> None:
    assert shop.find(wanted) == found
    if found:
        assert shop.read(found) == found.encode()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("x_*", "sub/x_1.gif"),
        ("x_2*", "sub/x_2.gif"),
        ("*_10.gif", "sub/x_10.gif"),
        ("SUB/X*", "sub/x_1.gif"),
        ("y*", ""),
        ("é(1)*", "é(1)[2].tif"),
    ],
)
def test_of_several_files_the_first_by_name_is_taken(wanted: str, found: str, shop: Files) -> None:
    assert shop.first(wanted) == found


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_two_files_that_claim_one_name_are_told_with_both(kind: str, tmp_path: Path) -> None:
    contents = {"one/a.jpg": b"1", "two/a.jpg": b"2", "one/b.jpg": b"b", "two/b.jpg": b"b"}
    shop = files.opened(put(tmp_path, kind, contents | {"c.jpg": b"1", "c.png": b"2"}))
    for wanted, both in (("a.jpg", "one/a.jpg and two/a.jpg"), ("c", "c.jpg and c.png")):
        with pytest.raises(SourceError, match=both):
            shop.find(wanted)
    assert shop.find("b.jpg") == "one/b.jpg"
    assert shop.find("two/a.jpg") == "two/a.jpg"
    assert shop.find("c.png") == "c.png"


def test_an_entry_that_an_archive_has_twice_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("a.jpg", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.jpg", b"other")
    with pytest.raises(SourceError, match=r"two entries called a\.jpg \(3 bytes at 0 and 5 bytes"):
        files.opened(tmp_path / "p.zip")


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(SourceError, match="no readable zip archive"):
        files.opened(tmp_path / "p.zip")


def test_links_that_lead_elsewhere_and_what_is_too_large_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    place = put(tmp_path, "folder", {"a.jpg": b"a", "empty.jpg": b"", "big.jpg": b""})
    (place / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (place / "inside.jpg").symlink_to(place / "a.jpg")
    (place / "folder").symlink_to(tmp_path)
    with (place / "big.jpg").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    shop = files.opened(place)
    assert shop.names == ["a.jpg", "inside.jpg"]
    assert shop.refused == {
        "big.jpg": f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES}",
        "empty.jpg": "empty",
        "link.jpg": "a link that leads elsewhere",
    }
    unsafe = {"../a.jpg": b"x", "a.jpg": b"a"}
    assert files.opened(put(tmp_path, "zip", unsafe)).refused == {"../a.jpg": "unsafe path"}
