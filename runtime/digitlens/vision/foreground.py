"""Foreground: how much darker, or lighter, each pixel of a frame is than the paper around it.

Paper is what a morphological closing leaves: each pixel takes the level of the brightest ones
around it, as far as a stroke is wide, so that strokes vanish while the edges of shadows, sheets
and tables stay where they are. Ink is how far a pixel is from its paper: the black-hat transform,
J. Serra, "Image Analysis and Mathematical Morphology", 1982.

One reach is never right for a whole frame: a short one takes the middle of thick strokes for
paper, a long one takes shadows for ink. So there are several layers, and candidates of all of
them compete.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

WORKING_SIZE = 1280
"""Frames whose long side is larger are searched at this size, in pixels."""
SMALL_SIZE = 240
"""Frames whose long side is smaller are enlarged, up to fourfold: strokes of a pixel break."""
GLANCE_SIZE = 120
"""Long side of the small picture that polarity and colour are taken from, or up to twice it."""
LIGHT = 0.2
"""Skewness from which ink is lighter than its paper: in doubt it is dark, as most ink is."""
DOUBT = 0.7
"""How near to `LIGHT` a skewness is in doubt, so that both polarities are searched."""
COLOURLESS = 0.1
"""Difference of the channels' weights up to which ink is grey."""
NOISE = 4.0
"""Standard deviations of a pixel's noise by which bare paper may exceed its median ink."""
UNEVEN = 3.0
"""The same in distances from the median to the 15th percentile, for what is not noise."""
REACHES = (12, 2.5)
"""How wide strokes may be in each layer, as parts of the frame's short side."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The foreground of one frame for strokes up to some width.

    Attributes:
        ink: uint8 `[h, w]`, near 0 where the paper is bare.
        noise: level of `ink` that bare paper reaches.
        whole: size in pixels up to which a narrower layer shows everything that this one does.
    """

    ink: Gray
    noise: float
    whole: float = 0.0

    @property
    def mask(self) -> Gray:
        """Return uint8 `[h, w]`, 1 where there is more ink than noise.

        Strokes and specks of a pixel or two are for the narrowest layer only.
        """
        mask = cv2.threshold(self.ink, self.noise, 1, cv2.THRESH_BINARY)[1]
        if self.whole:
            mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return np.asarray(mask, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Foreground:
    """The ink of one frame at working size.

    Attributes:
        gray: uint8 `[h, w]`, the frame in the mixture of colours that shows its ink best, dark
            ink on light paper.
        layers: for thin strokes, for thick ones, and both for the other polarity in doubt.
        scale: working size over frame size.
        is_light: whether the ink is lighter than the paper.
    """

    gray: Gray
    layers: tuple[Layer, ...]
    scale: float
    is_light: bool


def separate(frame: Gray) -> Foreground:
    """Separate the ink of a frame, uint8 `[h, w, 3]` BGR of any size and polarity, from paper."""
    size = max(frame.shape[:2])
    scale = min(WORKING_SIZE / size, max(min(SMALL_SIZE / size, 4), 1))
    fitted = _scaled(frame.shape, scale)
    frame = _halved(frame, WORKING_SIZE)
    small = _halved(frame, GLANCE_SIZE)
    skewness = _skewness(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8))
    is_light = skewness > LIGHT
    how = cv2.INTER_LANCZOS4 if scale > 1 else cv2.INTER_LINEAR_EXACT
    gray = _resized(_mixed(frame, _weights(small, is_light)), fitted, how)
    inverted = np.asarray(cv2.bitwise_not(gray), np.uint8)
    gray, other = (inverted, gray) if is_light else (gray, inverted)
    layers = _layers(gray)
    if abs(skewness - LIGHT) < DOUBT:
        layers += _layers(other)
    return Foreground(gray, layers, scale, is_light)


def percentiles(values: Gray, shares: Sequence[float], mask: Gray | None = None) -> list[int]:
    """Return the levels, 0…255, that such percents of values, where `mask`, do not exceed."""
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
    """Mix the channels of uint8 `[h, w, 3]`; grey ink takes the usual mixture."""
    if np.ptp(weights) < COLOURLESS:
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.asarray(cv2.transform(frame, weights[np.newaxis]), np.uint8)


def _weights(small: Gray, is_light: bool) -> NDArray[np.float32]:
    """Return the weights of blue, green and red, float32 `[3]`, that show ink best.

    They are the mean contrast of ink in each channel: of all mixtures, this has the best ratio of
    ink to noise.
    """
    kernel = np.ones((_odd(min(small.shape[:2]) / REACHES[0]),) * 2, np.uint8)
    side = cv2.MORPH_TOPHAT if is_light else cv2.MORPH_BLACKHAT
    contrast = np.asarray(cv2.morphologyEx(small, side, kernel), np.uint8)
    gray = np.asarray(cv2.cvtColor(contrast, cv2.COLOR_BGR2GRAY), np.uint8)
    strongest = (gray >= max(percentiles(gray, [98])[0], 1)).astype(np.uint8)
    weights = np.array(cv2.mean(contrast, strongest)[:3], np.float32)
    total = float(weights.sum())
    return weights / total if total else np.full(3, 1 / 3, np.float32)


def _skewness(gray: Gray) -> float:
    """Return a number, -2…2, that is negative where what stands out is darker than around it.

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


def _layers(gray: Gray) -> tuple[Layer, ...]:
    """Separate dark ink from paper once for each of `REACHES`, which need less and less detail."""
    short, noise = min(gray.shape), _noise(gray)
    rest = [-side % 2 ** len(REACHES) for side in gray.shape]
    small = np.asarray(cv2.copyMakeBorder(gray, 0, rest[0], 0, rest[1], cv2.BORDER_REPLICATE))
    layers, whole = [], 0.0
    for number, part in enumerate(REACHES, 1):
        small = _resized(np.asarray(small, np.uint8), (small.shape[0] // 2, small.shape[1] // 2))
        layers.append(_layer(gray, small, 2**number, short / part, whole, noise))
        whole = short / part
    return tuple(layers)


def _layer(gray: Gray, small: Gray, shrink: int, reach: float, whole: float, noise: float) -> Layer:
    kernel = np.ones((_odd(reach / shrink),) * 2, np.uint8)
    paper = np.asarray(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), np.uint8)
    size = shrink * small.shape[0], shrink * small.shape[1]
    paper = _resized(paper, size, cv2.INTER_LINEAR_EXACT)[: gray.shape[0], : gray.shape[1]]
    ink = np.asarray(cv2.subtract(paper, gray), np.uint8)
    low, middle = percentiles(ink[::4], (15, 50))
    return Layer(ink, middle + max(UNEVEN * max(middle - low, 1), NOISE * noise), whole)


def _noise(gray: Gray) -> float:
    """Return the standard deviation of a pixel's noise, from the differences of neighbours.

    Of a normal distribution, the median of these is 0.954 standard deviations.
    """
    if gray.shape[1] < 2:
        return 0.0
    rows = gray[::4]
    difference = np.asarray(cv2.absdiff(rows[:, 1:], rows[:, :-1]), np.uint8)
    return percentiles(difference, (50,))[0] / 0.954
