"""Product pictures of the sample, drawn by the recipes of pictures.yaml from a code and a seed.

Product types that sellers mix up share motifs and palettes, and some pictures show nothing of their
type: a picture helps, and never decides.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from stages.sources.sample import recipes
from stages.sources.sample.recipes import Colour, Look, Point, Step

SIDE = 500
JPEG_QUALITY = 75

# How many pictures show no product (a parcel), how many another type's product.
NOTHING_SHARE = 0.10
BORROWED_SHARE = 0.07

WHITE: Colour = (255, 255, 255)
BACKDROPS: tuple[Colour, ...] = ((225, 225, 230), (235, 225, 210), (200, 215, 225))


@dataclass(frozen=True)
class Picture:
    """What to draw: an object of type `code`, varied by `seed`."""

    code: int
    seed: str


class Frame(NamedTuple):
    """Where a motif stands on the canvas, in pixels: its centre and its two axes."""

    x: float
    y: float
    across: Point
    down: Point

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Canvas positions of points of the frame, which runs from -1 to 1."""
        return [
            (
                self.x + self.across[0] * u + self.down[0] * v,
                self.y + self.across[1] * u + self.down[1] * v,
            )
            for u, v in points
        ]

    def within(self, spot: Point, size: float) -> Frame:
        """A frame `size` times as large, with its centre at `spot` of this one."""
        ((x, y),) = self.place([spot])
        return Frame(
            x,
            y,
            (self.across[0] * size, self.across[1] * size),
            (self.down[0] * size, self.down[1] * size),
        )


def draw(picture: Picture) -> bytes:
    """The picture as a 500x500 JPEG file. The same picture always gives the same bytes."""
    rng = random.Random(f"{picture.seed}/{picture.code}")
    look = _look(picture.code, rng)
    image = _background(look, rng)
    palette = [_varied(colour, rng, 22) for colour in look.palette]
    (motif,) = rng.choices(list(look.motifs), list(look.motifs.values()))
    _trace(ImageDraw.Draw(image), motif, _frame(rng), palette, rng)
    file = io.BytesIO()
    _photograph(image, rng).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _look(code: int, rng: random.Random) -> Look:
    book = recipes.load()
    chance = rng.random()
    if chance < NOTHING_SHARE:
        return book.nothing
    if chance < NOTHING_SHARE + BORROWED_SHARE:
        return book.types[rng.choice(sorted(book.types))]
    return book.types[code]


def _background(look: Look, rng: random.Random) -> Image.Image:
    chance = rng.random()
    if look.scene is not None and chance < 0.35:
        colour = _varied(look.scene, rng, 20)
    elif chance < 0.8:
        return Image.new("RGB", (SIDE, SIDE), WHITE)
    else:
        colour = _varied(rng.choice(BACKDROPS), rng, 25)
    upper = Image.new("RGB", (SIDE, SIDE), _shaded(colour, 1.15))
    lower = Image.new("RGB", (SIDE, SIDE), _shaded(colour, 0.85))
    return Image.composite(lower, upper, _ramp())


@cache
def _ramp() -> Image.Image:
    """From black at the upper edge to white at the lower one."""
    return Image.linear_gradient("L").resize((SIDE, SIDE))


def _frame(rng: random.Random) -> Frame:
    """The object's frame: anywhere on the canvas, often turned, perhaps mirrored."""
    scale = SIDE * rng.uniform(0.34, 0.47)
    angle = math.radians(rng.gauss(0, rng.choice((1, 4, 15))))
    mirror = rng.choice((-1, 1))
    reach = 0.6 * (SIDE / 2 - scale * 0.9)
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    return Frame(
        SIDE / 2 + rng.uniform(-reach, reach),
        SIDE / 2 + rng.uniform(-reach, reach),
        (mirror * cosine, mirror * sine),
        (-sine, cosine),
    )


def _trace(
    canvas: ImageDraw.ImageDraw,
    motif: str,
    frame: Frame,
    palette: Sequence[Colour],
    rng: random.Random,
) -> None:
    """Draw the steps of `motif` one over the other."""
    body, ink = rng.sample(palette, 2)
    for step in recipes.load().motifs[motif]:
        for x, y in step.spots[: rng.randint(*step.count)] if step.count else step.spots:
            across, down = step.jitter
            spot = x + rng.uniform(-across, across), y + rng.uniform(-down, down)
            place = frame.within(spot, step.size)
            if step.motif:
                _trace(canvas, step.motif, place, palette, rng)
            else:
                roles = {"body": body, "ink": ink, "any": rng.choice(palette)}
                colour = step.colour or roles[step.fill]
                _shape(canvas, step, place, _shaded(colour, step.shade))


def _shape(canvas: ImageDraw.ImageDraw, step: Step, frame: Frame, colour: Colour) -> None:
    points = frame.place(step.outline)
    if step.line:
        width = max(1, round(step.width * math.hypot(*frame.across)))
        canvas.line(points, fill=colour, width=width, joint="curve")
    else:
        canvas.polygon(points, fill=colour, outline=_shaded(colour, 0.6))


def _photograph(image: Image.Image, rng: random.Random) -> Image.Image:
    """Light, tint and grain of an amateur's camera; the shop's own pictures stay clean."""
    if rng.random() < 0.5:
        return image
    tint = _varied((128, 128, 128), rng, 70)
    image = Image.blend(image, Image.new("RGB", image.size, tint), rng.uniform(0, 0.2))
    cells = np.random.default_rng(rng.getrandbits(64)).integers(0, 256, (100, 100, 3), np.uint8)
    grain = Image.fromarray(cells).resize(image.size, Image.Resampling.BILINEAR)
    return Image.blend(image, grain, rng.uniform(0.02, 0.10))


def _shaded(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (factor below 1) or lighter."""
    red, green, blue = (min(255, int(channel * factor)) for channel in colour)
    return red, green, blue


def _varied(colour: Colour, rng: random.Random, spread: int) -> Colour:
    """`colour` with each channel moved by at most `spread`."""
    red, green, blue = (
        max(0, min(255, channel + rng.randint(-spread, spread))) for channel in colour
    )
    return red, green, blue
