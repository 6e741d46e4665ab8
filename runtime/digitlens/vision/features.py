"""Features: what is measured of each candidate, from which its score is computed.

`own` looks at a candidate and the pixels around it; `shared` compares it with those that are
taken for digits at the moment.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.candidates import Pool
from digitlens.vision.component import Component
from digitlens.vision.foreground import Foreground, Layer

Features = NDArray[np.float32]

OWN = (
    "confidence", "margin", "entropy", "is_1", "is_7", "is_0", "is_4",
    "height", "width", "aspect", "stroke", "darkness", "contrast", "bar", "fill",
    "evenness", "spread", "fringe",
    "contact", "contact_wide", "foreign", "foreign_wide", "around",
    "root_share", "border_sides", "border_gap", "layer", "size",
)  # fmt: skip
SHARED = (
    "score", "rivals", "height_ratio", "darkness_ratio", "stroke_ratio", "peers",
    "near_digits", "near_others", "frame_digits", "frame_others", "inside", "inside_rejected",
    "offset", "dominance", "row", "near_score", "root_explained", "frame_explained",
)  # fmt: skip

AROUND, NEAR = 8, 4
"""How many signs are counted at most, and within how many heights they are near."""
MAX_PAD = 32
"""How far around a candidate is looked at most, in pixels."""
ALIKE_HEIGHT, ALIKE_DARK, ALIKE_AREA = 0.9, np.log(0.5), np.log(0.2)
"""A sign is like a candidate if the logarithms of height, darkness and area are so near."""

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE = np.ones((3, 3), np.uint8)


def own(pool: Pool, foreground: Foreground, numbers: NDArray[np.intp]) -> Features:
    """Measure candidates on their own: float32 `[len(numbers), len(OWN)]`."""
    every = np.array(pool.probabilities, np.float64)[numbers]
    probabilities = np.clip(every, 1e-6, 1 - 1e-6)
    ranked = np.sort(probabilities, axis=1)
    label = probabilities.argmax(1)
    read = np.stack(
        [
            np.log(ranked[:, -1] / (1 - ranked[:, -1])),
            np.log(ranked[:, -1] / ranked[:, -2]),
            -(probabilities * np.log(probabilities)).sum(1),
            *(label == which for which in (1, 7, 0, 4)),
        ],
        1,
    )
    measured = [
        _measured(pool.candidates[number], pool.root_areas[pool.roots[number]], foreground)
        for number in numbers.tolist()
    ]
    return np.concatenate([read, np.array(measured)], 1).astype(np.float32)


def _measured(component: Component, root: int, foreground: Foreground) -> list[float]:
    height, width = component.height, component.width
    frame_height, frame_width = component.layer.ink.shape
    short, size = min(frame_height, frame_width), max(height, width)
    area, dark, layer = component.area, component.darkest, component.layer
    stroke = component.stroke_width
    pad = min(max(round(0.2 * size), 4), MAX_PAD)
    top, left = max(component.top - pad, 0), max(component.left - pad, 0)
    window = np.s_[top : component.bottom + pad, left : component.right + pad]
    ink = layer.ink[window]
    inner = np.s_[
        component.top - top : component.bottom - top, component.left - left : component.right - left
    ]
    mask = np.zeros(ink.shape, np.uint8)
    mask[inner] = component.mask
    near = cv2.dilate(mask, _SQUARE)
    rim = cv2.dilate(near, _SQUARE) - near
    perimeter = max(cv2.countNonZero(rim), 1)
    level = max(0.45 * dark, layer.noise)
    others = _wider(component, foreground).ink[window]
    strong = cv2.threshold(ink, level, 1, cv2.THRESH_BINARY)[1]
    wide = cv2.threshold(others, level, 1, cv2.THRESH_BINARY)[1]
    mean, deviation = cv2.meanStdDev(ink, mask=mask)
    outside = 1 - near
    sides = (
        component.left <= 1,
        component.top <= 1,
        component.right >= frame_width - 1,
        component.bottom >= frame_height - 1,
    )
    gap = min(
        component.left,
        component.top,
        frame_width - component.right,
        frame_height - component.bottom,
    )
    faint = cv2.threshold(ink, max(0.25 * dark, layer.noise), 1, cv2.THRESH_BINARY)[1]
    return [
        np.log(height / short),
        np.log(width / short),
        np.log(width / height),
        np.log(max(stroke, 0.5) / size),
        np.log(dark / 255),
        np.log(dark / max(layer.noise, 1)),
        area / (np.hypot(width, height) * max(stroke, 0.5)),
        area / (width * height),
        float(mean[0, 0]) / dark,
        float(deviation[0, 0]) / dark,
        (cv2.countNonZero(cv2.multiply(faint, near)) - area) / area,
        cv2.countNonZero(cv2.multiply(strong, rim)) / perimeter,
        cv2.countNonZero(cv2.multiply(wide, rim)) / perimeter,
        min(cv2.countNonZero(cv2.multiply(strong, outside)[inner]) / area, 5),
        min(cv2.countNonZero(cv2.multiply(wide, outside)[inner]) / area, 5),
        min(cv2.mean(others, outside)[0] / dark, 3),
        min(area / max(root, 1), 1.5),
        sum(sides),
        min(gap / size, 2),
        foreground.layers.index(layer),
        np.log(size),
    ]


def _wider(component: Component, foreground: Foreground) -> Layer:
    """Return the layer of the widest reach with the polarity of the component."""
    number = foreground.layers.index(component.layer)
    return foreground.layers[number | 1]


def shared(
    pool: Pool,
    scores: NDArray[np.floating],
    chosen: Sequence[int],
    numbers: NDArray[np.intp],
) -> Features:
    """Compare candidates with those chosen at the moment: float32 `[len(numbers), len(SHARED)]`.

    Args:
        pool: the candidates.
        scores: of each on its own, 0…1.
        chosen: numbers of those that explain the frame best by these scores.
        numbers: which candidates to compare.
    """
    picked = np.zeros(len(pool.candidates), bool)
    picked[list(chosen)] = True
    unpicked = signs(pool, picked)
    others = np.flatnonzero(picked | unpicked)
    mine, them = _Signs(pool, numbers), _Signs(pool, others)
    is_digit, is_sign = picked[others], unpicked[others]
    chance = np.clip(scores, 1e-4, 1 - 1e-4)
    across = np.abs(mine.x[:, np.newaxis] - them.x)
    down = np.abs(mine.y[:, np.newaxis] - them.y)
    distance = np.maximum(across, down)
    size = mine.size[:, np.newaxis]
    same = distance < 0.5 * np.minimum(size, them.size)
    near = ~same & (distance < NEAR * size)
    alike = np.abs(mine.height[:, np.newaxis] - them.height) < ALIKE_HEIGHT
    alike &= mine.dark[:, np.newaxis] + ALIKE_DARK < them.dark
    alike &= mine.area[:, np.newaxis] + ALIKE_AREA < them.area
    alike &= ~same
    inside = _inside(mine, them)
    is_bar = np.array([pool.probabilities[n].argmax() == 1 for n in others.tolist()], bool)
    mass = np.exp(them.area + them.dark) * scores[others] * np.where(is_bar, 0.1, 1) * is_digit
    weight = np.where(same, 0, mass)
    rest = weight.sum(1)
    own_mass = np.exp(mine.area + mine.dark) * scores[numbers]
    ratios = [
        np.where(rest > 0, value - (weight * usual).sum(1) / np.maximum(rest, 1e-9), 0)
        for value, usual in (
            (mine.height, them.height),
            (mine.dark, them.dark),
            (mine.stroke, them.stroke),
        )
    ]
    by_side = near & is_digit & (across > down)
    offset = np.where(by_side, down / np.maximum(across, 1), 1).min(1, initial=1)
    row = (by_side & (down < 0.5 * size) & alike).sum(1)
    area, them_area = np.exp(mine.area), np.exp(them.area)
    roots = np.array(pool.roots)
    same_root = (roots[numbers][:, np.newaxis] == roots[others]) & is_digit & ~same
    same_root = same_root * them_area
    root_area = np.array(pool.root_areas, float)[roots[numbers]]
    digits = them_area[is_digit].sum()
    columns = [
        np.log(chance[numbers] / (1 - chance[numbers])),
        np.where(same & is_digit & (others != numbers[:, np.newaxis]), scores[others], 0).max(
            1, initial=0
        ),
        *ratios,
        np.log1p((~same & is_digit).sum(1)),
        np.minimum((near & alike & is_digit).sum(1), AROUND),
        np.minimum((near & alike & is_sign).sum(1), AROUND),
        np.log1p((alike & is_digit).sum(1)),
        np.log1p((alike & is_sign).sum(1)),
        (inside & is_digit & (scores[others] > 0)).any(1),
        (inside & is_sign).any(1),
        np.minimum(offset, 1),
        own_mass / np.maximum(rest + own_mass, 1e-9),
        np.minimum(row, AROUND),
        (near * is_digit * scores[others]).sum(1) / np.maximum((near & is_digit).sum(1), 1),
        np.minimum((same_root.sum(1) + area) / root_area, 2),
        np.full(len(numbers), digits / max(digits + them_area[is_sign].sum(), 1)),
    ]
    return np.stack(columns, 1).astype(np.float32)


class _Signs:
    """Some candidates as arrays; sizes, darkness and area are logarithms."""

    def __init__(self, pool: Pool, numbers: NDArray[np.intp]) -> None:
        some = [pool.candidates[number] for number in numbers.tolist()]
        self.box = np.array([(c.left, c.top, c.right, c.bottom) for c in some], float)
        self.box = self.box.reshape(-1, 4)
        left, top, right, bottom = self.box.T
        self.x, self.y = (left + right) / 2, (top + bottom) / 2
        self.size = np.maximum(right - left, bottom - top)
        self.height = np.log(bottom - top)
        self.area = np.log(np.array([c.area for c in some], float))
        self.dark = np.log(np.array([c.darkest for c in some], float))
        self.stroke = np.log(np.array([max(c.stroke_width, 0.5) for c in some], float))


def _inside(mine: _Signs, them: _Signs) -> NDArray[np.bool_]:
    """Return which candidates are in the box of a larger one: bool `[n, m]`."""
    box = mine.box[:, np.newaxis]
    inside = (them.box[:, :2] <= box[..., :2] + 2).all(2)
    inside &= (them.box[:, 2:] >= box[..., 2:] - 2).all(2)
    return np.asarray(inside & (them.size > 1.1 * mine.size[:, np.newaxis]))


def signs(pool: Pool, picked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which candidates count as signs: first pieces that no picked one covers."""
    box = np.array([(c.left, c.top, c.right, c.bottom) for c in pool.candidates], float)
    chosen = box[picked]
    common = np.minimum(box[:, np.newaxis, 2:], chosen[:, 2:])
    common = (common - np.maximum(box[:, np.newaxis, :2], chosen[:, :2])).clip(0).prod(2)
    smaller = np.minimum(_areas(box)[:, np.newaxis], _areas(chosen))
    layer = pool.candidates[0].layer
    is_first = np.array(
        [
            kind == "piece" and candidate.layer is layer
            for kind, candidate in zip(pool.kinds, pool.candidates, strict=True)
        ]
    )
    return np.asarray(is_first & ~(common > 0.3 * smaller).any(1))


def _areas(box: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray((box[:, 2:] - box[:, :2]).prod(1))
