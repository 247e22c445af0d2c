"""Decoding pictures."""

from __future__ import annotations

import io
import math
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from serving.listing import heads, images
from serving.listing.images import ImageError, decode
from serving.settings import Settings
from tests.support import attacks
from tests.support.repository import ROOT


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


NOISE = Image.effect_noise((200, 200), 90).convert("RGB")
OTHER = Image.new("RGB", (9, 9), "white")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True], ids=["one scan", "an encoder's scans"])
def test_every_jpeg_mode_becomes_rgb_pixels(mode: str, progressive: bool) -> None:
    """The scans of an encoder are no attack."""
    picture = encoded(Image.new(mode, (1000, 1000)), progressive=progressive)
    pixels = decode(picture, 64, max_pixels=1000 * 1000)
    assert pixels.shape == (64, 64, 3)
    assert pixels.dtype == np.uint8


def test_transparency_is_white() -> None:
    pixels = decode(encoded(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), "PNG"), 32)
    assert (pixels == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_applied(kind: str) -> None:
    picture = Image.new("RGB", (100, 100), "white")
    picture.paste("black", (0, 0, 100, 50))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = decode(encoded(picture, kind, exif=exif), 32)
    assert pixels[0].mean() > 200 > 50 > pixels[-1].mean()


def test_damaged_orientation_is_no_error() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    data = encoded(Image.new("RGB", (100, 100)), exif=exif.tobytes()[:-8])
    assert decode(data, 32).shape == (32, 32, 3)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_is_read(lossless: bool) -> None:
    pixels = decode(encoded(Image.new("RGB", (50, 40), "blue"), "WEBP", lossless=lossless), 32)
    assert np.allclose(pixels, (0, 0, 255), atol=4)
    clear = encoded(Image.new("RGBA", (50, 50), (255, 0, 0, 0)), "WEBP", lossless=lossless)
    assert np.allclose(decode(clear, 32), 255, atol=1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF"])
def test_an_animation_is_answered_by_its_first_frame(kind: str) -> None:
    first, later = (Image.new("RGB", (50, 50), colour) for colour in ("lime", "red"))
    moving = {} if kind == "TIFF" else {"duration": 50}
    data = encoded(first, kind, save_all=True, append_images=[later, later], **moving)
    with Image.open(io.BytesIO(data)) as animated:
        assert getattr(animated, "n_frames", 1) > 1
    assert np.allclose(decode(data, 32), (0, 255, 0), atol=4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        encoded(Image.new("RGB", (9, 9)), "ICO"),
        encoded(Image.new("RGB", (9, 9)), "TIFF", big_tiff=True),
        encoded(Image.new("RGB", (9, 9)), "TIFF", compression="jpeg"),
        encoded(Image.new("F", (9, 9)), "TIFF"),
        encoded(Image.new("RGB", (9, 9)), "AVIF", save_all=True, append_images=[OTHER]),
        *(encoded(NOISE, kind)[:3000] for kind in ("GIF", "BMP", "TIFF", "AVIF")),
        *(encoded(NOISE, "AVIF")[:end] for end in (12, 40, 100, 200, 330)),
        *(encoded(OTHER, "AVIF").replace(box, b"free") for box in (b"pitm", b"iloc", b"iinf")),
        *(encoded(NOISE, "TIFF")[:end] for end in (4, 8, 20)),
        encoded(Image.effect_noise((500, 500), 90).convert("RGB"))[:3000],
        encoded(Image.effect_noise((500, 500), 90).convert("RGB"), "WEBP")[:3000],
        b"RIFF\x04\x00\x00\x00WEBP",
    ],
    ids=lambda data: f"{data[:12].hex()} {len(data)}",
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match="picture"):
        decode(data, 64)


def test_too_many_bytes_or_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("RGB", (200, 200)))
    with pytest.raises(ImageError, match="200x200"):
        decode(data, 64, max_pixels=200 * 200 - 1)
    assert decode(data, 64, max_pixels=200 * 200).shape == (64, 64, 3)
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    with pytest.raises(ImageError, match="at most 10"):
        decode(data, 64)


def test_decoding_leaves_the_filters_of_warnings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They belong to the whole process, and pictures are decoded in threads."""
    before = list(warnings.filters)
    seen = []
    open_picture = Image.open

    def watch(*arguments: object, **options: object) -> Image.Image:
        seen.append(list(warnings.filters))
        return open_picture(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", watch)
    decode(encoded(Image.new("RGB", (100, 100))), 32)
    assert seen == [before]


def test_pillow_s_warnings_are_silenced_once() -> None:
    """Even where every warning is an error."""
    program = """
