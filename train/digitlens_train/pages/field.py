"""Distance fields of pen strokes: ink of any size and pen width from one small array.

A field stores how far each pixel is from the middle of the stroke. Ink is where that distance is
below half of the pen's width, so edges stay sharp at any scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens_train.strokes import Points

Ink = NDArray[np.uint8]
Plane = NDArray[np.float32]
Random = np.random.Generator

MARGIN = 2
"""Paper around an MNIST image, in its pixels, for pens wider than its own."""
_PATH_SIDE, _PATH_MARGIN = 80, 26
_BLUR = 0.9
"""Sigma that smooths a centre line, in field pixels."""
_FAR = 99.0
_SMALLEST_HOLE = 1 / 14
"""Side of the smallest loop, as a share of a digit's height."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Distances to the middle of a stroke.

    Attributes:
        values: float32 `[n, m]`, in field pixels.
        box: left, top, right and bottom of the middle of the stroke.
        em: field pixels for the height of a digit or capital.
        level: y of the middle of a digit in the same row.
        half: half of the width of the stroke it was made from; 0 for a centre line.
    """

    values: Plane
    box: tuple[float, float, float, float]
    em: float
    level: float
    half: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """Ink of one digit, letter or sign at its final size.

    Attributes:
        ink: uint8 `[h, w]`, 255 is ink.
        anchor: x and y of the middle of the mark in `ink`.
        size: width and height before rotation.
        drop: distance of the middle from the middle of a digit in the same row, downwards.
        label: the digit, -1 for other marks.
    """

    ink: Ink
    anchor: tuple[float, float]
    size: tuple[float, float]
    drop: float = 0.0
    label: int = -1


def from_paths(paths: Sequence[Points]) -> Field:
    """Make a field of strokes; 0…1 is the height of a digit."""
    points = np.concatenate(list(paths)) * _PATH_SIDE + _PATH_MARGIN
    low = np.minimum(points.min(0) - _PATH_MARGIN, 0)
    width, height = np.ceil(points.max(0) + _PATH_MARGIN - low).astype(int)
    paper = np.full((max(height, 2), max(width, 2)), 255, np.uint8)
    shifted = [
        np.rint((path * _PATH_SIDE + _PATH_MARGIN - low) * 16).astype(np.int32) for path in paths
    ]
    cv2.polylines(paper, shifted, False, 0, 1, cv2.LINE_8, 4)
    left, top = points.min(0) - low
    right, bottom = points.max(0) - low
    level = _PATH_MARGIN + _PATH_SIDE / 2 - low[1]
    return Field(_line_distance(paper), (left, top, right, bottom), _PATH_SIDE, level)


def from_skeleton(mask: Ink, blot: float) -> Field | None:
    """Return a field of the centre line of a mask, 0 or 1, or None if its loops have run full.

    They have where the mask is `blot` times as wide as its stroke; they would become lines.
    """
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    thin = skeleton(mask)
    halves = inside[thin > 0]
    usual = float(np.median(halves))
    if float(halves.max()) > blot * usual:
        return None
    thin = _pruned(thin, round(0.6 * usual))
    x, y, width, height = cv2.boundingRect(thin)
    box = (float(x), float(y), float(x + width), float(y + height))
    return Field(_line_distance(1 - thin), box, max(height, 1), y + height / 2)


def from_mask(mask: Ink) -> Field:
    """Make a field of a mask, 0 or 1, that keeps the variation of its stroke's width."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    half = 2 * float(inside.sum()) / max(int(mask.sum()), 1)
    values = cv2.GaussianBlur(outside - inside, (0, 0), _BLUR) + np.float32(half)
    x, y, width, height = cv2.boundingRect(mask)
    box = (x + half, y + half, x + width - half, y + height - half)
    return Field(
        np.asarray(values, np.float32), box, max(height - 2 * half, 1), y + height / 2, half
    )


def _line_distance(paper: Ink) -> Plane:
    distance = cv2.distanceTransform(paper, cv2.DIST_L2, 5)
    smooth = cv2.GaussianBlur(distance, (0, 0), _BLUR)
    # The blur lifts the values at the line by about 0.8 sigma, those far away hardly.
    squares = np.maximum(smooth * smooth - np.float32((0.8 * _BLUR) ** 2), 0)
    return np.asarray(np.sqrt(squares), np.float32)


