"""How the sample's pictures are composed: the motifs and looks of pictures.yaml."""

from __future__ import annotations

import math
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated

from PIL import ImageColor
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stages.sources.sample import codes
from stages.sources.sample.datafile import Frozen, read

PATH = Path(__file__).with_name("pictures.yaml")

ROLES = ("body", "ink", "any")
"""Fills from the palette: two colours a motif keeps, and one that is drawn for every shape."""

_CORNERS = 28
"""Of the polygon that stands for an oval."""

Colour = tuple[int, int, int]
Point = tuple[float, float]


def _colour(name: object) -> Colour:
    """The colour of a CSS name."""
    red, green, blue = ImageColor.getrgb(str(name))[:3]
    return red, green, blue


Named = Annotated[Colour, BeforeValidator(_colour)]
Weight = Annotated[int, Field(ge=1)]


class Grid(Frozen):
    """Spots in columns and rows, the first at 0, 0, the others `step` apart."""

    columns: Weight
    rows: Weight
    step: Point


class Step(Frozen):
    """A shape, or another motif, at one or several spots of the motif's frame."""

    box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom."""
    oval: tuple[float, float, float, float] | None = None
    """Centre and radii."""
    polygon: Annotated[tuple[Point, ...], Field(min_length=3)] | None = None
    line: Annotated[tuple[Point, ...], Field(min_length=2)] | None = None
    motif: str | None = None
    """The name of a motif, which is drawn `size` times as large."""

    fill: str = "body"
    """One of ROLES, or a CSS colour."""
    shade: float = 1
    """Below 1 the fill becomes darker, above 1 lighter."""
    width: float = 0.08
    """Of a line."""
    size: float = 1

    at: Annotated[tuple[Point, ...], Field(min_length=1)] = ((0, 0),)
    grid: Grid | None = None
    """Spots, instead of `at`."""
    count: tuple[int, int] | None = None
    """The least and the most of the spots, from the first on, that are used; None: all."""
    jitter: Point = (0, 0)
    """By how much a spot moves at most, in x and y."""

    @model_validator(mode="after")
    def _one_shape(self) -> Step:
        kinds = ("box", "oval", "polygon", "line", "motif")
        if len([kind for kind in kinds if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"expected exactly one of {', '.join(kinds)}")
        _ = self.colour  # raises ValueError for a name that is no colour
        if self.count and not 0 <= self.count[0] <= self.count[1] <= len(self.spots):
            raise ValueError(f"count {self.count}: expected 0 <= least <= most <= spots")
        return self

    @cached_property
    def colour(self) -> Colour | None:
        """Of the fill; None for one of ROLES, whose colour each drawing chooses."""
        return None if self.fill in ROLES else _colour(self.fill)

    @cached_property
    def spots(self) -> tuple[Point, ...]:
        if self.grid is None:
            return self.at
        (dx, dy), grid = self.grid.step, self.grid
        return tuple((dx * x, dy * y) for y in range(grid.rows) for x in range(grid.columns))

    @cached_property
    def outline(self) -> tuple[Point, ...]:
        """The corners of a shape, or the points of a line."""
        if self.box:
            left, top, right, bottom = self.box
            return (left, top), (right, top), (right, bottom), (left, bottom)
        if self.oval:
            x, y, across, down = self.oval
            turns = [2 * math.pi * k / _CORNERS for k in range(_CORNERS)]
            return tuple((x + across * math.cos(t), y + down * math.sin(t)) for t in turns)
        return self.polygon or self.line or ()


class Look(Frozen):
    """How one product type is pictured."""

    motifs: Annotated[dict[str, Weight], Field(min_length=1)]
    """Names of motifs, each as often as its number says."""
    palette: Annotated[tuple[Named, ...], Field(min_length=2)]
    scene: Named | None = None
    """The colour of the usual place of use, seen behind the object in a part of the pictures."""


class Recipes(Frozen):
    """All of pictures.yaml."""

    motifs: dict[str, Annotated[tuple[Step, ...], Field(min_length=1)]]
    types: Annotated[dict[int, Look], AfterValidator(codes.complete)]
    nothing: Look
    """What stands in a picture that shows no product."""

    @model_validator(mode="after")
    def _every_motif_is_there(self) -> Recipes:
        known: set[str] = set()
        for name, steps in self.motifs.items():
            for step in steps:
                if step.motif and step.motif not in known:
                    raise ValueError(
                        f"motif {name} draws {step.motif!r}; expected one of those above it"
                    )
            known.add(name)
        for code, look in [*self.types.items(), ("nothing", self.nothing)]:
            if unknown := look.motifs.keys() - known:
                raise ValueError(f"type {code}: unknown motifs {sorted(unknown)}")
        return self


@cache
def load(path: Path = PATH) -> Recipes:
    """The recipes, checked as a whole.

    Raises SourceError naming what is wrong: an unknown motif or colour, a type that is missing.
    """
    return read(path, Recipes)
