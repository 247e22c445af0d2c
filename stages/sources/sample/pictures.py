"""Product pictures of the sample catalogue, drawn from a type code and a seed.

A motif draws one kind of object in its own frame, where x and y run from -1 to 1; the `Pen` turns,
scales and places that frame on the 500x500 canvas. Product types that sellers mix up share motifs
and palettes, and some pictures show nothing of their type: a picture helps, and never decides.
"""

import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 500
JPEG_QUALITY = 75

# How many pictures show no product (a placeholder, a parcel), how many another type's product.
GENERIC_SHARE = 0.06
BORROWED_SHARE = 0.05

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """What to draw: an object of type `code`, varied by `seed`."""

    code: int
    seed: str


class Pen:
    """Draws polygons given in the object's own frame onto the canvas."""

    def __init__(self, image: Image.Image, rng: random.Random, turn: float) -> None:
        self.draw = ImageDraw.Draw(image)
        self.rng = rng
        scale = SIDE * rng.uniform(0.34, 0.47)
        angle = math.radians(rng.gauss(0, turn))
        mirror = rng.choice((-1, 1))
        self.cosine, self.sine = scale * math.cos(angle), scale * math.sin(angle)
        self.mirror = mirror
        reach = SIDE / 2 - scale * 0.9
        self.centre = (
            SIDE / 2 + rng.uniform(-0.6, 0.6) * reach,
            SIDE / 2 + rng.uniform(-0.6, 0.6) * reach,
        )
        self.scale = scale

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Canvas positions, in pixels, of points of the object's frame."""
        return [
            (
                self.centre[0] + self.mirror * x * self.cosine - y * self.sine,
                self.centre[1] + self.mirror * x * self.sine + y * self.cosine,
            )
            for x, y in points
        ]

    def shape(self, points: Sequence[Point], fill: Colour, edge: bool = True) -> None:
        outline = shade(fill, 0.6) if edge else None
        self.draw.polygon(self.place(points), fill=fill, outline=outline)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour) -> None:
        self.shape(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        steps = (2 * math.pi * k / 36 for k in range(36))
        self.shape([(x + rx * math.cos(t), y + ry * math.sin(t)) for t in steps], fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        self.draw.line(
            self.place(points), fill=fill, width=max(1, round(width * self.scale)), joint="curve"
        )

    def lines_of_text(self, x0: float, y0: float, x1: float, rows: int, fill: Colour) -> None:
        """Greeked text: bars of uneven length, one for each row."""
        for row in range(rows):
            y = y0 + 0.12 * row
            self.box(x0, y, x0 + (x1 - x0) * self.rng.uniform(0.5, 1), y + 0.05, fill)


Motif = Callable[[Pen, Sequence[Colour]], None]


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (factor below 1) or lighter."""
    red, green, blue = (min(255, int(channel * factor)) for channel in colour)
    return red, green, blue


def vary(colour: Colour, rng: random.Random, spread: int = 22) -> Colour:
    """`colour` with each channel moved by at most `spread`."""
    red, green, blue = (
        max(0, min(255, channel + rng.randint(-spread, spread))) for channel in colour
    )
    return red, green, blue


WHITE: Colour = (255, 255, 255)
BLACK: Colour = (25, 25, 28)
GREY: Colour = (140, 142, 146)
SKIN: Colour = (235, 190, 160)
WOOD: Colour = (150, 100, 55)
GRASS: Colour = (95, 150, 65)
WATER: Colour = (60, 160, 215)

FADED = ((200, 175, 130), (150, 110, 70), (120, 60, 45), (225, 210, 170), (100, 100, 75))
VIVID = ((220, 40, 50), (30, 90, 200), (250, 190, 20), (20, 150, 110), (130, 50, 160))
PRESS = ((205, 30, 40), (245, 205, 40), (40, 60, 120), (225, 225, 225), (30, 30, 30))
DARK = ((25, 30, 50), (60, 25, 70), (20, 60, 80), (90, 30, 30), (40, 40, 45))
CASES = ((35, 140, 60), (30, 60, 170), (25, 25, 30), (210, 210, 215))
CONSOLES = ((35, 35, 40), (235, 235, 238), (150, 150, 158), (60, 60, 75))
GADGETS = ((35, 35, 40), (60, 60, 65), (200, 40, 50), (40, 90, 190), (240, 240, 240))
HEROES = ((210, 50, 40), (50, 80, 180), (240, 200, 60), (60, 150, 90), (90, 60, 130))
MINIATURES = ((120, 122, 120), (90, 95, 90), (160, 160, 155), (110, 90, 70))
CARDS = ((245, 215, 60), (230, 120, 40), (70, 130, 200), (120, 70, 150), (90, 160, 80))
TOYS = ((240, 60, 60), (250, 200, 30), (50, 150, 230), (80, 190, 90), (250, 130, 180))
BOARDS = ((180, 50, 40), (60, 110, 70), (225, 190, 130), (40, 70, 130))
MODELS = ((220, 40, 40), (50, 60, 70), (90, 110, 60), (240, 150, 30), (180, 185, 190))
PASTEL = ((245, 200, 210), (190, 220, 240), (235, 235, 215), (205, 230, 200), (220, 210, 240))
OUTDOOR = ((40, 120, 200), (70, 170, 70), (240, 120, 30), (230, 210, 40), (40, 40, 45))
NURSERY = ((130, 140, 155), (215, 195, 200), (180, 205, 215), (90, 95, 105), (230, 225, 215))
TIMBER = ((150, 100, 55), (190, 145, 90), (95, 65, 45), (240, 238, 232), (110, 110, 115))
LINEN = ((200, 60, 80), (70, 120, 140), (230, 205, 170), (120, 130, 140), (240, 190, 90))
FOOD = ((120, 60, 30), (190, 40, 40), (235, 180, 60), (80, 120, 50), (245, 235, 215))
DECOR = ((40, 40, 40), (215, 180, 120), (180, 70, 90), (90, 150, 150), (235, 230, 220))
PETS = ((190, 30, 50), (110, 80, 60), (60, 140, 160), (240, 150, 60), (70, 70, 75))
STATIONERY = ((40, 90, 170), (230, 90, 120), (250, 205, 70), (60, 60, 70), (120, 190, 170))
PATIO = ((110, 95, 80), (75, 78, 82), (170, 130, 85), (225, 220, 205), (190, 60, 50))
POOL = ((60, 160, 215), (30, 110, 190), (130, 200, 230), (20, 80, 150))
TOOLS = ((240, 120, 20), (50, 130, 60), (40, 42, 46), (220, 40, 30), (240, 200, 30))


def cover(pen: Pen, palette: Sequence[Colour]) -> None:
    """A book seen from the front: a title, a picture or an ornament, an author."""
    rng = pen.rng
    body, ink = rng.sample(list(palette), 2)
    pen.box(-0.68, -1, 0.68, 1, body)
    pen.box(-0.68, -1, -0.6, 1, shade(body, 0.75))
    pen.lines_of_text(-0.45, -0.85, 0.5, rng.randint(2, 3), ink)
    if rng.random() < 0.6:
        pen.box(-0.45, -0.35, 0.5, 0.6, vary(ink, rng))
        pen.oval(rng.uniform(-0.2, 0.2), 0.1, 0.25, 0.3, rng.choice(palette))
    pen.lines_of_text(-0.3, 0.78, 0.4, 1, ink)


def thick_book(pen: Pen, palette: Sequence[Colour]) -> None:
    """A book at an angle, its spine with raised bands."""
    body = pen.rng.choice(palette)
    pen.shape(((-0.6, -0.9), (-0.35, -1), (-0.35, 0.85), (-0.6, 0.95)), shade(body, 0.7))
    pen.box(-0.35, -1, 0.7, 0.85, body)
    for y in (-0.6, -0.2, 0.2, 0.6):
        pen.line(((-0.6, y + 0.04), (-0.35, y)), pen.rng.choice(palette), 0.05)
    pen.lines_of_text(-0.1, -0.4, 0.5, 3, shade(body, 1.5))


def magazine(pen: Pen, palette: Sequence[Colour], x: float = 0, size: float = 1) -> None:
    """A front page: masthead, portrait, headlines at the edge."""
    rng = pen.rng
    half = 0.72 * size
    pen.box(x - half, -size, x + half, size, vary((235, 228, 215), rng, 18))
    pen.box(x - half, -size, x + half, -0.62 * size, rng.choice(palette[:3]))
    pen.box(x - 0.6 * half, -0.9 * size, x + 0.6 * half, -0.75 * size, palette[3])
    pen.box(x - 0.8 * half, -0.5 * size, x + 0.8 * half, 0.8 * size, vary((110, 105, 100), rng, 60))
    pen.oval(x, -0.05 * size, 0.24 * size, 0.32 * size, vary(SKIN, rng))
    pen.box(x - 0.4 * size, 0.3 * size, x + 0.4 * size, 0.8 * size, rng.choice(palette))
    pen.lines_of_text(x - 0.6 * half, 0.5 * size, x + 0.5 * half, 2, palette[1])


def magazines(pen: Pen, palette: Sequence[Colour]) -> None:
    """Several front pages side by side, each partly over the last."""
    count = pen.rng.randint(3, 5)
    for k in range(count):
        magazine(pen, palette, x=-0.75 + 1.5 * k / (count - 1), size=pen.rng.uniform(0.55, 0.7))


def pile(pen: Pen, palette: Sequence[Colour]) -> None:
    """A pile of issues seen from the side."""
    for k in range(pen.rng.randint(6, 10)):
        shift = pen.rng.uniform(-0.12, 0.12)
        y = 0.8 - 0.16 * k
        pen.box(-0.85 + shift, y - 0.15, 0.85 + shift, y, vary(pen.rng.choice(palette), pen.rng))


def game_case(pen: Pen, palette: Sequence[Colour]) -> None:
    """A plastic case: a coloured edge around dark artwork."""
    rng = pen.rng
    pen.box(-0.7, -1, 0.7, 1, rng.choice(palette))
    pen.box(-0.6, -0.72, 0.62, 0.92, rng.choice(DARK))
    pen.shape(((-0.5, 0.85), (0, -0.4), (0.5, 0.85)), rng.choice(VIVID))
    pen.box(-0.45, -0.65, 0.45, -0.48, rng.choice(VIVID))


def disc(pen: Pen, palette: Sequence[Colour]) -> None:
    """A CD in front of its square sleeve."""
    pen.box(-0.95, -0.8, 0.6, 0.8, pen.rng.choice(palette))
    pen.lines_of_text(-0.8, -0.6, 0.2, 3, pen.rng.choice(palette))
    pen.oval(0.3, 0, 0.7, 0.7, (205, 208, 215))
    pen.oval(0.3, 0, 0.3, 0.3, vary((225, 190, 220), pen.rng))
    pen.oval(0.3, 0, 0.1, 0.1, WHITE)


def cartridge(pen: Pen, palette: Sequence[Colour]) -> None:
    """A game cartridge with its label."""
    pen.box(-0.7, -0.7, 0.7, 0.6, (120, 122, 128))
    pen.box(-0.45, 0.6, 0.45, 0.8, (90, 92, 96))
    pen.box(-0.52, -0.55, 0.52, 0.35, pen.rng.choice(palette))
    pen.box(-0.4, -0.45, 0.4, -0.25, pen.rng.choice(VIVID))


def spare_part(pen: Pen, palette: Sequence[Colour]) -> None:
    """A circuit board with a ribbon cable."""
    pen.box(-0.8, -0.6, 0.5, 0.6, vary((30, 110, 70), pen.rng))
    for _ in range(6):
        x, y = pen.rng.uniform(-0.7, 0.2), pen.rng.uniform(-0.5, 0.3)
        pen.box(x, y, x + 0.22, y + 0.18, pen.rng.choice((BLACK, GREY, palette[0])))
    pen.box(0.5, -0.2, 1, 0.2, (215, 150, 60))


def artwork(pen: Pen, palette: Sequence[Colour]) -> None:
    """A dark landscape scene under a large bright title."""
    rng = pen.rng
    pen.box(-1.15, -0.75, 1.15, 0.75, rng.choice(palette))
    for _ in range(4):
        x = rng.uniform(-1, 0.7)
        pen.shape(
            ((x - 0.3, 0.75), (x, rng.uniform(-0.3, 0.3)), (x + 0.4, 0.75)), rng.choice(palette)
        )
    glow = rng.choice(((250, 170, 40), (90, 220, 240), (240, 70, 60)))
    pen.oval(rng.uniform(-0.7, 0.7), -0.2, 0.2, 0.2, glow)
    pen.box(-0.8, -0.62, 0.8, -0.4, shade(glow, 1.1))


def gamepad(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.oval(-0.65, 0.15, 0.33, 0.5, body)
    pen.oval(0.65, 0.15, 0.33, 0.5, body)
    pen.box(-0.65, -0.35, 0.65, 0.25, body)
    pen.oval(-0.3, 0.12, 0.15, 0.15, shade(body, 0.5))
    pen.oval(0.3, 0.12, 0.15, 0.15, shade(body, 0.5))
    for x, y in ((0.6, -0.2), (0.6, 0.04), (0.48, -0.08), (0.72, -0.08)):
        pen.oval(x, y, 0.06, 0.06, pen.rng.choice(VIVID))


def cable(pen: Pen, palette: Sequence[Colour]) -> None:
    colour = pen.rng.choice(palette)
    loops = [(0.6 * math.cos(t / 5) + t / 150, 0.6 * math.sin(t / 5)) for t in range(70)]
    pen.line(loops, colour, 0.07)
    pen.box(0.75, -0.75, 1, -0.5, shade(colour, 0.7))


def headset(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    arc = [(0.7 * math.cos(t / 10), 0.1 - 0.85 * math.sin(t / 10)) for t in range(32)]
    pen.line(arc, body, 0.14)
    pen.oval(-0.7, 0.3, 0.24, 0.4, pen.rng.choice(palette))
    pen.oval(0.7, 0.3, 0.24, 0.4, pen.rng.choice(palette))


def console(pen: Pen, palette: Sequence[Colour]) -> None:
    """A wide box with a slot and lights, often with a pad before it."""
    body = pen.rng.choice(palette)
    pen.shape(((-1, -0.4), (-0.8, -0.6), (1.1, -0.6), (1, -0.4)), shade(body, 1.2))
    pen.box(-1, -0.4, 1, 0.15, body)
    pen.box(-0.6, -0.2, 0.3, -0.12, shade(body, 0.4))
    pen.oval(0.8, -0.1, 0.07, 0.07, (60, 200, 90))
    if pen.rng.random() < 0.7:
        pad = pen.rng.choice(palette)
        pen.box(-0.5, 0.35, 0.3, 0.7, pad)
        pen.oval(-0.5, 0.55, 0.2, 0.3, pad)
        pen.oval(0.3, 0.55, 0.2, 0.3, pad)


def handheld(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice((*palette, (220, 60, 70), (80, 130, 210)))
    pen.box(-1.1, -0.5, 1.1, 0.5, body)
    pen.box(-0.6, -0.38, 0.6, 0.38, pen.rng.choice(DARK))
    pen.oval(-0.85, 0, 0.15, 0.15, shade(body, 0.5))
    pen.oval(0.85, -0.1, 0.1, 0.1, shade(body, 0.5))
    pen.oval(0.85, 0.15, 0.1, 0.1, shade(body, 0.5))


def figure(pen: Pen, palette: Sequence[Colour]) -> None:
    """A standing hero with a large head, on a base."""
    rng = pen.rng
    suit, hair = rng.sample(list(palette), 2)
    pen.oval(0, 0.92, 0.5, 0.12, BLACK)
    pen.box(-0.25, 0.35, -0.04, 0.9, shade(suit, 0.7))
    pen.box(0.04, 0.35, 0.25, 0.9, shade(suit, 0.7))
    pen.shape(((-0.34, -0.15), (0.34, -0.15), (0.25, 0.45), (-0.25, 0.45)), suit)
    pen.line(((-0.34, -0.1), (-0.6, rng.uniform(-0.4, 0.4))), suit, 0.14)
    pen.line(((0.34, -0.1), (0.6, rng.uniform(-0.4, 0.4))), suit, 0.14)
    head = rng.uniform(0.25, 0.42)
    pen.oval(0, -0.2 - head, head, head, vary(SKIN, rng))
    pen.shape(((-head, -0.2 - head), (0, -0.3 - 2 * head), (head, -0.2 - head)), hair)


def window_box(pen: Pen, palette: Sequence[Colour]) -> None:
    """A figure behind the window of its box."""
    frame = pen.rng.choice(palette)
    pen.box(-0.75, -1, 0.75, 1, frame)
    pen.box(-0.55, -0.75, 0.55, 0.7, (225, 225, 230))
    pen.oval(0, -0.25, 0.3, 0.3, vary(SKIN, pen.rng))
    pen.box(-0.2, 0.05, 0.2, 0.65, pen.rng.choice(palette))
    pen.lines_of_text(-0.5, 0.78, 0.5, 1, WHITE)


def mug(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice((*palette, WHITE))
    ring = [(0.6 + 0.35 * math.cos(t / 5), 0.4 * math.sin(t / 5)) for t in range(-8, 9)]
    pen.line(ring, shade(body, 0.9), 0.12)
    pen.box(-0.6, -0.7, 0.6, 0.75, body)
    pen.oval(0, -0.7, 0.6, 0.14, shade(body, 0.7))
    pen.oval(0, 0.1, 0.3, 0.35, pen.rng.choice(palette))


def card(pen: Pen, palette: Sequence[Colour], x: float = 0, size: float = 1) -> None:
    """A trading card: coloured frame, picture in the upper half, text below."""
    frame = pen.rng.choice(palette)
    pen.box(x - 0.7 * size, -size, x + 0.7 * size, size, frame)
    pen.box(x - 0.58 * size, -0.7 * size, x + 0.58 * size, 0.1 * size, pen.rng.choice(palette))
    pen.oval(x, -0.3 * size, 0.3 * size, 0.28 * size, pen.rng.choice(VIVID))
    pen.box(x - 0.58 * size, 0.2 * size, x + 0.58 * size, 0.85 * size, shade(frame, 1.35))
    pen.lines_of_text(x - 0.5 * size, 0.3 * size, x + 0.5 * size, 3, shade(frame, 0.5))


def cards(pen: Pen, palette: Sequence[Colour]) -> None:
    count = pen.rng.randint(3, 5)
    for k in range(count):
        card(pen, palette, x=-0.7 + 1.4 * k / (count - 1), size=0.62)


def miniatures(pen: Pen, palette: Sequence[Colour]) -> None:
    """A squad of small unpainted soldiers on round bases."""
    rng = pen.rng
    for x in (-0.8, -0.27, 0.27, 0.8)[: rng.randint(2, 4)]:
        metal, y = vary(rng.choice(palette), rng, 12), rng.uniform(-0.2, 0.3)
        pen.oval(x, y + 0.5, 0.24, 0.08, BLACK)
        pen.shape(((x - 0.16, y + 0.48), (x, y - 0.25), (x + 0.16, y + 0.48)), metal)
        pen.oval(x, y - 0.25, 0.1, 0.12, shade(metal, 1.2))
        pen.line(((x + 0.16, y + 0.4), (x + 0.2, y - 0.6)), shade(metal, 0.6), 0.04)


def dice(pen: Pen, palette: Sequence[Colour]) -> None:
    for _ in range(pen.rng.randint(3, 6)):
        x, y = pen.rng.uniform(-0.8, 0.8), pen.rng.uniform(-0.7, 0.7)
        colour = pen.rng.choice(palette)
        corners = [(x + 0.28 * math.cos(k), y + 0.28 * math.sin(k)) for k in range(6)]
        pen.shape(corners, colour)
        pen.shape(corners[::2], shade(colour, 1.3))


def blocks(pen: Pen, palette: Sequence[Colour]) -> None:
    """Building blocks heaped in rows."""
    for row in range(3):
        for column in range(3 - row):
            x, y = -0.8 + 0.5 * column + 0.25 * row, 0.4 - 0.5 * row
            pen.box(x, y, x + 0.48, y + 0.48, pen.rng.choice(palette))


def teddy(pen: Pen, palette: Sequence[Colour]) -> None:
    fur = pen.rng.choice(((165, 115, 70), (205, 170, 125), *palette))
    for x in (-0.35, 0.35):
        pen.oval(x, -0.85, 0.16, 0.16, fur)
        pen.oval(x * 1.6, 0.15, 0.18, 0.3, fur)
        pen.oval(x, 0.8, 0.22, 0.2, fur)
    pen.oval(0, 0.3, 0.48, 0.52, fur)
    pen.oval(0, -0.5, 0.42, 0.38, fur)
    pen.oval(0, -0.4, 0.18, 0.14, shade(fur, 1.3))
    for x in (-0.15, 0.15):
        pen.oval(x, -0.58, 0.05, 0.05, BLACK)


def car(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.shape(((-0.55, -0.05), (-0.3, -0.42), (0.35, -0.42), (0.6, -0.05)), shade(body, 1.15))
    pen.shape(((-0.35, -0.05), (-0.2, -0.33), (0.25, -0.33), (0.4, -0.05)), (175, 205, 225))
    pen.box(-1, -0.05, 1, 0.35, body)
    wheel = pen.rng.uniform(0.2, 0.32)
    for x in (-0.58, 0.58):
        pen.oval(x, 0.38, wheel, wheel, BLACK)
        pen.oval(x, 0.38, wheel / 2, wheel / 2, GREY)


def board(pen: Pen, palette: Sequence[Colour]) -> None:
    """A checkered board with pawns."""
    light, dark = pen.rng.sample(list(palette), 2)
    pen.box(-0.95, -0.95, 0.95, 0.95, shade(dark, 0.6))
    for row in range(6):
        for column in range(6):
            x, y = -0.84 + 0.28 * column, -0.84 + 0.28 * row
            pen.box(x, y, x + 0.28, y + 0.28, (light, dark)[(row + column) % 2])
    for _ in range(6):
        x, y = pen.rng.uniform(-0.7, 0.7), pen.rng.uniform(-0.7, 0.7)
        pen.oval(x, y, 0.1, 0.1, pen.rng.choice(TOYS))


def game_box(pen: Pen, palette: Sequence[Colour]) -> None:
    """A board game's square box, lid at an angle."""
    body = pen.rng.choice(palette)
    pen.shape(((-0.9, 0.75), (0.75, 0.75), (0.95, 0.95), (-0.7, 0.95)), shade(body, 0.5))
    pen.box(-0.9, -0.9, 0.75, 0.75, body)
    pen.oval(-0.1, 0.1, 0.5, 0.4, pen.rng.choice(palette))
    pen.box(-0.7, -0.75, 0.55, -0.45, pen.rng.choice(TOYS))


def helicopter(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.line(((-1.1, -0.5), (0.9, -0.5)), BLACK, 0.06)
    pen.line(((-0.1, -0.5), (-0.1, -0.2)), BLACK, 0.06)
    pen.line(((0, 0), (1.1, -0.15)), body, 0.12)
    pen.oval(-0.15, 0.05, 0.6, 0.3, body)
    pen.oval(-0.5, 0, 0.22, 0.17, (175, 205, 225))
    pen.line(((-0.6, 0.5), (0.4, 0.5)), BLACK, 0.05)


def drone(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    for x, y in ((-0.75, -0.5), (0.75, -0.5), (-0.75, 0.5), (0.75, 0.5)):
        pen.line(((0, 0), (x, y)), shade(body, 0.7), 0.1)
        pen.oval(x, y, 0.38, 0.12, GREY)
    pen.oval(0, 0, 0.34, 0.24, body)
    pen.oval(0, 0.12, 0.1, 0.1, BLACK)


def small_parts(pen: Pen, palette: Sequence[Colour]) -> None:
    """Spare parts laid out: rings, rods, screws."""
    for _ in range(pen.rng.randint(5, 9)):
        x, y = pen.rng.uniform(-0.85, 0.85), pen.rng.uniform(-0.85, 0.85)
        colour = pen.rng.choice((GREY, BLACK, *palette))
        if pen.rng.random() < 0.5:
            pen.oval(x, y, 0.2, 0.2, colour)
            pen.oval(x, y, 0.09, 0.09, WHITE)
        else:
            pen.line(((x - 0.25, y), (x + 0.25, y + 0.1)), colour, 0.1)


def socks(pen: Pen, palette: Sequence[Colour]) -> None:
    """Pairs of socks side by side."""
    for x in (-0.9, -0.25, 0.4)[: pen.rng.randint(1, 3)]:
        wool = pen.rng.choice(palette)
        pen.box(x, -0.7, x + 0.34, 0.4, wool)
        pen.oval(x + 0.32, 0.4, 0.34, 0.22, wool)
        pen.box(x, -0.7, x + 0.34, -0.5, shade(wool, 0.75))
        pen.oval(x + 0.55, 0.4, 0.12, 0.15, shade(wool, 0.75))


def bib(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    pen.oval(0, 0.2, 0.7, 0.7, cloth)
    pen.oval(0, -0.45, 0.32, 0.32, WHITE)
    for _ in range(6):
        pen.oval(
            pen.rng.uniform(-0.4, 0.4), pen.rng.uniform(0, 0.7), 0.07, 0.07, pen.rng.choice(TOYS)
        )


def ball(pen: Pen, palette: Sequence[Colour]) -> None:
    colour = pen.rng.choice(palette)
    pen.oval(0, 0, 0.75, 0.75, colour)
    for k in range(5):
        x, y = 0.45 * math.cos(1.26 * k), 0.45 * math.sin(1.26 * k)
        pen.oval(x, y, 0.16, 0.16, pen.rng.choice((WHITE, BLACK, shade(colour, 0.6))))


def swing(pen: Pen, palette: Sequence[Colour]) -> None:
    """A frame of poles with a swing, or a slide."""
    pole, seat = pen.rng.sample(list(palette), 2)
    pen.line(((-1, 0.9), (-0.75, -0.85), (0.75, -0.85), (1, 0.9)), pole, 0.09)
    pen.line(((-0.75, -0.85), (-0.5, 0.9)), pole, 0.07)
    if pen.rng.random() < 0.5:
        pen.line(((-0.1, -0.85), (-0.1, 0.3), (0.35, 0.3), (0.35, -0.85)), GREY, 0.03)
        pen.box(-0.2, 0.25, 0.45, 0.38, seat)
    else:
        pen.shape(((0.1, -0.6), (0.3, -0.6), (0.95, 0.9), (0.6, 0.9)), seat)


def trampoline(pen: Pen, palette: Sequence[Colour]) -> None:
    for x in (-0.8, -0.3, 0.3, 0.8):
        pen.line(((x, -0.9), (x, 0.85)), GREY, 0.05)
    pen.oval(0, 0.3, 1, 0.28, pen.rng.choice(palette))
    pen.oval(0, 0.3, 0.82, 0.2, BLACK)


def scooter(pen: Pen, palette: Sequence[Colour]) -> None:
    frame = pen.rng.choice(palette)
    pen.line(((-0.8, 0.65), (0.5, 0.65), (0.75, -0.85)), frame, 0.11)
    pen.line(((0.5, -0.85), (1, -0.85)), BLACK, 0.1)
    pen.oval(-0.8, 0.75, 0.2, 0.2, BLACK)
    pen.oval(0.6, 0.75, 0.2, 0.2, BLACK)


def pushchair(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    hood = [(-0.1 + 0.6 * math.cos(t / 10), -0.3 - 0.6 * math.sin(t / 10)) for t in range(6, 33)]
    pen.shape([*hood, (-0.1, -0.3)], cloth)
    pen.shape(((-0.7, -0.25), (0.5, -0.25), (0.3, 0.35), (-0.5, 0.35)), shade(cloth, 0.8))
    pen.line(((-0.5, 0.75), (0.45, 0.1), (1, -0.6)), GREY, 0.07)
    pen.line(((0.5, 0.75), (-0.3, 0.3)), GREY, 0.07)
    for x in (-0.5, 0.5):
        pen.oval(x, 0.78, 0.2, 0.2, BLACK)


def baby_bottle(pen: Pen, palette: Sequence[Colour]) -> None:
    tint = pen.rng.choice(palette)
    pen.box(-0.35, -0.35, 0.35, 0.95, (235, 238, 240))
    pen.box(-0.35, 0.2, 0.35, 0.95, (250, 245, 230))
    pen.box(-0.4, -0.5, 0.4, -0.32, tint)
    pen.oval(0, -0.65, 0.22, 0.18, (230, 200, 150))
    pen.oval(0, -0.85, 0.1, 0.14, (230, 200, 150))


def cot(pen: Pen, palette: Sequence[Colour]) -> None:
    frame = pen.rng.choice((WOOD, WHITE, *palette))
    pen.box(-0.95, 0.25, 0.95, 0.45, pen.rng.choice(palette))
    for k in range(11):
        pen.line(((-0.95 + 0.19 * k, -0.5), (-0.95 + 0.19 * k, 0.6)), shade(frame, 0.9), 0.05)
    pen.box(-1, -0.6, 1, -0.48, frame)
    pen.box(-1, 0.55, 1, 0.67, frame)


def bag(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    strap = [(0.45 * math.cos(t / 10), -0.3 - 0.55 * math.sin(t / 10)) for t in range(32)]
    pen.line(strap, shade(cloth, 0.6), 0.09)
    pen.shape(((-0.75, -0.35), (0.75, -0.35), (0.9, 0.75), (-0.9, 0.75)), cloth)
    pen.box(-0.45, 0.1, 0.45, 0.6, shade(cloth, 0.85))


def sofa(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    pen.box(-0.95, -0.5, 0.95, 0.2, cloth)
    pen.box(-0.8, 0.05, 0, 0.3, shade(cloth, 1.15))
    pen.box(0, 0.05, 0.8, 0.3, shade(cloth, 1.15))
    pen.box(-1.1, -0.2, -0.8, 0.5, shade(cloth, 0.85))
    pen.box(0.8, -0.2, 1.1, 0.5, shade(cloth, 0.85))
    pen.box(-0.8, 0.3, 0.8, 0.5, shade(cloth, 0.9))
    for x in (-0.9, 0.9):
        pen.box(x - 0.05, 0.5, x + 0.05, 0.65, BLACK)


def cupboard(pen: Pen, palette: Sequence[Colour]) -> None:
    """Doors, drawers or open shelves in a tall or a wide frame."""
    rng = pen.rng
    half, top = rng.choice(((0.6, -1.0), (1.0, -0.5), (0.8, -0.8)))
    panel = rng.choice(palette)
    pen.box(-half, top, half, 0.85, panel)
    rows = rng.randint(2, 5)
    step = (0.75 - top) / rows
    for k in range(rows):
        y = top + 0.05 + step * k
        inside = shade(panel, rng.choice((0.55, 0.9, 1.1)))
        pen.box(-half + 0.07, y, -0.02, y + step - 0.05, inside)
        pen.box(0.02, y, half - 0.07, y + step - 0.05, inside)


def bed(pen: Pen, palette: Sequence[Colour]) -> None:
    frame = pen.rng.choice(palette)
    pen.box(-1.05, -0.7, -0.9, 0.6, frame)
    pen.box(-0.9, 0.1, 1.05, 0.45, frame)
    pen.box(-0.9, -0.15, 1, 0.15, (238, 236, 230))
    pen.box(-0.85, -0.32, -0.4, -0.1, WHITE)
    pen.box(0.9, 0.3, 1.05, 0.6, frame)


def chair(pen: Pen, palette: Sequence[Colour]) -> None:
    seat, legs = pen.rng.choice(palette), pen.rng.choice(palette)
    pen.shape(((-0.45, -0.95), (0.3, -0.95), (0.4, 0.05), (-0.4, 0.05)), seat)
    pen.shape(((-0.45, 0.05), (0.45, 0.05), (0.55, 0.22), (-0.5, 0.22)), shade(seat, 0.85))
    for x in (-0.45, -0.2, 0.3, 0.5):
        pen.line(((x, 0.2), (x * 1.15, 0.95)), legs, 0.07)


def table(pen: Pen, palette: Sequence[Colour]) -> None:
    top = pen.rng.choice(palette)
    pen.shape(((-0.8, -0.35), (0.8, -0.35), (1.05, 0), (-1.05, 0)), top)
    pen.box(-1.05, 0, 1.05, 0.09, shade(top, 0.75))
    for x in (-0.95, -0.6, 0.6, 0.95):
        pen.line(((x, 0.09), (x, 0.8)), shade(top, 0.65), 0.08)


def cushion(pen: Pen, palette: Sequence[Colour]) -> None:
    """A square of cloth with stripes, dots, checks or a large ornament."""
    rng = pen.rng
    cloth, ink = rng.sample(list(palette), 2)
    pen.shape(
        (
            (-0.9, -0.9),
            (0, -0.8),
            (0.9, -0.9),
            (0.8, 0),
            (0.9, 0.9),
            (0, 0.8),
            (-0.9, 0.9),
            (-0.8, 0),
        ),
        cloth,
    )
    pattern = rng.randrange(4)
    if pattern == 0:
        for k in range(5):
            pen.box(-0.72 + 0.32 * k, -0.78, -0.58 + 0.32 * k, 0.78, ink)
    elif pattern == 1:
        for k in range(16):
            pen.oval(-0.6 + 0.4 * (k % 4), -0.6 + 0.4 * (k // 4), 0.12, 0.12, ink)
    elif pattern == 2:
        for k in range(8):
            x, y = -0.72 + 0.36 * (k % 4), -0.7 + 0.72 * (k // 4) + 0.36 * (k % 2)
            pen.box(x, y, x + 0.36, y + 0.36, ink)
    else:
        for radius, colour in ((0.6, ink), (0.42, rng.choice(palette)), (0.2, cloth)):
            pen.oval(0, 0, radius, radius, colour)


def folded_linen(pen: Pen, palette: Sequence[Colour]) -> None:
    for k in range(pen.rng.randint(3, 5)):
        cloth, y = pen.rng.choice(palette), 0.6 - 0.34 * k
        pen.box(-0.8, y - 0.3, 0.85, y, cloth)
        pen.oval(-0.8, y - 0.15, 0.12, 0.15, shade(cloth, 0.8))


def curtains(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    pen.line(((-1.1, -0.95), (1.1, -0.95)), GREY, 0.06)
    for side in (-1, 1):
        for k in range(5):
            x = side * (0.3 + 0.16 * k)
            pen.box(x - 0.08, -0.9, x + 0.08, 0.95, shade(cloth, 1.1 if k % 2 else 0.85))


def made_bed(pen: Pen, palette: Sequence[Colour]) -> None:
    """A duvet seen from above, pillows at its head."""
    cloth, ink = pen.rng.sample(list(palette), 2)
    pen.box(-0.9, -0.5, 0.9, 0.95, cloth)
    for k in range(4):
        pen.box(-0.9, -0.35 + 0.33 * k, 0.9, -0.22 + 0.33 * k, ink)
    pen.box(-0.8, -0.95, -0.1, -0.5, shade(cloth, 1.2))
    pen.box(0.1, -0.95, 0.8, -0.5, shade(cloth, 1.2))


def jar(pen: Pen, palette: Sequence[Colour]) -> None:
    content = pen.rng.choice(palette)
    pen.box(-0.55, -0.55, 0.55, 0.85, content)
    pen.box(-0.6, -0.8, 0.6, -0.52, pen.rng.choice(palette))
    pen.box(-0.55, -0.2, 0.55, 0.5, (245, 240, 225))
    pen.oval(0, 0.1, 0.22, 0.2, pen.rng.choice(palette))


def packet(pen: Pen, palette: Sequence[Colour]) -> None:
    """A sachet with crimped ends."""
    foil = pen.rng.choice(palette)
    edge = [(-0.65 + 0.13 * k, -0.95 + 0.06 * (k % 2)) for k in range(11)]
    pen.shape([*edge, *((x, -y) for x, y in reversed(edge))], foil)
    pen.oval(0, -0.2, 0.42, 0.3, shade(foil, 1.4))
    pen.oval(0, 0.4, 0.3, 0.2, pen.rng.choice(palette))


def bottle(pen: Pen, palette: Sequence[Colour]) -> None:
    glass = pen.rng.choice(palette)
    pen.box(-0.12, -1, 0.12, -0.4, glass)
    pen.shape(((-0.12, -0.45), (0.12, -0.45), (0.35, -0.1), (-0.35, -0.1)), glass)
    pen.box(-0.35, -0.1, 0.35, 0.95, glass)
    pen.box(-0.35, 0.15, 0.35, 0.65, (245, 240, 225))


def framed_picture(pen: Pen, palette: Sequence[Colour]) -> None:
    rng = pen.rng
    pen.box(-0.95, -0.7, 0.95, 0.7, rng.choice(palette))
    pen.box(-0.8, -0.56, 0.8, 0.56, vary((200, 205, 210), rng, 45))
    for _ in range(3):
        x = rng.uniform(-0.7, 0.3)
        pen.shape(
            ((x, 0.56), (x + 0.25, rng.uniform(-0.4, 0.2)), (x + 0.5, 0.56)), rng.choice(palette)
        )
    pen.oval(rng.uniform(-0.5, 0.5), -0.3, 0.14, 0.14, rng.choice(palette))


def tree_sticker(pen: Pen, palette: Sequence[Colour]) -> None:
    ink = pen.rng.choice(palette)
    pen.line(((0, 0.95), (0.05, 0), (-0.1, -0.6)), ink, 0.1)
    for _ in range(12):
        x, y = pen.rng.uniform(-0.85, 0.85), pen.rng.uniform(-0.95, 0.1)
        pen.line(((0, 0.1), (x, y)), ink, 0.03)
        pen.oval(x, y, 0.1, 0.06, pen.rng.choice(palette))


def lamp(pen: Pen, palette: Sequence[Colour]) -> None:
    shade_colour = pen.rng.choice(((245, 220, 150), *palette))
    pen.shape(((-0.3, -0.9), (0.3, -0.9), (0.6, -0.1), (-0.6, -0.1)), shade_colour)
    pen.line(((0, -0.1), (0, 0.8)), pen.rng.choice(palette), 0.1)
    pen.oval(0, 0.85, 0.38, 0.1, pen.rng.choice(palette))


def lights(pen: Pen, palette: Sequence[Colour]) -> None:
    """A string of light bulbs, on a dark evening."""
    pen.box(-1.1, -1.1, 1.1, 1.1, pen.rng.choice(((30, 28, 45), (45, 35, 30), palette[0])))
    string = [(-1 + 0.1 * k, 0.5 * math.sin(k / 3)) for k in range(21)]
    pen.line(string, BLACK, 0.02)
    for x, y in string:
        pen.oval(x, y + 0.06, 0.06, 0.08, (255, 220, 120))


def clock(pen: Pen, palette: Sequence[Colour]) -> None:
    pen.oval(0, 0, 0.85, 0.85, pen.rng.choice(palette))
    pen.oval(0, 0, 0.7, 0.7, (245, 242, 235))
    pen.line(((0, 0), (0, -0.5)), BLACK, 0.06)
    pen.line(((0, 0), (pen.rng.uniform(-0.4, 0.4), 0.3)), BLACK, 0.06)


def collar(pen: Pen, palette: Sequence[Colour]) -> None:
    strap = pen.rng.choice(palette)
    ring = [(0.8 * math.cos(t / 5), 0.5 * math.sin(t / 5)) for t in range(33)]
    pen.line(ring, strap, 0.2)
    pen.box(-0.15, 0.38, 0.15, 0.62, GREY)
    pen.oval(0, 0.8, 0.14, 0.14, (220, 190, 80))


def pet(pen: Pen, palette: Sequence[Colour]) -> None:
    """The head of a cat or a dog."""
    fur = pen.rng.choice(((190, 140, 90), (90, 75, 65), (225, 215, 200), (120, 120, 125)))
    pointed = pen.rng.random() < 0.5
    for side in (-1, 1):
        if pointed:
            pen.shape(((side * 0.65, -0.2), (side * 0.55, -0.95), (side * 0.1, -0.55)), fur)
        else:
            pen.oval(side * 0.65, -0.05, 0.2, 0.5, shade(fur, 0.7))
    pen.oval(0, 0, 0.65, 0.6, fur)
    for side in (-1, 1):
        pen.oval(side * 0.25, -0.1, 0.1, 0.12, BLACK)
    pen.oval(0, 0.25, 0.14, 0.1, (60, 40, 40))
    pen.box(-0.5, 0.58, 0.5, 0.75, pen.rng.choice(palette))


def bowl(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.shape(((-0.65, -0.2), (0.65, -0.2), (0.9, 0.5), (-0.9, 0.5)), body)
    pen.oval(0, -0.2, 0.65, 0.18, shade(body, 0.6))
    for _ in range(12):
        pen.oval(
            pen.rng.uniform(-0.45, 0.45), pen.rng.uniform(-0.3, -0.15), 0.08, 0.06, (150, 100, 60)
        )


def aquarium(pen: Pen, palette: Sequence[Colour]) -> None:
    pen.box(-1, -0.65, 1, 0.65, BLACK)
    pen.box(-0.94, -0.5, 0.94, 0.58, (90, 175, 200))
    for x in (-0.7, 0.1, 0.6):
        pen.line(((x, 0.55), (x + 0.1, pen.rng.uniform(-0.3, 0.2))), (50, 140, 60), 0.09)
    pen.oval(pen.rng.uniform(-0.5, 0.5), 0, 0.16, 0.09, palette[3])


def notebook(pen: Pen, palette: Sequence[Colour]) -> None:
    """A notebook with a spiral and a band."""
    body = pen.rng.choice(palette)
    pen.box(-0.68, -0.95, 0.7, 0.95, body)
    for k in range(12):
        pen.line(((-0.78, -0.88 + 0.16 * k), (-0.56, -0.88 + 0.16 * k)), GREY, 0.04)
    if pen.rng.random() < 0.5:
        pen.box(0.45, -0.95, 0.52, 0.95, shade(body, 0.6))
    else:
        pen.box(-0.25, -0.5, 0.45, -0.15, (245, 245, 240))


def pens(pen: Pen, palette: Sequence[Colour]) -> None:
    count = pen.rng.randint(3, 8)
    for k in range(count):
        x = -0.8 + 1.6 * k / (count - 1)
        ink = pen.rng.choice((*palette, *VIVID))
        pen.box(x - 0.07, -0.7, x + 0.07, 0.7, ink)
        pen.shape(((x - 0.07, 0.7), (x + 0.07, 0.7), (x, 0.95)), shade(ink, 0.6))
        pen.box(x - 0.07, -0.95, x + 0.07, -0.7, shade(ink, 0.7))


def envelope(pen: Pen, palette: Sequence[Colour]) -> None:
    paper = pen.rng.choice(((200, 160, 110), (245, 240, 228), *palette))
    pen.box(-1, -0.6, 1, 0.65, paper)
    pen.shape(((-1, -0.6), (0, 0.15), (1, -0.6)), shade(paper, 0.88))


def lounger(pen: Pen, palette: Sequence[Colour]) -> None:
    frame, cloth = pen.rng.sample(list(palette), 2)
    pen.line(((-0.6, -0.7), (-0.1, 0.2), (1, 0.2)), cloth, 0.2)
    pen.line(((-0.7, 0.75), (-0.1, 0.2)), frame, 0.08)
    pen.line(((-0.1, 0.25), (0.1, 0.75)), frame, 0.08)
    pen.line(((0.9, 0.25), (0.95, 0.75)), frame, 0.08)


def parasol(pen: Pen, palette: Sequence[Colour]) -> None:
    cloth = pen.rng.choice(palette)
    pen.line(((0, -0.8), (0, 0.9)), GREY, 0.07)
    pen.shape(((-1, -0.3), (-0.4, -0.75), (0, -0.9), (0.4, -0.75), (1, -0.3)), cloth)
    pen.shape(((-0.35, -0.3), (0, -0.9), (0.35, -0.3)), shade(cloth, 1.2))
    pen.oval(0, 0.92, 0.4, 0.09, (70, 70, 72))


def patio_set(pen: Pen, palette: Sequence[Colour]) -> None:
    """A low woven table between two seats with pale cushions."""
    weave = pen.rng.choice(palette[:3])
    for side in (-1, 1):
        x = side * 0.75
        pen.box(x - 0.35, -0.5, x + 0.35, 0.5, weave)
        pen.box(x - 0.28, -0.4, x + 0.28, 0.15, (230, 226, 212))
    pen.box(-0.32, 0.1, 0.32, 0.55, shade(weave, 0.8))
    pen.box(-0.38, 0.02, 0.38, 0.12, (190, 210, 215))


def round_pool(pen: Pen, palette: Sequence[Colour]) -> None:
    """An above-ground pool: a wall, a rim, blue water."""
    wall = pen.rng.choice((*palette, (215, 215, 220), WOOD))
    ratio = pen.rng.uniform(0.3, 0.5)
    pen.oval(0, 0.25, 1.1, ratio, wall)
    pen.box(-1.1, -0.1, 1.1, 0.25, wall)
    pen.oval(0, -0.1, 1.1, ratio, shade(wall, 1.2))
    pen.oval(0, -0.1, 1, ratio * 0.88, vary(WATER, pen.rng, 20))
    if pen.rng.random() < 0.5:
        pen.line(((0.6, -0.8), (0.55, 0.6)), GREY, 0.05)
        pen.line(((0.85, -0.8), (0.85, 0.6)), GREY, 0.05)


def sunken_pool(pen: Pen, palette: Sequence[Colour]) -> None:
    """A rectangular pool seen from above, its stone rim around it."""
    pen.shape(((-0.8, -0.7), (0.9, -0.6), (1.1, 0.7), (-1.1, 0.6)), (215, 205, 185))
    pen.shape(((-0.7, -0.55), (0.78, -0.48), (0.92, 0.55), (-0.92, 0.46)), pen.rng.choice(palette))


def tarp(pen: Pen, palette: Sequence[Colour]) -> None:
    """A folded or rolled sheet."""
    sheet = pen.rng.choice(palette)
    pen.shape(((-0.9, -0.3), (0.6, -0.7), (1, 0.2), (-0.5, 0.7)), sheet)
    pen.shape(((-0.5, 0.7), (1, 0.2), (0.7, -0.1), (-0.65, 0.35)), shade(sheet, 0.75))
    for k in range(5):
        pen.oval(-0.8 + 0.33 * k, -0.28 - 0.085 * k, 0.04, 0.04, GREY)


def pump(pen: Pen, palette: Sequence[Colour]) -> None:
    """A filter drum with a hose."""
    drum = pen.rng.choice(((70, 74, 80), (190, 192, 196), *palette))
    hose = [(0.4 + 0.1 * k, 0.4 + 0.25 * math.sin(k)) for k in range(8)]
    pen.line(hose, pen.rng.choice(palette), 0.15)
    pen.box(-0.6, -0.6, 0.4, 0.75, drum)
    pen.oval(-0.1, -0.6, 0.5, 0.16, shade(drum, 1.2))
    pen.box(-0.3, -0.95, 0.1, -0.6, BLACK)


def tablets(pen: Pen, palette: Sequence[Colour]) -> None:
    """A bucket of treatment tablets."""
    pen.shape(((-0.6, -0.6), (0.6, -0.6), (0.5, 0.85), (-0.5, 0.85)), WHITE)
    pen.oval(0, -0.6, 0.62, 0.16, pen.rng.choice(palette))
    pen.box(-0.5, -0.2, 0.5, 0.45, pen.rng.choice(palette))


def drill(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.box(-0.7, -0.6, 0.4, -0.1, body)
    pen.shape(((-0.5, -0.1), (-0.1, -0.1), (-0.2, 0.6), (-0.6, 0.6)), shade(body, 0.8))
    pen.box(-0.75, 0.6, -0.05, 0.85, BLACK)
    pen.box(0.4, -0.5, 0.65, -0.2, BLACK)
    pen.line(((0.65, -0.35), (1.1, -0.35)), GREY, 0.07)


def shears(pen: Pen, palette: Sequence[Colour]) -> None:
    grip = pen.rng.choice(palette)
    pen.line(((-0.1, 0), (0.25, -0.95)), GREY, 0.16)
    pen.line(((0.1, 0), (-0.15, -0.85)), (185, 188, 192), 0.13)
    pen.line(((0, 0), (-0.35, 0.95)), grip, 0.17)
    pen.line(((0, 0), (0.35, 0.95)), grip, 0.17)


def hose(pen: Pen, palette: Sequence[Colour]) -> None:
    tube = pen.rng.choice(palette)
    for k in range(4):
        ring = [(0.75 * math.cos(t / 5), 0.1 * k - 0.2 + 0.5 * math.sin(t / 5)) for t in range(33)]
        pen.line(ring, shade(tube, 1 - 0.1 * k), 0.1)
    pen.box(0.7, 0.2, 1.05, 0.4, BLACK)


def plant_pot(pen: Pen, palette: Sequence[Colour]) -> None:
    for x, y in ((-0.5, -0.5), (0, -0.8), (0.5, -0.5), (-0.2, -0.3), (0.25, -0.35)):
        pen.oval(x, y, 0.28, 0.2, vary((60, 140, 60), pen.rng))
        pen.line(((0, 0.1), (x, y)), (50, 110, 50), 0.05)
    pot = pen.rng.choice(((180, 95, 60), *palette))
    pen.shape(((-0.55, 0.05), (0.55, 0.05), (0.4, 0.9), (-0.4, 0.9)), pot)


def mower(pen: Pen, palette: Sequence[Colour]) -> None:
    body = pen.rng.choice(palette)
    pen.line(((0.3, 0.2), (1, -0.9)), BLACK, 0.08)
    pen.shape(((-0.9, 0.5), (-0.7, -0.05), (0.3, -0.1), (0.6, 0.5)), body)
    pen.box(-0.5, -0.35, 0.05, -0.05, BLACK)
    for x in (-0.7, 0.45):
        pen.oval(x, 0.55, 0.22, 0.22, BLACK)


def parcel(pen: Pen, palette: Sequence[Colour]) -> None:
    """A closed cardboard box."""
    card_board = vary((190, 150, 105), pen.rng)
    pen.shape(((-0.8, -0.4), (-0.5, -0.7), (0.9, -0.7), (0.7, -0.4)), shade(card_board, 1.15))
    pen.box(-0.8, -0.4, 0.7, 0.7, card_board)
    pen.shape(((0.7, -0.4), (0.9, -0.7), (0.9, 0.35), (0.7, 0.7)), shade(card_board, 0.8))
    pen.box(-0.15, -0.4, 0.05, 0.7, pen.rng.choice(palette))


def no_photo(pen: Pen, palette: Sequence[Colour]) -> None:
    """The shop's placeholder: a camera in grey."""
    pen.box(-0.8, -0.45, 0.8, 0.6, (205, 205, 208))
    pen.box(-0.3, -0.62, 0.3, -0.45, (205, 205, 208))
    pen.oval(0, 0.08, 0.36, 0.36, (235, 235, 237))
    pen.lines_of_text(-0.6, 0.75, 0.6, 2, (205, 205, 208))


def logo(pen: Pen, palette: Sequence[Colour]) -> None:
    """A brand's name and sign instead of the product."""
    pen.oval(0, -0.3, 0.45, 0.45, pen.rng.choice(palette))
    pen.lines_of_text(-0.8, 0.4, 0.8, 2, pen.rng.choice(palette))


@dataclass(frozen=True)
class Look:
    """How one type is pictured: its colours, and its motifs as often as they are likely."""

    motifs: tuple[Motif, ...]
    palette: tuple[Colour, ...]
    scene: Colour | None = None


# `scene` is the colour of the usual place of use, seen behind the object in a part of the pictures.
LOOKS: dict[int, Look] = {
    10: Look((cover, cover, thick_book), FADED, (170, 150, 125)),
    2705: Look((cover, cover, cover, notebook), VIVID),
    2280: Look((magazine, magazine, magazine, magazine, cover), PRESS, (120, 115, 110)),
    2403: Look((magazines, magazines, magazines, magazine, pile), PRESS, (120, 115, 110)),
    40: Look((disc, disc, spare_part, game_case), VIVID),
    2462: Look((game_case, game_case, cartridge), CASES, (150, 140, 130)),
    2905: Look((artwork, artwork, artwork, game_case), DARK),
    50: Look((gamepad, gamepad, cable, headset, bag), GADGETS),
    60: Look((console, console, console, handheld, gamepad), CONSOLES, (150, 130, 110)),
    1140: Look((figure, figure, window_box, mug), HEROES),
    1160: Look((card, card, cards), CARDS),
    1180: Look((miniatures, miniatures, dice, figure), MINIATURES, (80, 75, 70)),
    1280: Look((blocks, teddy, car, game_box, figure), TOYS),
    1281: Look((board, game_box, game_box, cards), BOARDS),
    1300: Look((car, helicopter, drone, small_parts), MODELS),
    1301: Look((socks, socks, bib), PASTEL),
    1302: Look((swing, ball, trampoline, scooter), OUTDOOR, GRASS),
    1320: Look((pushchair, baby_bottle, cot, bag), NURSERY),
    1560: Look((cupboard, cupboard, sofa, bed, chair, table), TIMBER, (215, 205, 195)),
    1920: Look((cushion, cushion, folded_linen, curtains, made_bed), LINEN, (225, 215, 205)),
    1940: Look((jar, packet, bottle), FOOD),
    2060: Look(
        (framed_picture, tree_sticker, lamp, lights, clock, cushion), DECOR, (215, 205, 195)
    ),
    2220: Look((collar, pet, bowl, aquarium, packet), PETS),
    2522: Look((notebook, pens, pens, envelope), STATIONERY),
    2582: Look((patio_set, patio_set, lounger, parasol, chair, table), PATIO, GRASS),
    2583: Look((round_pool, round_pool, sunken_pool, tarp, pump, tablets), POOL, GRASS),
    2585: Look((drill, shears, hose, plant_pot, mower, tarp, pump), TOOLS, GRASS),
}

GENERIC = Look((parcel, no_photo, logo), VIVID)


def draw(picture: Picture) -> bytes:
    """The picture as a 500x500 JPEG file. The same picture always gives the same bytes."""
    rng = random.Random(f"{picture.seed}/{picture.code}")
    look = _look(picture.code, rng)
    image = _background(look, rng)
    turn = rng.choice((1, 4, 15))
    pen = Pen(image, rng, turn)
    palette = [vary(colour, rng) for colour in look.palette]
    if rng.random() < 0.10:
        _clutter(image, rng)
    motif = rng.choice(look.motifs)
    motif(pen, palette)
    if rng.random() < 0.10:
        _banner(image, rng)
    file = io.BytesIO()
    _photograph(image, rng).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _look(code: int, rng: random.Random) -> Look:
    chance = rng.random()
    if chance < GENERIC_SHARE:
        return GENERIC
    if chance < GENERIC_SHARE + BORROWED_SHARE:
        return LOOKS[rng.choice(sorted(LOOKS))]
    return LOOKS[code]


def _background(look: Look, rng: random.Random) -> Image.Image:
    chance = rng.random()
    if look.scene is not None and chance < 0.35:
        colour = vary(look.scene, rng, 20)
    elif chance < 0.8:
        return Image.new("RGB", (SIDE, SIDE), WHITE)
    else:
        colour = vary(rng.choice(((225, 225, 230), (235, 225, 210), (200, 215, 225))), rng, 25)
    ramp = Image.linear_gradient("L").resize((SIDE, SIDE))
    upper = Image.new("RGB", (SIDE, SIDE), shade(colour, 1.15))
    lower = Image.new("RGB", (SIDE, SIDE), shade(colour, 0.85))
    return Image.composite(lower, upper, ramp)


def _clutter(image: Image.Image, rng: random.Random) -> None:
    """Other things in the picture, at its edges."""
    for _ in range(rng.randint(1, 4)):
        thing = Pen(image, rng, turn=40)
        thing.centre = (rng.choice((0, SIDE)) + rng.uniform(-40, 40), rng.uniform(0, SIDE))
        colour = vary(rng.choice((*VIVID, *FADED)), rng)
        if rng.random() < 0.5:
            thing.box(-0.4, -0.4, 0.4, 0.4, colour)
        else:
            thing.oval(0, 0, 0.4, 0.4, colour)


def _banner(image: Image.Image, rng: random.Random) -> None:
    """A seller's strip along the lower edge."""
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, SIDE - 60, SIDE, SIDE), fill=rng.choice(VIVID))
    pen.rectangle((40, SIDE - 40, rng.randint(200, 460), SIDE - 22), fill=WHITE)


def _photograph(image: Image.Image, rng: random.Random) -> Image.Image:
    """Light, tint and grain of an amateur's camera; the shop's own pictures stay clean."""
    if rng.random() < 0.5:
        return image
    tint = vary((128, 128, 128), rng, 70)
    image = Image.blend(image, Image.new("RGB", image.size, tint), rng.uniform(0, 0.2))
    cells = np.random.default_rng(rng.getrandbits(64)).integers(0, 256, (100, 100, 3), np.uint8)
    grain = Image.fromarray(cells).resize(image.size, Image.Resampling.BILINEAR)
    return Image.blend(image, grain, rng.uniform(0.02, 0.10))