def render(
    field: Field,
    scale: float,
    pen: float,
    *,
    wide: float = 1.0,
    slant: float = 0.0,
    angle: float = 0.0,
    waver: Plane | None = None,
) -> Mark:
    """Draw a field with a pen `pen` pixels wide.

    `scale` is in pixels for a field pixel, `wide` stretches in x, `angle` turns clockwise in
    radians, and `waver` holds relative changes of the pen's width.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    upright = np.array([[scale * wide, -slant * scale], [0, scale]])
    matrix = np.array([[cos, -sin], [sin, cos]]) @ upright
    left, top, right, bottom = field.box
    middle = np.array([left + right, top + bottom]) / 2
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) - middle
    reach = pen / 2 + 2
    turned = corners @ matrix.T
    low, high = np.floor(turned.min(0) - reach), np.ceil(turned.max(0) + reach)
    width, height = (int(length) for length in high - low)
    affine = np.column_stack([matrix, -matrix @ middle - low])
    flags = cv2.INTER_CUBIC if scale > 2 else cv2.INTER_LINEAR
    distance = cv2.warpAffine(
        field.values, affine, (width, height), flags=flags, borderValue=_FAR
    ) * np.float32(scale * np.sqrt(wide))
    half: Plane | float = pen / 2
    if waver is not None:
        half = half * (1 + cv2.resize(waver, (width, height)))
    ink = np.clip((half - distance + 0.5) * 255, 0, 255).astype(np.uint8)
    extent = np.ptp(corners @ upright.T, axis=0) + pen
    return Mark(ink, (-float(low[0]), -float(low[1])), (float(extent[0]), float(extent[1])))


def loops(field: Field, half: float) -> int:
    """Count the areas that a pen of half-width `half`, in field pixels, encloses."""
    return holes((field.values <= half).astype(np.uint8), field.em)


def holes(mask: Ink, height: float | None = None) -> int:
    """Count the holes of a mask, 0 or 1, other than tiny ones."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    height = height or cv2.boundingRect(mask)[3]
    least = max((_SMALLEST_HOLE * height) ** 2, 4)
    return int((stats[1:count, cv2.CC_STAT_AREA] >= least).sum()) - 1


def stroke_width(mask: Ink) -> tuple[float, float]:
    """Return the usual width of a mask's stroke over its height, and its widest over its usual."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    half = 2 * float(inside.sum()) / max(cv2.countNonZero(mask), 1)
    return 2 * half / max(cv2.boundingRect(mask)[3], 1), float(inside.max()) / half


def _tables() -> tuple[Ink, Ink, Ink]:
    """Compute which neighbourhoods the two steps of thinning delete, and which are ends.

    Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", 1984.
    """
    codes = np.arange(256)
    ring = codes[:, np.newaxis] >> np.arange(8) & 1  # clockwise from above
    count = ring.sum(1)
    starts = ((ring == 0) & (np.roll(ring, -1, 1) == 1)).sum(1)
    north, east, south, west = ring[:, 0], ring[:, 2], ring[:, 4], ring[:, 6]
    both = (count >= 2) & (count <= 6) & (starts == 1)
    first = both & (north & east & south == 0) & (east & south & west == 0)
    second = both & (north & east & west == 0) & (north & south & west == 0)
    ends = (count <= 2) & (starts <= 1)
    return first.astype(np.uint8), second.astype(np.uint8), ends.astype(np.uint8)


*_STEPS, _ENDS = _tables()
_WEIGHTS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def skeleton(mask: Ink) -> Ink:
    """Thin a mask, 0 or 1 with a free border, to lines one pixel wide."""
    thin = mask.copy()
    while True:
        before = cv2.countNonZero(thin)
        for table in _STEPS:
            thin = _without(thin, table)
        if cv2.countNonZero(thin) == before:
            return thin


def _without(thin: Ink, table: Ink) -> Ink:
    """Delete the pixels whose neighbourhood is in a table."""
    codes = cv2.filter2D(thin, -1, _WEIGHTS, borderType=cv2.BORDER_CONSTANT)
    return thin & (1 - np.asarray(cv2.LUT(codes, table), np.uint8))


def _pruned(thin: Ink, length: int) -> Ink:
    """Shorten all ends, so that spurs at corners and at blunt ends vanish."""
    for _ in range(length):
        shorter = _without(thin, _ENDS)
        if not shorter.any():
            break
        thin = shorter
    return thin
