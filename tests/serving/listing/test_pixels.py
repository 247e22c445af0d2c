"""The pixels that come of a PNG or WebP are those put in: no decoder says what is right."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from serving.listing.images import decode
from tests.support.png import CHANNELS, DEPTHS, GREY, GREY_ALPHA, PALETTE, RGB, RGBA, png

SIDE = 24


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha / 255
    return rgb * share + 255 * (1 - share)


def in_bytes(samples: np.ndarray, depth: int) -> np.ndarray:
    """Of 16 bits the upper ones, fewer than eight spread over 0..255."""
    return samples >> 8 if depth == 16 else samples * 255 // ((1 << depth) - 1)


def drawn(kind: int, depth: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, 1 << depth, (SIDE, SIDE, CHANNELS[kind]))


KINDS = [
    (kind, depth, transparent)
    for kind in (GREY, RGB, GREY_ALPHA, RGBA)
    for depth in DEPTHS[kind]
    for transparent in ((False,) if kind in (GREY_ALPHA, RGBA) else (False, True))
]
"""And whether one colour is transparent, where there is no alpha channel."""


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("kind", "depth", "transparent"), KINDS)
def test_every_png_gives_its_own_pixels(
    kind: int, depth: int, transparent: bool, interlaced: bool
) -> None:
    samples = drawn(kind, depth, seed=depth)
    colours = 3 if kind in (RGB, RGBA) else 1
    alpha = in_bytes(samples[..., colours:], depth) if kind in (GREY_ALPHA, RGBA) else 255
    key = b""
    if transparent:
        wanted = samples[3, 4]
        samples[5:9] = wanted
        samples[9:12] = wanted ^ 1  # in the last bit alone
        key = struct.pack(f">{colours}H", *wanted)
        alpha = np.where((samples == wanted).all(axis=2, keepdims=True), 0, 255)
    expected = on_white(in_bytes(samples[..., :colours], depth), np.asarray(alpha))
    found = decode(png(samples, kind, depth, transparency=key, interlaced=interlaced), SIDE)
    assert np.abs(found - expected).max() < 1


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("depth", DEPTHS[PALETTE])
@pytest.mark.parametrize("transparency", ["none", "one colour", "all"])
def test_every_palette_gives_its_own_colours(
    depth: int, transparency: str, interlaced: bool
) -> None:
    random = np.random.default_rng(depth)
    places = drawn(PALETTE, depth, seed=depth)
    colours = random.integers(0, 256, (1 << depth, 3))
    alpha = np.full((1 << depth, 1), 255)
    if transparency == "one colour":
        alpha[1] = 0
    elif transparency == "all":
        alpha = random.integers(0, 256, alpha.shape)
    found = decode(
        png(
            places,
            PALETTE,
            depth,
            palette=colours.astype(np.uint8).tobytes(),
            transparency=b"" if transparency == "none" else alpha.astype(np.uint8).tobytes(),
            interlaced=interlaced,
        ),
        SIDE,
    )
    expected = on_white(colours[places[..., 0]], alpha[places[..., 0]])
    assert np.abs(found - expected).max() < 1


def test_a_transparent_value_of_sixteen_bits_changes_no_other_pixel() -> None:
    samples = np.linspace(0, 65_535, SIDE * SIDE).astype(int).reshape(SIDE, SIDE, 1)
    plain = decode(png(samples, GREY, 16), SIDE).copy()
    keyed = decode(png(samples, GREY, 16, transparency=struct.pack(">H", samples[0, 5, 0])), SIDE)
    assert (keyed[0, 5] == 255).all()
    plain[0, 5] = 255
    assert (keyed == plain).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_every_webp_mode_gives_the_pixels_that_were_put_in(mode: str) -> None:
    picture = Image.fromarray(drawn(RGB, 8, seed=1).astype(np.uint8)).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    if mode == "RGBA":
        alpha = np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))
        picture.putalpha(Image.fromarray(alpha))
        expected = on_white(expected, alpha[..., np.newaxis])
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=True, exact=True)
    assert np.abs(decode(buffer.getvalue(), SIDE) - expected.astype(float)).max() <= 1
