"""Find the digits of a frame: ink apart from paper, strokes joined into crops, crops into rows."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE

WORKING_SIZE = 1280
"""Frames whose long side is larger are searched at this size, in pixels."""

MIN_CONTRAST = 24
"""Grey levels of 255 that ink must stand out from the paper around it."""

FAINT = 160
"""An MNIST image whose strongest ink is below this grey level is stretched to 255."""

MIN_HEIGHT = 8
"""Height in pixels under which a component is a speck."""

RELATIVE_HEIGHT = 0.4
"""Digits lower than this part of the tall ones are dots, dashes and noise."""

MIN_AREA = 8
"""Area in pixels under which a component is a speck."""

MAX_STROKES = 400
"""How many components are looked at, the tallest first; texture has thousands."""

MAX_ASPECT = 2.5
"""Components wider than this many heights are lines."""

PAPER_SIZE = 160
"""Long side of the small picture on which the level of the paper is estimated, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One digit in a frame.

    Attributes:
        box: `(x, y, width, height)` in pixels of the frame.
        line: number of its row, from 0.
        ink: uint8 `[h, w]`, ink 255 on 0, without the neighbours' ink; at working size.
    """

    box: tuple[int, int, int, int]
    line: int
    ink: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Part:
    """One or several connected components: their common box, and their numbers."""

    left: int
    top: int
    right: int
    bottom: int
    numbers: frozenset[int]

    @property
    def width(self) -> int:
        """In pixels, like all sides."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels, like all sides."""
        return self.bottom - self.top

    def joined(self, other: "Part") -> "Part":
        """Give the part that holds both."""
        return Part(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.numbers | other.numbers,
        )


def is_mnist_image(gray: NDArray[np.uint8]) -> bool:
    """Tell whether a frame has MNIST's size: then it is one digit, and cut out already."""
    return gray.shape == (MNIST_SIZE, MNIST_SIZE)


def whole(gray: NDArray[np.uint8]) -> list[Crop]:
    """Take a frame uint8 `[28, 28]` of either polarity as one crop, or none if it is blank.

    The paper's level is that of the outermost pixels, which MNIST keeps free. Ink that is
    strong enough is left exactly as it is.
    """
    edge = np.concatenate([gray[0], gray[-1], gray[1:-1, 0], gray[1:-1, -1]])
    ink = stronger_side(gray.astype(np.int16) - int(np.median(edge)))
    strongest = int(ink.max())
    if strongest < MIN_CONTRAST:
        return []
    if strongest < FAINT:
        ink = _stretched(ink, strongest)
    return [Crop((0, 0, MNIST_SIZE, MNIST_SIZE), 0, ink)]


def find(gray: NDArray[np.uint8]) -> list[Crop]:
    """Find the digits of a frame uint8 `[h, w]` of any size and polarity, in reading order."""
    scale = min(WORKING_SIZE / max(gray.shape), 1.0)
    ink = ink_map(_resized(gray, scale))
    visible = ink[ink >= MIN_CONTRAST]
    if not len(visible):
        return []
    level, _ = cv2.threshold(visible, 0, 255, cv2.THRESH_OTSU)
    mask = (ink >= max(0.7 * level, MIN_CONTRAST)).astype(np.uint8)
    _, *found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    numbers, stats = (np.asarray(array, np.int32) for array in found)
    parts = _digits(_joined(_strokes(stats, ink.shape)))
    return [
        Crop(_frame_box(part, scale, gray.shape), line, _cut(ink, numbers, part))
        for line, row in enumerate(rows(parts))
        for part in row
    ]


def ink_map(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the ink of uint8 `[h, w]` as uint8 `[h, w]`: how far each pixel is from the paper.

    Paper is the median of a wide neighbourhood, so shadows belong to it. Ink is what differs
    from it on the side, darker or lighter, where the differences are larger.
    """
    small = _resized(gray, min(PAPER_SIZE / max(gray.shape), 1.0))
    margin = min(small.shape) // 2
    framed = cv2.copyMakeBorder(small, *(margin,) * 4, cv2.BORDER_REFLECT)
    paper = cv2.medianBlur(framed, 2 * margin + 1)
    paper = paper[margin : margin + small.shape[0], margin : margin + small.shape[1]]
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return stronger_side(gray.astype(np.int16) - np.asarray(paper, np.int16))


def stronger_side(difference: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Of the pixels above and below 0, keep those that stand out more in all, as uint8."""
    sides = [np.clip(side, 0, 255).astype(np.uint8) for side in (difference, -difference)]
    lighter, darker = (
        np.square(side[side >= MIN_CONTRAST].astype(np.float64)).sum() for side in sides
    )
    return sides[int(darker > lighter)]


def rows(parts: list[Part]) -> list[list[Part]]:
    """Sort parts into rows from top to bottom, and each row from left to right.

    A part belongs to the row whose last part it overlaps by half of the lower one's height.
    """
    found: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: part.left):
        neighbours = [row for row in found if _overlap(row[-1], part) >= 0.5]
        if neighbours:
            max(neighbours, key=lambda row: _overlap(row[-1], part)).append(part)
        else:
            found.append([part])
    return sorted(found, key=lambda row: sum(p.top + p.bottom for p in row) / len(row))


