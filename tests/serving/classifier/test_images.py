"""Image decoding: every kind of picture a catalogue holds, and every kind it should not."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from serving.classifier import images
from serving.classifier.images import MAX_BYTES, MAX_PIXELS, ImageError, decode

EXIF_ORIENTATION = 0x0112
EXIF_RESOLUTION = 0x011A
CLOSE = 6
"""How far JPEG may take a plain colour, in levels of 255."""


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that announces its size and holds no pixel."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def halves(size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Left half red, right half blue."""
    picture = Image.new("RGB", size, "red")
    picture.paste((0, 0, 255), (size[0] // 2, 0, *size))
    return picture


def assert_colour(pixel: np.ndarray, expected: tuple[int, int, int], within: int = 0) -> None:
    assert np.abs(pixel.astype(int) - expected).max() <= within, (pixel, expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("source", [(1, 1), (7, 3), (64, 64), (500, 500), (300, 900)])
@pytest.mark.parametrize("size", [1, 64, 224])
def test_any_size_becomes_a_square_of_uint8_rgb(
    kind: str, source: tuple[int, int], size: int
) -> None:
    pixels = decode(encoded(Image.new("RGB", source, (200, 100, 50)), kind), size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8
    assert_colour(pixels[size // 2, size // 2], (200, 100, 50), CLOSE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_places_and_colours_are_kept(kind: str) -> None:
    pixels = decode(encoded(halves((512, 512)), kind), 32)
    assert_colour(pixels[16, 4], (255, 0, 0), CLOSE)
    assert_colour(pixels[16, 28], (0, 0, 255), CLOSE)


def test_progressive_jpeg_decodes() -> None:
    pixels = decode(encoded(halves(), "JPEG", progressive=True), 8)
    assert_colour(pixels[4, 0], (255, 0, 0), CLOSE)


def test_decoding_is_deterministic() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG")
    np.testing.assert_array_equal(decode(data, 64), decode(data, 64))


@pytest.mark.parametrize(
    ("mode", "clear"),
    [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))],
)
def test_transparency_becomes_white(mode: str, clear: tuple[int, ...]) -> None:
    assert_colour(decode(encoded(Image.new(mode, (8, 8), clear)), 4)[0, 0], (255, 255, 255))


def test_half_transparency_is_mixed_with_white() -> None:
    pixels = decode(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 128))), 4)
    assert_colour(pixels[0, 0], (255, 127, 127), 1)


def test_transparent_palette_becomes_white_and_the_rest_keeps_its_colour() -> None:
    palette = halves().convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    blue = palette.getpixel((60, 0))
    pixels = decode(encoded(palette, transparency=blue), 64)
    assert_colour(pixels[0, 60], (255, 255, 255))
    assert_colour(pixels[0, 3], (255, 0, 0))


def test_transparent_colour_of_a_png_without_alpha_becomes_white() -> None:
    pixels = decode(encoded(halves(), transparency=(255, 0, 0)), 64)
    assert_colour(pixels[0, 3], (255, 255, 255))
    assert_colour(pixels[0, 60], (0, 0, 255))


def test_palette_and_bilevel_keep_their_colours() -> None:
    assert_colour(decode(encoded(halves().convert("P")), 64)[0, 60], (0, 0, 255))
    assert_colour(decode(encoded(Image.new("1", (8, 8), 1)), 4)[0, 0], (255, 255, 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_grey_becomes_three_equal_channels(kind: str) -> None:
    assert_colour(decode(encoded(Image.new("L", (99, 99), 77), kind), 16)[3, 3], (77, 77, 77), 1)


def test_cmyk_jpeg_becomes_rgb() -> None:
    red = decode(encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG"), 8)[4, 4]
    assert red.argmax() == 0 or red.argmin() == 0  # Adobe's CMYK may be stored inverted
    assert red.max() > 200
    assert red.min() < 60


@pytest.mark.parametrize("grey", [0, 64, 128, 255])
def test_sixteen_bit_grey_keeps_its_brightness(grey: int) -> None:
    picture = Image.fromarray(np.full((16, 16), grey * 257, np.uint16))
    assert_colour(decode(encoded(picture), 4)[0, 0], (grey, grey, grey), 1)


@pytest.mark.parametrize(
    ("orientation", "red"),
    [(1, (32, 4)), (3, (32, 60)), (6, (4, 32)), (8, (60, 32))],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(kind: str, orientation: int, red: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    pixels = decode(encoded(halves((512, 512)), kind, exif=exif), 64)
    assert_colour(pixels[red], (255, 0, 0), CLOSE)
    assert_colour(pixels[63 - red[0], 63 - red[1]], (0, 0, 255), CLOSE)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither JPEG nor PNG"),
        (b"\x00" * 1000, "neither JPEG nor PNG"),
        (b"<html>404</html>", "neither JPEG nor PNG"),
        (encoded(halves(), "GIF"), "neither JPEG nor PNG"),
        (encoded(halves(), "BMP"), "neither JPEG nor PNG"),
        (encoded(halves(), "TIFF"), "neither JPEG nor PNG"),
        (b"\xff\xd8\xff", "picture"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        decode(data, 8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ImageError):
        decode(data[: int(share * len(data))], 8)


def test_size_in_bytes_is_bounded() -> None:
    data = encoded(halves())
    assert decode(data + bytes(MAX_BYTES - len(data)), 8).shape == (8, 8, 3)
    with pytest.raises(ImageError, match=f"{MAX_BYTES + 1} bytes; at most {MAX_BYTES}"):
        decode(data + bytes(MAX_BYTES + 1 - len(data)), 8)


@pytest.mark.parametrize("width", [8_000, 10_000, 20_000, 2**31 - 1])
def test_size_in_pixels_is_bounded_before_anything_is_decoded(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr(Image.Image, "draft", refuse)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    assert width * width > MAX_PIXELS
    with pytest.raises(ImageError, match=r"pixels|size|large"):
        decode(png_header_only(width, width), 8)


def test_no_pixel_after_all_is_broken_and_not_too_large() -> None:
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(png_header_only(100, 100), 8)


def test_the_bound_on_pixels_is_the_documented_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 64 * 64)
    assert decode(encoded(halves((64, 64))), 8).shape == (8, 8, 3)
    with pytest.raises(ImageError, match="64x65; at most 4096"):
        decode(encoded(halves((64, 65))), 8)


def tiff_entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


@pytest.mark.parametrize("kind", [2, 7])
def test_nonsense_in_exif_raises_nothing_but_image_errors(kind: int) -> None:
    """A tag of the wrong type beside an orientation that makes Pillow write EXIF anew."""
    entries = [
        tiff_entry(EXIF_ORIENTATION, 3, 1, struct.pack("<H", 6)),
        tiff_entry(EXIF_RESOLUTION, kind, 2, b"x\0"),
        tiff_entry(0x0128, kind, 2, b"x\0"),
        tiff_entry(0x8769, kind, 2, b"x\0"),
    ]
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    data = encoded(halves(), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    try:
        assert decode(data[:2] + segment + data[2:], 8).shape == (8, 8, 3)
    except ImageError:
        pass


@pytest.mark.filterwarnings("ignore")  # Pillow tells of each damage as well
def test_damaged_pictures_raise_nothing_but_image_errors() -> None:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    exif[0x010E] = "description"
    exif[EXIF_RESOLUTION] = 72.0
    picture = halves((40, 60))
    originals = [
        encoded(picture, "JPEG", exif=exif),
        encoded(picture, "PNG", exif=exif),
        encoded(picture.convert("P"), transparency=1),
        encoded(picture.convert("CMYK"), "JPEG"),
    ]
    chance = random.Random(20)
    decoded = 0
    for _ in range(3_000):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(min(len(data), 300))] = chance.randrange(256)
        try:
            decoded += decode(with_checksums(data), 16).shape == (16, 16, 3)
        except ImageError:
            continue
    assert 0 < decoded < 3_000


def with_checksums(data: bytearray) -> bytes:
    """The chunks of a PNG with correct CRCs, so that damage reaches the decoder."""
    place = 8
    while data[:4] == b"\x89PNG" and place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[place + 4 : end]))
        place = end + 4
    return bytes(data)
