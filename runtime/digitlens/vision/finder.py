"""Find what may be digits in the ink of a frame: connected strokes, and other ways to cut them.

A threshold of its own for each stroke, half of its darkest ink, keeps thin and faint strokes
beside thick and dark ones, and follows the outline of a blurred one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Part, parts_of
from digitlens.vision.foreground import Ink
from digitlens.vision.lines import long_parts, without_lines
from digitlens.vision.median import weighted_median

MIN_SIZE = 8
"""Pixels, at working size, under which the larger side of a part makes it a speck."""
RELATIVE_SIZE = 0.12
"""The same as a share of the usual height in the frame."""
MAX_PARTS = 600
"""How many parts are looked at, those with most ink first; texture has thousands."""
OWN_LEVEL = 0.42
"""Share of a stroke's darkest ink that still belongs to it."""
GAP = 0.14
"""How far apart two parts of one digit may be, as a share of its height."""
LEAST_PART = 0.04
"""A part with a smaller share of the other's ink is no stroke of the same digit."""
MAX_CUTS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Where ink is in a frame, and its parts.

    Attributes:
        mask: uint8 `[h, w]`, 1 where there is more ink than noise, ruled lines taken out.
        components: connected parts, those with most ink first, each with what is left of it
            when faint bridges and tails fall off.
    """

    mask: NDArray[np.uint8]
    components: list[tuple[Part, list[Part]]]


def find(ink: Ink) -> Found:
    """Find parts that are large enough for a digit or for a stroke of one."""
    mask = np.asarray(cv2.threshold(ink.amount, ink.noise, 1, cv2.THRESH_BINARY)[1], np.uint8)
    parts = parts_of(mask, ink.amount, ink.noise, MIN_SIZE)
    long = long_parts(parts, mask.shape)
    if long:
        mask = without_lines(mask, long)
        parts = parts_of(mask, ink.amount, ink.noise, MIN_SIZE)
    least = RELATIVE_SIZE * _usual_height(parts, mask.shape)
    large = sorted(
        (part for part in parts if max(part.width, part.height) >= least),
        key=lambda part: -part.area,
    )
    return Found(mask, [(part, part.cut(OWN_LEVEL, MIN_SIZE)) for part in large[:MAX_PARTS]])


def _usual_height(parts: list[Part], shape: tuple[int, ...]) -> float:
    """Give the median height of ink, each part counted by its area; without what spans half."""
    usual = [p for p in parts if p.width < shape[1] / 2 and p.height < shape[0] / 2]
    if not usual:
        return 0
    return weighted_median([p.height for p in usual], [p.area for p in usual])


def neighbours(some: Sequence[Part], parts: Sequence[Part]) -> Iterator[tuple[Part, Part]]:
    """Give each of `some` with each of all `parts` that may belong to the same digit."""
    if not some:
        return
    left, top, right, bottom, area = np.array(
        [(part.left, part.top, part.right, part.bottom, part.area) for part in parts]
    ).T
    for part in some:
        across = np.maximum(part.left, left) - np.minimum(part.right, right)
        down = np.maximum(part.top, top) - np.minimum(part.bottom, bottom)
        height = np.maximum(part.bottom, bottom) - np.minimum(part.top, top)
        width = np.maximum(part.right, right) - np.minimum(part.left, left)
        is_near = (np.maximum(across, down) < GAP * height) & (width < 1.5 * height)
        is_near &= np.minimum(part.area, area) >= LEAST_PART * np.maximum(part.area, area)
        for number in np.flatnonzero(is_near).tolist():
            if parts[number] is not part:
                yield part, parts[number]


def cuts(part: Part) -> list[int]:
    """Give the columns in which a part of several touching digits may be cut, ends included.

    They are the valleys of the ink per column, the deepest first, an eighth of the height apart.
    """
    profile = part.mask.sum(0, dtype=np.int32).astype(np.float32)[np.newaxis]
    smooth = cv2.blur(profile, (2 * (part.height // 20) + 1, 1))[0]
    inner = np.flatnonzero((smooth[1:-1] <= smooth[:-2]) & (smooth[1:-1] < smooth[2:])) + 1
    apart = max(part.height // 8, 2)
    chosen = [0, part.width]
    for column in inner[np.argsort(smooth[inner], kind="stable")].tolist():
        if all(abs(column - other) >= apart for other in chosen):
            chosen.append(column)
    return sorted(chosen[: MAX_CUTS + 2])
