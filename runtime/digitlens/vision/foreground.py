"""Ink apart from paper: a frame in, how much ink each pixel holds out.

Paper is what a morphological closing leaves: each pixel takes the level of the brightest ones
around it, as far as a stroke is wide, so that strokes vanish while the edges of shadows, sheets
and tables stay where they are. Ink is how far a pixel is from its paper: the black-hat transform,
J. Serra, "Image Analysis and Mathematical Morphology", 1982.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Where = NDArray[np.bool_]

WORKING_SIZE = 1280
"""Frames whose long side is larger are searched at this size, in pixels."""
SMALL_SIZE = 240
"""Frames whose long side is smaller are enlarged, up to fourfold: strokes of a pixel break."""
GLANCE_SIZE = 120
"""Long side of the small picture from which polarity and colour are told, or up to twice it."""
LIGHT = 0.2
"""Skewness from which ink is lighter than its paper: in doubt it is dark, as most ink is."""
COLOURLESS = 0.1
"""Difference of the channels' weights up to which ink is grey."""
REACHES = (24, 12, 6, 3)
"""How wide strokes may be, as parts of the frame's short side; the thinnest first."""
ENOUGH = 0.86
"""A reach is enough that explains this share of the sharp edges that the next one explains."""
FEW = 0.02
"""Share of the sharp edges that is worth a look for thicker strokes."""
NEW_EDGES = 0.4
"""Share of a thicker stroke's sharp edges that shorter reaches do not explain."""
SHARPEST = 99
"""Percentile of all edges that is taken for the sharpest."""


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """The ink of one frame at working size.

    Attributes:
        amount: uint8 `[h, w]`, near 0 where the paper is bare.
        gray: uint8 `[h, w]`, the frame in the mixture of colours that shows its ink best, dark
            ink on light paper.
        scale: working size over frame size.
        is_light: whether the ink is lighter than the paper.
        noise: level of `amount` that bare paper reaches.
    """

    amount: Gray
    gray: Gray
    scale: float
    is_light: bool
    noise: float


def separate(frame: Gray) -> Ink:
    """Tell the ink of a frame, uint8 `[h, w, 3]` blue-green-red, of any size and polarity."""
    size = max(frame.shape[:2])
    scale = min(WORKING_SIZE / size, max(min(SMALL_SIZE / size, 4), 1))
    fitted = _scaled(frame.shape, scale)
    frame = _halved(frame, WORKING_SIZE)
    is_light, weights = _colour(_halved(frame, GLANCE_SIZE))
    how = cv2.INTER_LANCZOS4 if scale > 1 else cv2.INTER_LINEAR_EXACT
    gray = _resized(_mixed(frame, weights), fitted, how)
    if is_light:
        gray = np.asarray(cv2.bitwise_not(gray), np.uint8)
    amount = _amount(gray)
    low, middle = percentiles(amount[::4], (15, 50))
    return Ink(amount, gray, scale, is_light, middle + 3.0 * max(middle - low, 1))


def percentiles(values: Gray, shares: Sequence[float], mask: Gray | None = None) -> list[int]:
    """Give the levels, 0…255, that such percents of values, where `mask`, do not exceed."""
    counts = cv2.calcHist([values], [0], mask, [256], [0, 256]).ravel().cumsum()
    return [int(counts.searchsorted(share / 100 * counts[-1])) for share in shares]


def _scaled(shape: Sequence[int], scale: float) -> tuple[int, int]:
    height, width = (max(round(side * scale), 1) for side in shape[:2])
    return height, width


def _resized(image: Gray, shape: tuple[int, int], how: int = cv2.INTER_AREA) -> Gray:
    if image.shape[:2] == shape:
        return image
    return np.asarray(cv2.resize(image, shape[::-1], interpolation=how), np.uint8)


