"""The archive of pictures: which entries are read, which are skipped and why, and damage."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from serving.listing.heads import MAX_BYTES
from stages.pictures import archive as pictures
from stages.pictures.archive import ArchiveError, PictureArchive

GOOD = "images/image_train/image_1_product_2.jpg"


def archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in entries.items():
            file.writestr(name, data)
    return path


def skipped(path: Path) -> dict[str, str]:
    with PictureArchive(path) as opened:
        return {entry: reason for entry, reason in opened.skipped}


@pytest.mark.parametrize(
    "name",
    [
        "../images/image_train/image_1_product_2.jpg",
        "images/../../image_train/image_1_product_2.jpg",
        "/images/image_train/image_1_product_2.jpg",
        "//host/image_train/image_1_product_2.jpg",
        "images\\..\\image_train\\image_1_product_2.jpg",
        "\\\\host\\image_train\\image_1_product_2.jpg",
        "images/image_train\\..\\image_train/image_1_product_2.jpg",
        "C:/image_train/image_1_product_2.jpg",
    ],
)
def test_an_unsafe_path_is_skipped(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {name: b"x", GOOD: b"y"})
    assert skipped(path) == {name: "unsafe path"}


@pytest.mark.parametrize(
    "name",
    [
        "images/image_train/Thumbs.db",
        "images/image_train/image_1.jpg",
        "images/image_train/image_1_product_.jpg",
        "images/image_train/image_x_product_2.jpg",
        "images/image_train/image_1_product_2.psd",
        "images/image_train/image_1_product_2",
        "__MACOSX/images/image_train/._image_1_product_2.jpg",
        "images/image_train/ïmage_1_product_2.jpg",
        "images/image_train/image_-1_product_2.jpg",
    ],
)
def test_an_odd_name_is_skipped(name: str, tmp_path: Path) -> None:
    (reason,) = skipped(archive(tmp_path / "images.zip", {name: b"x"})).values()
    assert "not named image_<imageid>_product_<productid>" in reason


@pytest.mark.parametrize(
    "name", ["image_1_product_2.jpg", "images/image_other/image_1_product_2.jpg"]
)
def test_pictures_without_a_part_are_those_of_both_where_no_entry_has_one(
    name: str, tmp_path: Path
) -> None:
    rows = pd.DataFrame({"imageid": [1], "productid": [2]})
    with PictureArchive(archive(tmp_path / "flat.zip", {name: b"x"})) as opened:
        assert opened.skipped == []
        for part in ("image_train", "image_test"):
            assert opened.names(rows, part) == opened.entries(part) == [name]
    path = archive(tmp_path / "both.zip", {name: b"x", "image_test/image_3_product_4.jpg": b"y"})
    (reason,) = skipped(path).values()
    assert "in no folder image_train or image_test" in reason


def test_backslashes_of_windows_separate_folders(tmp_path: Path) -> None:
    folder, name = "images\\image_train\\", "images\\image_train\\image_1_product_2.jpg"
    path = archive(tmp_path / "images.zip", {folder: b"", name: b"picture"})
    rows = pd.DataFrame({"imageid": [1], "productid": [2]})
    with PictureArchive(path) as opened:
        assert opened.skipped == []
        assert opened.names(rows, "image_train") == [name]
        assert opened.read(name) == b"picture"


@pytest.mark.parametrize(
    ("named", "asked"), [("007", "7"), ("7", "007"), ("007", "007"), ("0", "000")]
)
def test_leading_zeros_are_of_no_account(named: str, asked: str, tmp_path: Path) -> None:
    name = f"image_test/image_{named}_product_{named}.jpg"
    rows = pd.DataFrame({"imageid": [asked, "70"], "productid": [asked, asked]})
    with PictureArchive(archive(tmp_path / "images.zip", {name: b"x"})) as opened:
        assert opened.names(rows, "image_test") == [name, ""]


OTHERS = [
    "other/image_train/image_1_product_2.jpg",
    "images/image_train/image_1_product_2.png",
    "images/IMAGE_TRAIN/image_01_product_002.JPG",
    "images\\image_train\\image_1_product_2.jpg",
]


@pytest.mark.parametrize("other", OTHERS)
def test_two_entries_that_claim_one_picture_are_refused_by_both_names(
    other: str, tmp_path: Path
) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: b"one", other: b"two"})
    with pytest.raises(ArchiveError) as refused:
        PictureArchive(path)
    assert f"{GOOD} and {other} are different pictures of one product" in str(refused.value)
    path = archive(tmp_path / "images.zip", {GOOD: b"one", other: b"one"})
    assert skipped(path) == {other: f"the same picture as {GOOD}"}


def test_an_entry_that_is_twice_in_the_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(GOOD, b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr(GOOD, b"two")
    with pytest.raises(
        ArchiveError, match=rf"two entries called {GOOD} \(3 bytes at 0 and 3 bytes at \d+\)"
    ):
        PictureArchive(path)


@pytest.mark.parametrize("ending", ["jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "AVIF"])
def test_a_picture_of_every_format_that_is_read_is_found(ending: str, tmp_path: Path) -> None:
    name = f"image_test/image_1_product_2.{ending}"
    with PictureArchive(archive(tmp_path / "images.zip", {name: b"x"})) as opened:
        assert opened.entries("image_test") == [name]


def test_a_table_may_name_its_pictures(tmp_path: Path) -> None:
    rows = pd.DataFrame({"picture": [GOOD, "", "absent.jpg", GOOD], "imageid": 9, "productid": "a"})
    with PictureArchive(archive(tmp_path / "images.zip", {GOOD: b"x"})) as opened:
        assert opened.names(rows, "image_train") == [GOOD, "", "", GOOD]


def test_an_entry_that_is_read_is_not_the_skipped_one_of_its_name(tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(GOOD, b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr(GOOD, b"")
    with PictureArchive(path) as opened:
        assert opened.read(GOOD) == b"one"
        assert opened.fingerprint(GOOD).startswith("3-")


def test_a_method_that_is_not_read_is_named_and_how_an_archive_is_made_anew(
    tmp_path: Path,
) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: b"picture"})
    data = bytearray(path.read_bytes())
    for signature, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + method, 9)
    path.write_bytes(data)
    assert skipped(path) == {GOOD: "compressed with Deflate64 (9) that is not read here"}
    with PictureArchive(path) as opened:
        words = opened.lack("image_train")
    assert "1 entries: compressed with Deflate64" in words
    assert GOOD in words
    assert "zip -r images.zip images" in words
    assert "image_<imageid>_product_<productid>" in words


def test_what_is_empty_or_too_large_is_skipped_with_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    names = [f"images/image_train/image_{size}_product_1.jpg" for size in (0, 10, 11)]
    path = archive(
        tmp_path / "images.zip", dict(zip(names, (b"", bytes(10), bytes(11)), strict=True))
    )
    assert skipped(path) == {names[0]: "empty", names[2]: "11 bytes; at most 10"}


def test_an_encrypted_entry_is_skipped(tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: b"picture"})
    data = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    path.write_bytes(data)
    assert skipped(path) == {GOOD: "encrypted"}


def test_folders_are_no_entries(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "images.zip", {"images/": b"", "images/image_train/": b"", GOOD: b"x"}
    )
    with PictureArchive(path) as opened:
        assert opened.skipped == []
        assert opened.entries("image_train") == [GOOD]


def test_pictures_are_found_by_part_image_and_product(tmp_path: Path) -> None:
    test, png = "image_test/image_1_product_2.jpeg", "deep/er/image_train/image_30_product_4.PNG"
    path = archive(tmp_path / "images.zip", {GOOD: b"train", test: b"test", png: b"png"})
    products = pd.DataFrame({"imageid": [30, 1, 2, 1], "productid": [4, 2, 1, 3]})
    with PictureArchive(path) as opened:
        assert opened.names(products, "image_train") == [png, GOOD, "", ""]
        assert opened.names(products, "image_test") == ["", test, "", ""]
        assert opened.entries("image_train") == sorted([GOOD, png])
        assert opened.entries("image_test") == [test]
        assert [opened.read(name) for name in (GOOD, test, png)] == [b"train", b"test", b"png"]


def test_fingerprints_are_equal_for_equal_bytes_alone(tmp_path: Path) -> None:
    names = [f"image_train/image_{number}_product_1.jpg" for number in range(5)]
    contents = (b"same", b"same", b"Same", b"same ", b"\0same")
    path = archive(tmp_path / "images.zip", dict(zip(names, contents, strict=True)))
    compressed = archive(tmp_path / "b.zip", {names[0]: b"same"}, zipfile.ZIP_DEFLATED)
    with PictureArchive(path) as opened, PictureArchive(compressed) as other:
        prints = [opened.fingerprint(name) for name in names]
        assert prints[0] == prints[1] == other.fingerprint(names[0])
        assert len(set(prints)) == 4


def test_a_wrong_checksum_is_an_os_error_that_names_archive_and_entry(tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: b"a" * 100})
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaab", 1))
    with PictureArchive(path) as opened, pytest.raises(OSError, match=r"images\.zip.*product_2"):
        opened.read(GOOD)


def test_an_entry_whose_header_is_gone_is_an_os_error(tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: b"a" * 100})
    path.write_bytes(b"\0" * 30 + path.read_bytes()[30:])
    with PictureArchive(path) as opened, pytest.raises(OSError, match="product_2"):
        opened.read(GOOD)


def test_a_bomb_that_lies_about_its_size_is_not_expanded(tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: bytes(2 * MAX_BYTES)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    for signature, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + size, 100)
    path.write_bytes(data)
    with PictureArchive(path) as opened:
        assert opened.skipped == []
        with pytest.raises(OSError, match="CRC"):
            opened.read(GOOD)


def test_a_bomb_that_is_honest_is_skipped(tmp_path: Path) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: bytes(MAX_BYTES + 1)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < MAX_BYTES / 100
    assert skipped(path) == {GOOD: f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES}"}


def test_what_is_read_has_a_bound_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "images.zip", {GOOD: bytes(1000)})
    with PictureArchive(path) as opened:
        monkeypatch.setattr(pictures, "MAX_BYTES", 10)
        assert len(opened.read(GOOD)) == 11
