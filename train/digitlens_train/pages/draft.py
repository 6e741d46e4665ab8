"""A page in the making: its layers of ink, and which digit owns which pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from digitlens_train.pages.field import Ink, Mark, Plane, Random
from digitlens_train.pages.hands import Hands, Writer
from digitlens_train.pages.page import OTHER, PAPER, Box, Owner
from digitlens_train.pages.pen import Pen

MIN_HEIGHT = 9
"""Digits that are lower, in pixels, are not written."""
MIN_SHOWN = 0.97
"""Share of a digit's ink that must be in the picture."""
MIN_UNCOVERED = 0.88
"""Share of a digit's ink that other marks may not cover."""
_OWNED = 100

Region = tuple[float, float, float, float]
"""Left, top, right and bottom."""


@dataclass(slots=True, eq=False)
class Layer:
    """Strokes of one pen: uint8 `[h, w]`, 255 is ink; `thickness` is in pixels.

    `texture` varies the colour, around 1.
    """

    pen: Pen
    alpha: Ink
    thickness: float
    texture: Plane | None = None


@dataclass(slots=True, eq=False)
class Draft:
    """A page before it has paper, light and a camera.

    Attributes:
        region: where one may write.
        height: of the lowest digits, in pixels, once some are written.
        thickness: of the thinnest strokes, in pixels.
        taken: areas that are written on.
        rough: for each digit, an area that contains its ink.
        amounts: of ink of each digit, in pixels.
    """

    random: Random
    hands: Hands
    size: tuple[int, int]
    is_dark: bool = False
    is_scattered: bool = False
    region: Region = (0, 0, 0, 0)
    height: float = 0.0
    thickness: float = 3.0
    labels: list[int] = field(default_factory=list)
    rough: list[Box] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    taken: list[Region] = field(default_factory=list)
    owner: Owner = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.size
        self.owner = np.zeros((height, width), np.int16)
        if self.region == (0, 0, 0, 0):
            self.region = (0, 0, width, height)

    def layer(self, pen: Pen, thickness: float) -> Layer:
        """Add a layer for a pen."""
        added = Layer(pen, np.zeros(self.size, np.uint8), thickness)
        self.layers.append(added)
        return added

    def writer(self, pen: Pen, height: float) -> Writer:
        """Choose a writer for digits of a height in pixels."""
        self.height = min(self.height or height, height)
        self.thickness = max(self.height * pen.width, 1.0)
        return self.hands.writer(self.random, pen.width, height < 64)

    def write(self, layer: Layer, mark: Mark, x: float, y: float) -> bool:
        """Put the middle of a mark at a place; return whether it fits there.

        A digit that would be cut off or be too low is left out.
        """
        left, top = round(x - mark.anchor[0]), round(y - mark.anchor[1])
        height, width = mark.ink.shape
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, self.size[1]), min(top + height, self.size[0])
        if x0 >= x1 or y0 >= y1:
            return False
        ink = mark.ink[y0 - top : y1 - top, x0 - left : x1 - left]
        has_ink = ink >= _OWNED
        if mark.label >= 0:
            shown, whole = int(has_ink.sum()), int((mark.ink >= _OWNED).sum())
            rows = int(has_ink.any(1).sum())
            if shown < MIN_SHOWN * whole or rows < MIN_HEIGHT or not shown:
                return False
            self.labels.append(mark.label)
            self.rough.append((x0, y0, x1 - x0, y1 - y0))
            self.amounts.append(shown)
        self.owner[y0:y1, x0:x1][has_ink] = len(self.labels) if mark.label >= 0 else OTHER
        window = layer.alpha[y0:y1, x0:x1]
        np.maximum(window, ink, out=window)
        self.taken.append((x0, y0, x1, y1))
        return True

    def mark_others(self, layer: Layer) -> None:
        """Mark the ink of a layer as ink of non-digits."""
        self.owner[(layer.alpha >= _OWNED) & (self.owner == PAPER)] = OTHER

    def is_free(self, area: Region, margin: float = 0.0) -> bool:
        """Return whether nothing is written in an area."""
        left, top, right, bottom = area
        return all(
            right + margin < x0 or left - margin > x1 or bottom + margin < y0 or top - margin > y1
            for x0, y0, x1, y1 in self.taken
        )

    @property
    def is_covered(self) -> bool:
        """Whether other marks cover much of a digit."""
        for number, (amount, (x, y, width, height)) in enumerate(
            zip(self.amounts, self.rough, strict=True), 1
        ):
            left = cv2.countNonZero(
                (self.owner[y : y + height, x : x + width] == number).astype(np.uint8)
            )
            if left < MIN_UNCOVERED * amount:
                return True
        return False

    def extent(self, since: int = 0) -> Region:
        """Return the area of all that is written, from a number of marks on."""
        areas = np.array(self.taken[since:] or [self.region])
        low, high = areas[:, :2].min(0), areas[:, 2:].max(0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def boxes(owner: Owner, rough: Sequence[Box]) -> tuple[Box, ...]:
    """Return the box of each digit's ink, which is somewhere in its rough box."""
    found = []
    for number, (x, y, width, height) in enumerate(rough, 1):
        window = owner[y : y + height, x : x + width]
        box = cv2.boundingRect((window == number).astype(np.uint8))
        found.append((x + box[0], y + box[1], box[2], box[3]))
    return tuple(found)


def polyline(
    layer: Layer, points: Sequence[Sequence[float]] | Plane, thickness: float, closed: bool = False
) -> None:
    """Draw a line through points; thinner ones than a pixel are paler."""
    corners = np.rint(np.asarray(points, np.float64) * 16).astype(np.int32)
    value = 255 if thickness >= 1 else round(255 * max(thickness, 0.3))
    cv2.polylines(layer.alpha, [corners], closed, value, max(round(thickness), 1), cv2.LINE_AA, 4)