import io
from concurrent.futures import ThreadPoolExecutor
from PIL import Image
from serving.listing.images import decode

exif = Image.Exif()
exif[0x0112] = 3
buffer = io.BytesIO()
Image.new("RGB", (100, 100)).save(buffer, "JPEG", exif=exif.tobytes()[:-8])
with ThreadPoolExecutor(4) as pool:
    print(len(list(pool.map(lambda _: decode(buffer.getvalue(), 32), range(50)))))
"""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("50\n", "")


LYING_AVIF = attacks.avif(6000)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (attacks.png(1, 50_000_000), "16384 a side"),
        (attacks.png(50_000_000, 1), "16384 a side"),
        (attacks.webp(16383, 16383), "16383x16383"),
        (attacks.gif(12000, 12000), "12000x12000"),
        (attacks.bmp(12000, 12000), "12000x12000"),
        (attacks.bmp(2, 40_000), "16384 a side"),
        (attacks.tiff(12000, 12000), "12000x12000"),
        (attacks.tiff(64, 64, (273, 4, 5_000_000, 8)), "5000000 strips"),
        (attacks.tiff(64, 64, (273, 4, 5_000_000, 8), order=">"), "5000000 strips"),
        (attacks.tiff(64, 64, (322, 4, 1, 60_000), (323, 4, 1, 60_000)), "60000x60000"),
        (attacks.tiff(64, 64, (322, 3, 1, 60_000), (323, 3, 1, 60_000), order=">"), "60000x60000"),
        (attacks.tiff(64, 64, (259, 3, 1, 34925)), "compression 34925"),
        (LYING_AVIF, "6000x6000"),
        (LYING_AVIF.replace(b"iloc", b"free", 1) + LYING_AVIF, "twice"),
        (attacks.scans(4000, 200), "scans"),
        (attacks.scans(8, 2000), "segments"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:12].hex(),
)
def test_what_would_take_long_or_much_is_refused_by_its_head(data: bytes, says: str) -> None:
    started = time.thread_time()
    with pytest.raises(ImageError, match=says):
        decode(data, 64)
    assert time.thread_time() - started < 0.1


def largest(kind: str) -> bytes:
    """A picture of as many pixels as a service accepts."""
    side = math.isqrt(Settings().max_pixels // (2 if kind in ("WEBP", "AVIF") else 1))
    match kind:
        case "16 bits":
            return attacks.png(side, side, bytes(side * (8 * side + 1)), bits=16, colour=6)
        case "GIF":
            picture = Image.effect_noise((side, side), 90).convert("P")
            return encoded(picture, kind, transparency=3)
        case "BMP":
            row = bytes((255, 7)) * (side // 255) + bytes((side % 255, 7, 0, 0))
            return attacks.bmp(side, side) + row * side
        case "TIFF":
            return encoded(Image.new("RGBA", (side, side)), kind, compression="tiff_deflate")
        case "one strip":
            options: dict[str, object] = {"compression": "tiff_deflate", "strip_size": 2**31 - 1}
            return encoded(Image.new("CMYK", (side, side)), "TIFF", **options)
        case "AVIF":
            return encoded(NOISE.convert("RGBA").resize((side, side)), kind, speed=10)
        case "CMYK":
            return encoded(Image.new("CMYK", (side, side)), progressive=True)
        case _:
            return encoded(Image.new("RGBA", (side, side)), kind, lossless=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["16 bits", "PNG", "WEBP", "CMYK", "GIF", "BMP", "TIFF", "one strip", "AVIF"]
)
def test_the_memory_that_the_largest_pictures_take_is_bounded(kind: str, tmp_path: Path) -> None:
    program = """
import re, sys
from pathlib import Path
from serving.listing.images import decode

def most():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024