def _halved(image: Gray, size: int) -> Gray:
    """Halve as long as the long side stays at least `size`, which is what OpenCV does fastest."""
    while max(image.shape[:2]) >= 2 * size and min(image.shape[:2]) > 1:
        height, width = (side // 2 for side in image.shape[:2])
        image = _resized(image[: 2 * height, : 2 * width], (height, width))
    return image


def _mixed(frame: Gray, weights: NDArray[np.float32]) -> Gray:
    """Mix the channels of uint8 `[h, w, 3]`; for an ink that is grey the usual mixture will do."""
    if np.ptp(weights) < COLOURLESS:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.asarray(cv2.transform(frame, weights[np.newaxis]), np.uint8)


def _colour(small: Gray) -> tuple[bool, NDArray[np.float32]]:
    """Tell whether ink is lighter than paper, and the weights of blue, green and red.

    The weights are the mean contrast of ink in each channel: of all mixtures, this has the best
    ratio of ink to noise.
    """
    is_light = _lightness(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)) > LIGHT
    kernel = np.ones((_odd(min(small.shape[:2]) / REACHES[1]),) * 2, np.uint8)
    side = cv2.MORPH_TOPHAT if is_light else cv2.MORPH_BLACKHAT
    contrast = np.asarray(cv2.morphologyEx(small, side, kernel), np.uint8)
    gray = np.asarray(cv2.cvtColor(contrast, cv2.COLOR_BGR2GRAY), np.uint8)
    strongest = (gray >= max(percentiles(gray, [98])[0], 1)).astype(np.uint8)
    weights = np.array(cv2.mean(contrast, strongest)[:3], np.float32)
    total = float(weights.sum())
    return is_light, weights / total if total else np.full(3, 1 / 3, np.float32)


def _lightness(gray: Gray) -> float:
    """Give a number, -2…2, that is negative where what stands out is darker than around it.

    It is the skewness of the distances from the mean of a neighbourhood: ink covers the smaller
    part of it and lies far from the mean, an edge or a slope has as much on either side.
    """
    skewness = 0.0
    for part in (3, 6):
        size = max(min(gray.shape) // part, 3)
        mean = cv2.boxFilter(gray, cv2.CV_32F, (size, size), borderType=cv2.BORDER_REFLECT)
        away = gray - mean
        cubes = away * away * away
        skewness += cv2.sumElems(cubes)[0] / max(cv2.norm(cubes, cv2.NORM_L1), 1e-6)
    return skewness


def _odd(size: float) -> int:
    return max(2 * round(size / 2) + 1, 3)


def _amount(gray: Gray) -> Gray:
    """Give the ink by the shortest reach that is enough, and thicker strokes by the next.

    A reach explains a sharp edge if on its dark side there is ink as strong as the edge.
    """
    height, width = gray.shape
    even = cv2.copyMakeBorder(gray, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    half = _resized(np.asarray(even, np.uint8), (-(-height // 2), -(-width // 2)))
    near = np.ones((3, 3), np.uint8)
    edges = np.asarray(cv2.morphologyEx(half, cv2.MORPH_GRADIENT, near), np.uint8)
    sharp = edges > max(percentiles(edges[::4], [SHARPEST])[0] / 2, 1)
    paper, known = half, np.zeros_like(sharp)
    for part in REACHES:
        kernel = np.ones((_odd(min(half.shape) / part),) * 2, np.uint8)
        wider = np.asarray(cv2.morphologyEx(half, cv2.MORPH_CLOSE, kernel), np.uint8)
        ink = np.asarray(cv2.subtract(wider, half), np.uint8)
        explained = (cv2.add(ink, ink) > edges) & sharp
        count = int(np.count_nonzero(explained))
        if np.count_nonzero(known) > ENOUGH * count:
            new = explained & ~known
            if np.count_nonzero(new) > FEW * count:
                paper = np.where(_thick(ink, new, explained), wider, paper)
            break
        paper, known = wider, explained
    whole = _resized(paper, even.shape[:2], cv2.INTER_LINEAR_EXACT)[:height, :width]
    return np.asarray(cv2.subtract(whole, gray), np.uint8)


def _thick(ink: Gray, new: Where, explained: Where) -> Where:
    """Give where ink is that a wider reach alone explains: bool `[h, w]`.

    Its sharp edges must be mostly `new`, and it must not come from the frame's edge as tables do.
    """
    level = float(ink[new].mean()) / 2
    mask = (ink > level).astype(np.uint8)
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask)
    left, top, width, height = stats[:, :4].T
    inside = (left > 0) & (top > 0)
    inside &= (left + width < mask.shape[1]) & (top + height < mask.shape[0])
    share = np.bincount(numbers[new], minlength=count) / np.maximum(
        np.bincount(numbers[explained], minlength=count), 1
    )
    chosen = (inside & (share > NEW_EDGES))[numbers].astype(np.uint8)
    return np.asarray(cv2.dilate(chosen, np.ones((5, 5), np.uint8))) > 0
