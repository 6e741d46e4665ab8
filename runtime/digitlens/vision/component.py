"""A connected component of the foreground, or several taken together: what may be one digit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.foreground import Layer, percentiles
from digitlens.vision.mnist_format import rough_stroke_width

DARKEST = 90
"""Percentile of a component's ink that is taken for its darkest."""
BAR = 1.2
"""A component with up to this many times the ink of its diagonal is one straight stroke."""
DENSE = 0.06
"""A mask is dense if ink and paper change so often along its rows, as a share of its pixels."""

_NEIGHBOURS = np.ones((3, 3), np.uint8)

Mask = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Component:
    """Foreground pixels that may be one digit.

    Attributes:
        left, top: of its box in pixels at working size.
        mask: uint8 `[h, w]`, 1 where its pixels are.
        level: ink of the layer up to which nothing belongs to it.
        layer: the layer of the foreground that it was found in.
    """

    left: int
    top: int
    mask: Mask = field(repr=False)
    level: float
    layer: Layer = field(repr=False)

    @property
    def height(self) -> int:
        """In pixels, like all sides."""
        return len(self.mask)

    @property
    def width(self) -> int:
        """In pixels, like all sides."""
        return int(self.mask.shape[1])

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @cached_property
    def center(self) -> tuple[float, float]:
        """The middle of its box, x and y."""
        return self.left + self.width / 2, self.top + self.height / 2

    @cached_property
    def area(self) -> int:
        """Number of its pixels."""
        return cv2.countNonZero(self.mask)

    @property
    def window(self) -> tuple[slice, slice]:
        """Its box in the frame, as an index."""
        return np.s_[self.top : self.bottom, self.left : self.right]

    @cached_property
    def darkest(self) -> int:
        """The ink, 1…255, that only a tenth of it exceeds."""
        return max(percentiles(self.layer.ink[self.window], [DARKEST], self.mask)[0], 1)

    @cached_property
    def stroke_width(self) -> float:
        """Mean width of its strokes in pixels, roughly."""
        return rough_stroke_width(self.mask)

    @cached_property
    def is_bar(self) -> bool:
        """Whether it is one straight stroke: a 1, or anything else that is long."""
        length = hypot(self.width, self.height)
        return self.area < BAR * length * self.stroke_width

    def soft(self) -> NDArray[np.uint8]:
        """Return its ink with soft edges: uint8 `[h + 2, w + 2]`, the darkest 255."""
        around = cv2.copyMakeBorder(self.mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        mask = cv2.dilate(around, _NEIGHBOURS)
        top, left = max(self.top - 1, 0), max(self.left - 1, 0)
        inside = self.layer.ink[top : self.bottom + 1, left : self.right + 1]
        y, x = top - self.top + 1, left - self.left + 1
        own = np.zeros(mask.shape, np.uint8)
        own[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
        dark = cv2.multiply(own, mask)
        return np.asarray(cv2.convertScaleAbs(dark, alpha=255 / self.darkest), np.uint8)

    def merged(self, other: "Component") -> "Component":
        """Return both as one."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        mask = np.zeros((bottom - top, right - left), np.uint8)
        for each in (self, other):
            y, x = each.top - top, each.left - left
            mask[y : y + each.height, x : x + each.width] |= each.mask
        return Component(left, top, mask, min(self.level, other.level), self.layer)

    def above(self, share: float, least: int) -> "list[Component]":
        """Return what is connected above `share` of its darkest ink: faint bridges fall off."""
        level = share * self.darkest
        if level <= self.level:
            return [self]
        dark = cv2.threshold(self.layer.ink[self.window], level, 1, cv2.THRESH_BINARY)[1]
        mask = np.asarray(cv2.bitwise_and(self.mask, dark), np.uint8)
        return components(mask, self.layer, level, least, (self.left, self.top))

    def columns(self, start: int, end: int, least: int) -> "Component | None":
        """Return the largest connected piece of the columns from `start` to `end`."""
        mask = np.ascontiguousarray(self.mask[:, start:end])
        pieces = components(mask, self.layer, self.level, least, (self.left + start, self.top))
        return max(pieces, key=lambda piece: piece.area, default=None)

    def overlap(self, other: "Component") -> int:
        """Return the number of pixels that both have."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        if left >= right or top >= bottom:
            return 0
        windows = [
            each.mask[top - each.top : bottom - each.top, left - each.left : right - each.left]
            for each in (self, other)
        ]
        return cv2.countNonZero(cv2.bitwise_and(*windows))


def components(
    mask: Mask, layer: Layer, level: float, least: float, corner: tuple[int, int] = (0, 0)
) -> list[Component]:
    """Return the connected components of a mask that is laid on `layer` at `corner`, x and y.

    Those whose larger side is under `least` pixels are specks and left out.
    """
    found = (_labelled if _is_dense(mask) else _outlined)(mask, least)
    return [Component(corner[0] + x, corner[1] + y, own, level, layer) for x, y, own in found]


def _is_dense(mask: Mask) -> bool:
    """Return whether a mask is texture or print: of that, labels are found faster than outlines."""
    rows = mask[::4]
    changes = int(np.count_nonzero(rows[:, 1:] != rows[:, :-1]))
    return changes > DENSE * rows.size


def _labelled(mask: Mask, least: float) -> Iterator[tuple[int, int, Mask]]:
    """Yield the place, x and y, and the mask of each component by its number in a label image."""
    _, numbers, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask, 8, cv2.CV_32S, cv2.CCL_BBDT
    )
    is_large = (boxes[:, cv2.CC_STAT_WIDTH] >= least) | (boxes[:, cv2.CC_STAT_HEIGHT] >= least)
    is_large[0] = False  # the paper
    for number in np.flatnonzero(is_large).tolist():
        x, y, width, height, _ = boxes[number].tolist()
        yield x, y, (numbers[y : y + height, x : x + width] == number).view(np.uint8)


def _outlined(mask: Mask, least: float) -> Iterator[tuple[int, int, Mask]]:
    """Yield the same, by outlines: fastest where there are few."""
    contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if hierarchy is None:
        return
    links = hierarchy[0]
    is_only = np.count_nonzero(links[:, 3] < 0) == 1
    shortest = 2 * (least - 1)  # there and back; noise has thousands of contours under it
    for number, contour in enumerate(contours):
        if len(contour) < shortest or links[number, 3] >= 0:
            continue
        x, y, width, height = cv2.boundingRect(contour)
        if width < least and height < least:
            continue
        own = mask[y : y + height, x : x + width]
        if not is_only:
            own = own & _filled(_outlines(contours, links, number), (x, y, width, height))
        yield x, y, own


def _outlines(
    contours: Sequence[NDArray[Any]], links: NDArray[Any], number: int
) -> list[NDArray[Any]]:
    """Return a contour and those of its holes, by the links of `cv2.findContours`."""
    found, hole = [contours[number]], links[number, 2]
    while hole >= 0:
        found.append(contours[hole])
        hole = links[hole, 0]
    return found


def _filled(outlines: Sequence[NDArray[Any]], box: tuple[int, int, int, int]) -> Mask:
    """Fill the first outline except for the others, which are holes in it."""
    x, y, width, height = box
    filled = np.zeros((height, width), np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED, offset=(-x, -y))
    return filled