(small, large), pixels = map(Path, sys.argv[1:3]), int(sys.argv[3])
decode(small.read_bytes(), 64)  # what the codec itself takes
picture, before = large.read_bytes(), most()
print(decode(picture, 64, max_pixels=pixels).shape, most() - before)
"""
    pixels = Settings().max_pixels
    files = [tmp_path / "small", tmp_path / "large"]
    files[0].write_bytes(encoded(Image.new("RGB", (64, 64)), "JPEG" if kind == "CMYK" else "PNG"))
    files[1].write_bytes(largest(kind))
    arguments = [*map(str, files), str(pixels)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    shape, _, taken = done.stdout.rpartition(" ")
    assert shape == "(64, 64, 3)"
    assert int(taken) < 14 * pixels


@pytest.mark.parametrize(
    "data", [attacks.junk(12_000_000), attacks.bmp(6000, 6000) + b"\0\2\1\0\1\7" * 3_000_000]
)
def test_a_picture_that_takes_long_to_read_is_given_up(data: bytes) -> None:
    started = time.thread_time()
    with pytest.raises(ImageError, match="takes too long"):
        decode(data, 64, seconds=0.1)
    assert time.thread_time() - started < 0.3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_strips_on_white_are_the_picture_on_white(
    kind: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Image.effect_noise((301, 203), 90).convert("RGB")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    options = {"transparency": 7} if (kind, mode) == ("PNG", "P") else {}
    data = encoded(picture.convert(mode if kind == "PNG" else "RGBA"), kind, **options)
    at_once = decode(data, 64)
    monkeypatch.setattr(images, "_STRIP_PIXELS", 1000)
    assert (decode(data, 64) == at_once).all()


def test_broken_data_is_no_picture_though_its_orientation_is_asked() -> None:
    data = bytearray(encoded(Image.effect_noise((300, 300), 90).convert("RGB"), "PNG"))
    data[-3000:-2000] = bytes(1000)
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(bytes(data), 64)


KINDS = {
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "TIFF in LZW": {"compression": "tiff_lzw"},
    "TIFF in deflate": {"compression": "tiff_adobe_deflate"},
    "TIFF in PackBits": {"compression": "packbits"},
}
"""Formats that lose nothing, and options of their encoder."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_every_other_format_gives_the_pixels_of_a_png(kind: str, mode: str) -> None:
    picture = NOISE.quantize(200) if kind == "GIF" else NOISE
    if mode != "RGB":
        picture = picture.convert(mode)
    data = encoded(picture, kind.split()[0], **KINDS[kind])
    assert (decode(data, 64) == decode(encoded(picture, "PNG"), 64)).all()


def test_avif_gives_the_colours_of_what_was_encoded() -> None:
    coarse = NOISE.resize((8, 8)).resize((200, 200))
    found = decode(encoded(coarse, "AVIF", quality=95), 64).astype(int)
    assert np.abs(found - decode(encoded(coarse, "PNG"), 64)).mean() < 3


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "AVIF"])
def test_what_is_transparent_in_other_formats_is_white(kind: str) -> None:
    clear = Image.new("RGBA", (50, 50), (255, 0, 0, 0))
    assert (decode(encoded(clear, kind), 32) > 253).all()
    grey = encoded(Image.new("L", (50, 50), 7), "GIF", transparency=7)
    assert (decode(grey, 32) == 255).all()


@pytest.mark.parametrize(("kind", "way"), [("TIFF", 3), ("TIFF", 6), ("AVIF", 3)])
def test_another_format_is_turned_as_its_orientation_says(kind: str, way: int) -> None:
    picture = Image.new("RGB", (100, 60), "white")
    picture.paste("black", (0, 0, 100, 30))
    exif = Image.Exif()
    exif[0x0112] = way
    pixels = decode(encoded(picture, kind, exif=exif), 32)
    dark = {3: pixels[20:], 6: pixels[:, 20:]}[way]
    light = {3: pixels[:12], 6: pixels[:, :12]}[way]
    assert light.mean() > 200 > 50 > dark.mean()


def test_an_avif_with_sequence_headers_of_every_form_tells_its_size() -> None:
    """A still picture says little of itself, a frame of a film more."""
    for still in (True, False):
        header = (
            0b000_1_1_01000 if still else 0b000000000000_00100,
            10 if still else 29,
        )
        bits, count = header
        for value, width in ((11, 4), (10, 4), (3999, 12), (1999, 11)):
            bits, count = bits << width | value, count + width
        size = -(-count // 8)
        data = (bits << (8 * size - count)).to_bytes(size)
        item = bytes((0x12, 0, 0x0A, len(data))) + data + b"\x32\x01\x00"
        assert list(heads._frame_sizes(item)) == [(4000, 2000)]
