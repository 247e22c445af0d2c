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

from serving.listing import images
from serving.listing.images import ImageError, decode
from serving.settings import Settings
from tests.support import attacks
from tests.support.repository import ROOT


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


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


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_answered_by_its_first_frame(kind: str) -> None:
    first, later = (Image.new("RGB", (50, 50), colour) for colour in ("lime", "red"))
    data = encoded(first, kind, save_all=True, append_images=[later, later], duration=50)
    with Image.open(io.BytesIO(data)) as animated:
        assert getattr(animated, "n_frames", 1) > 1
    assert np.allclose(decode(data, 32), (0, 255, 0), atol=4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        encoded(Image.new("RGB", (9, 9)), "GIF"),
        encoded(Image.effect_noise((500, 500), 90).convert("RGB"))[:3000],
        encoded(Image.effect_noise((500, 500), 90).convert("RGB"), "WEBP")[:3000],
        b"RIFF\x04\x00\x00\x00WEBP",
    ],
    ids=["empty", "garbage", "gif", "truncated", "truncated webp", "empty webp"],
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


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (attacks.png(1, 50_000_000), "16384 a side"),
        (attacks.png(50_000_000, 1), "16384 a side"),
        (attacks.webp(16383, 16383), "16383x16383"),
        (attacks.scans(4000, 200), "scans"),
        (attacks.scans(8, 2000), "segments"),
    ],
    ids=["high png", "wide png", "webp canvas", "scans", "scans of a small picture"],
)
def test_what_would_take_long_or_much_is_refused_by_its_head(data: bytes, says: str) -> None:
    started = time.thread_time()
    with pytest.raises(ImageError, match=says):
        decode(data, 64)
    assert time.thread_time() - started < 0.1


def largest(kind: str) -> bytes:
    """A picture of as many pixels as a service accepts."""
    side = math.isqrt(Settings().max_pixels // (2 if kind == "WEBP" else 1))
    match kind:
        case "16 bits":
            return attacks.png(side, side, bytes(side * (8 * side + 1)), bits=16, colour=6)
        case "CMYK":
            return encoded(Image.new("CMYK", (side, side)), progressive=True)
        case _:
            return encoded(Image.new("RGBA", (side, side)), kind, lossless=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["16 bits", "PNG", "WEBP", "CMYK"])
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


def test_a_picture_that_takes_long_to_read_is_given_up() -> None:
    started = time.thread_time()
    with pytest.raises(ImageError, match="takes too long"):
        decode(attacks.junk(12_000_000), 64, seconds=0.1)
    assert time.thread_time() - started < 0.3


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
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