def _overlap(one: Part, other: Part) -> float:
    common = min(one.bottom, other.bottom) - max(one.top, other.top)
    return common / min(one.height, other.height)


def _resized(gray: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return gray
    size = tuple(max(round(side * scale), 1) for side in gray.shape[::-1])
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _stretched(ink: NDArray[np.uint8], strongest: int) -> NDArray[np.uint8]:
    """Scale ink so that the level `strongest` becomes 255."""
    stretched: NDArray[np.uint8] = np.clip(ink * (255 / strongest), 0, 255).astype(np.uint8)
    return stretched


def _strokes(stats: NDArray[np.int32], shape: tuple[int, ...]) -> list[Part]:
    """Give the tallest components first, without specks, shadows, tables and borders.

    Those last span the frame from its edge.
    """
    parts = []
    for number, (x, y, width, height, area) in enumerate(stats.tolist()):
        at_edge = x == 0 or y == 0 or x + width == shape[1] or y + height == shape[0]
        spans = width > shape[1] / 2 or height > shape[0] / 2
        if number > 0 and area >= MIN_AREA and not (at_edge and spans):
            parts.append(Part(x, y, x + width, y + height, frozenset([number])))
    return sorted(parts, key=lambda part: -part.height)[:MAX_STROKES]


def _joined(parts: list[Part]) -> list[Part]:
    """Join parts that stand above each other with a narrow gap, as the bar of a 5 does.

    Two parts are one digit where the gap between them is under a fifth of their common height
    and they share two fifths of the narrower one's columns, or three where they stand side by
    side. The lower one is clearly lower, and both together are not much wider than high.
    """
    joined: list[Part] = []
    for part in parts:
        for index, other in enumerate(joined):
            if _belong_together(other, part):
                joined[index] = other.joined(part)
                break
        else:
            joined.append(part)
    return joined


def _belong_together(large: Part, small: Part) -> bool:
    columns = min(large.right, small.right) - max(large.left, small.left)
    gap = max(large.top, small.top) - min(large.bottom, small.bottom)
    is_stacked = gap > -0.5 * small.height
    together = large.joined(small)
    return (
        columns > (0.4 if is_stacked else 0.6) * min(large.width, small.width)
        and gap < 0.2 * together.height
        and small.height < 0.8 * large.height
        and together.width < 1.3 * together.height
    )


def _digits(parts: list[Part]) -> list[Part]:
    """Keep what has a digit's shape and the height of the others."""
    upright = [p for p in parts if p.height >= MIN_HEIGHT and p.width <= MAX_ASPECT * p.height]
    if not upright:
        return []
    tall = float(np.percentile([part.height for part in upright], 75))
    return [part for part in upright if part.height >= RELATIVE_HEIGHT * tall]


def _frame_box(part: Part, scale: float, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, top = int(part.left / scale), int(part.top / scale)
    right, bottom = (
        min(round(part.right / scale), shape[1]),
        min(round(part.bottom / scale), shape[0]),
    )
    return left, top, right - left, bottom - top


def _cut(ink: NDArray[np.uint8], numbers: NDArray[np.int32], part: Part) -> NDArray[np.uint8]:
    """Cut the part out with its grey edges, and without what belongs to others."""
    window = np.s_[max(part.top - 1, 0) : part.bottom + 1, max(part.left - 1, 0) : part.right + 1]
    own = np.isin(numbers[window], list(part.numbers)).astype(np.uint8)
    own = np.asarray(cv2.dilate(own, np.ones((3, 3), np.uint8)))
    cut = ink[window] * own
    return _stretched(cut, int(np.percentile(cut[cut > 0], 90)))
