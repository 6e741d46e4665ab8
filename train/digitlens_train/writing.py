"""Digits drawn in ways of writing that are rare in MNIST, whose writers were American.

The 1 with an upstroke, with and without a foot, or as a slanted bar; the 7 with a bar, a serif or
both; open and closed 4s with short stems; the 9 with a tail, an open bowl or a straight stem; the
angular 3 and the 3 with a long tail; the 5 with a detached bar; the slashed 0; rings and 8s that
do not close, 8s of two circles; hollow digits; and, where fonts of handwriting are at hand, the
digits of these.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE
from digitlens.vision import mnist_format
from digitlens_train.fonts import Font, handwritten
from digitlens_train.mnist import Split
from digitlens_train.strokes import Points, draw, handled, smooth

_ANGULAR, _ROUND = False, True
Way = list[tuple[bool, list[tuple[float, float]]]]
"""One way to write a digit: its strokes, each round or angular, with the corners."""


def _ring(turns: float, start: float = -1.9, end: float = 0.0) -> Way:
    """An oval from an angle `start`, in radians, on; its end lies `end` too far inside."""
    angles = np.linspace(start, start + 2 * np.pi * turns, int(10 * turns) + 2)
    radius = np.linspace(0.5, 0.5 - end, len(angles))
    corners = np.stack([0.5 + radius * np.cos(angles) * 0.8, 0.5 + radius * np.sin(angles)], 1)
    return [(_ROUND, [(x, y) for x, y in corners.tolist()])]


def _circle(
    x: float, y: float, width: float, height: float
) -> tuple[bool, list[tuple[float, float]]]:
    """An oval stroke around a centre, closed."""
    angles = np.linspace(-1.6, 2 * np.pi - 1.6, 10)
    corners = np.stack([x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles)], 1)
    return _ROUND, [(x, y) for x, y in corners.tolist()]


WAYS: dict[int, list[Way]] = {
    0: [_ring(1), _ring(1.1, end=0.05), _ring(2.1, end=0.08), _ring(1.0, end=0.3),
        [*_ring(1), (_ANGULAR, [(0.85, 0.12), (0.15, 0.88)])],
    ],
    1: [
        [(_ANGULAR, [(0.15, 0.4), (0.6, 0), (0.6, 1)])],
        [(_ANGULAR, [(0.05, 0.65), (0.6, 0), (0.6, 1)])],
        [(_ANGULAR, [(0.25, 0.2), (0.55, 0), (0.55, 1)]), (_ANGULAR, [(0.2, 1), (0.9, 1)])],
        [(_ANGULAR, [(0.1, 0.4), (0.7, 0), (0.45, 1)])],
        [(_ANGULAR, [(0.5, 0), (0.5, 1)]), (_ANGULAR, [(0.2, 1), (0.8, 1)])],
        [(_ANGULAR, [(0.5, 0), (0.5, 1)])],
        [(_ANGULAR, [(0.2, 0.35), (0.8, 0), (0.35, 1)])],
        [(_ANGULAR, [(0.65, 0), (0.35, 1)])],
    ],
    2: [
        [(_ROUND, [(0.05, 0.3), (0.4, 0), (0.85, 0.25), (0.5, 0.65), (0, 1)]),
         (_ANGULAR, [(0, 1), (0.95, 0.97)])],
        [(_ROUND, [(0.05, 0.25), (0.45, 0), (0.8, 0.3), (0.4, 0.75), (0.05, 0.95), (0.15, 0.8),
                   (0.5, 0.95), (0.95, 0.9)])],
        [(_ANGULAR, [(0.1, 0.05), (0.85, 0), (0.85, 0.45), (0.05, 1), (0.95, 1)])],
        [(_ROUND, [(0.1, 0.25), (0.45, 0), (0.85, 0.25), (0.5, 0.7), (0.15, 1), (0, 0.85),
                   (0.2, 0.75), (0.55, 0.95), (1, 0.9)])],
        [(_ROUND, [(0.05, 0.22), (0.45, 0), (0.85, 0.25), (0.45, 0.7), (0.02, 0.98)]),
         (_ROUND, [(0.02, 0.98), (0.5, 0.94), (1, 1)])],
    ],
    3: [
        [(_ROUND, [(0.1, 0.15), (0.5, 0), (0.8, 0.22), (0.4, 0.45)]),
         (_ROUND, [(0.4, 0.45), (0.9, 0.7), (0.5, 1), (0.05, 0.88)])],
        [(_ANGULAR, [(0.1, 0), (0.85, 0), (0.4, 0.4)]),
         (_ROUND, [(0.4, 0.4), (0.9, 0.65), (0.5, 1), (0.05, 0.9)])],
        [(_ANGULAR, [(0.1, 0), (0.7, 0.02), (0.75, 0.42), (0.25, 0.45), (0.8, 0.5), (0.8, 0.98),
                     (0, 1)])],
        [(_ROUND, [(0.2, 0.12), (0.5, 0), (0.8, 0.18), (0.45, 0.4)]),
         (_ROUND, [(0.45, 0.4), (0.9, 0.62), (0.55, 0.95), (0.1, 1), (-0.1, 0.9)])],
        [(_ROUND, [(0.25, 0.1), (0.6, 0), (0.8, 0.15), (0.5, 0.36)]),
         (_ROUND, [(0.5, 0.36), (0.8, 0.55), (0.6, 0.85), (0.15, 1.05), (-0.08, 1)])],
    ],
    4: [
        [(_ANGULAR, [(0.25, 0), (0.05, 0.6), (0.95, 0.6)]), (_ANGULAR, [(0.65, 0.3), (0.6, 1)])],
        [(_ANGULAR, [(0.65, 1), (0.65, 0), (0, 0.65), (0.95, 0.65)])],
        [(_ROUND, [(0.1, 0.05), (0.1, 0.4), (0.4, 0.55), (0.85, 0.45)]),
         (_ANGULAR, [(0.9, 0), (0.7, 1)])],
        [(_ANGULAR, [(0.55, 0), (0, 0.7), (0.95, 0.7)]), (_ANGULAR, [(0.55, 0.45), (0.5, 1)])],
        [(_ANGULAR, [(0.15, 0), (0.1, 0.5), (0.85, 0.5)]), (_ANGULAR, [(0.8, 0), (0.8, 1)])],
        [(_ANGULAR, [(0.25, 0), (0, 0.72), (0.95, 0.72)]), (_ANGULAR, [(0.65, 0.42), (0.63, 1)])],
        [(_ANGULAR, [(0.62, 0.92), (0.62, 0), (0, 0.72), (0.9, 0.72)])],
    ],
    5: [
        [(_ANGULAR, [(0.85, 0), (0.2, 0), (0.15, 0.42)]),
         (_ROUND, [(0.15, 0.42), (0.6, 0.38), (0.85, 0.68), (0.5, 1), (0.05, 0.92)])],
        [(_ANGULAR, [(0.2, 0.05), (0.15, 0.45)]), (_ANGULAR, [(0.25, 0), (1, -0.03)]),
         (_ROUND, [(0.15, 0.45), (0.6, 0.4), (0.85, 0.7), (0.5, 1), (0.05, 0.9)])],
        [(_ANGULAR, [(0.8, 0), (0.2, 0.02), (0.15, 0.45), (0.75, 0.45), (0.75, 0.97), (0.1, 1)])],
        [(_ROUND, [(0.22, 0.08), (0.16, 0.42), (0.6, 0.4), (0.82, 0.7), (0.5, 1), (0.05, 0.92)]),
         (_ANGULAR, [(0.42, 0), (0.98, -0.04)])],
    ],
    6: [
        [(_ROUND, [(0.7, 0), (0.25, 0.4), (0.1, 0.8), (0.45, 1), (0.8, 0.78), (0.5, 0.55),
                   (0.15, 0.72)])],
        [(_ROUND, [(0.85, 0.05), (0.4, 0.1), (0.1, 0.55), (0.3, 0.98), (0.75, 0.9), (0.75, 0.6),
                   (0.4, 0.5), (0.15, 0.65)])],
        [(_ROUND, [(0.6, 0), (0.25, 0.35), (0.1, 0.75), (0.3, 1), (0.6, 0.88), (0.5, 0.7),
                   (0.15, 0.82)])],
    ],
    7: [
        [(_ANGULAR, [(0, 0.02), (0.9, 0), (0.35, 1)]), (_ANGULAR, [(0.2, 0.5), (0.85, 0.47)])],
        [(_ANGULAR, [(0.02, 0.15), (0.05, 0), (0.9, 0), (0.4, 1)])],
        [(_ANGULAR, [(0, 0.1), (0.85, 0), (0.5, 1)]), (_ANGULAR, [(0.3, 0.55), (0.9, 0.5)])],
        [(_ANGULAR, [(0, 0), (0.9, 0), (0.8, 1)])],
        [(_ANGULAR, [(0.02, 0.17), (0.05, 0), (0.9, 0), (0.4, 1)]),
         (_ANGULAR, [(0.28, 0.5), (0.88, 0.47)])],
    ],
    8: [
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.15, 0.2), (0.5, 0.47), (0.85, 0.78), (0.5, 1),
                   (0.15, 0.78), (0.5, 0.47), (0.8, 0.2), (0.75, 0.1)])],
        [(_ROUND, [(0.5, 0), (0.2, 0.22), (0.5, 0.46), (0.8, 0.22), (0.5, 0)]),
         (_ROUND, [(0.5, 0.46), (0.1, 0.73), (0.5, 1), (0.9, 0.73), (0.5, 0.46)])],
        [(_ROUND, [(0.35, 0.1), (0.2, 0.25), (0.5, 0.5), (0.75, 0.8), (0.45, 1), (0.2, 0.8),
                   (0.5, 0.5), (0.9, 0.2), (0.65, 0), (0.4, 0.12)])],
        [_circle(0.5, 0.25, 0.55, 0.5), _circle(0.5, 0.75, 0.65, 0.5)],
        [_circle(0.5, 0.21, 0.42, 0.4), _circle(0.5, 0.7, 0.7, 0.6)],
    ],
    9: [
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.1, 0.27), (0.45, 0.5), (0.8, 0.2)]),
         (_ANGULAR, [(0.8, 0.1), (0.75, 1)])],
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.1, 0.25), (0.45, 0.48), (0.82, 0.15), (0.85, 0.6),
                   (0.6, 1), (0.1, 0.92)])],
        [(_ROUND, [(0.75, 0.2), (0.5, 0), (0.15, 0.2), (0.45, 0.45), (0.75, 0.25)]),
         (_ANGULAR, [(0.78, 0.05), (0.8, 1), (0.1, 1)])],
        [(_ROUND, [(0.72, 0.14), (0.45, 0), (0.1, 0.22), (0.3, 0.48), (0.72, 0.4)]),
         (_ROUND, [(0.84, 0.06), (0.84, 0.6), (0.65, 0.98), (0.2, 0.95)])],
        [_circle(0.45, 0.25, 0.7, 0.5), (_ANGULAR, [(0.82, 0), (0.82, 1)])],
        [_circle(0.5, 0.22, 0.5, 0.42), (_ANGULAR, [(0.76, 0.2), (0.6, 1)])],
    ],
}  # fmt: skip


HOLLOW: dict[int, list[Way]] = {
    0: [_ring(1)],
    1: [WAYS[1][0], WAYS[1][2]],
    2: [WAYS[2][0], WAYS[2][2]],
    3: [WAYS[3][0], WAYS[3][1]],
    4: [WAYS[4][0], WAYS[4][4]],
    5: [WAYS[5][0]],
    7: [WAYS[7][1], WAYS[7][3]],
}
"""Ways that stay legible where only the outlines of their strokes are drawn."""


def written(count: int, seed: int, fonts: Sequence[Font] = ()) -> Split:
    """Draw `count` digits in MNIST's format, all labels and all ways in turn.

    With `fonts`, every other ten digits are handwritten with these, in turn.

    Return images uint8 `[count, 28, 28]`, ink up to 255 on 0, and their labels, 0…9.
    """
    random = np.random.default_rng(seed)
    labels = [number % 10 for number in range(count)]
    images = np.empty((count, MNIST_SIZE, MNIST_SIZE), np.uint8)
    for number, label in enumerate(labels):
        turn = number // 10
        if fonts:
            turn, is_font = divmod(turn, 2)
            if is_font:
                ink = handwritten(fonts[turn % len(fonts)], str(label), random)
                images[number] = mnist_format.mnist_image(ink)
                continue
        ways, hollow = WAYS[label], HOLLOW.get(label, [])
        turn %= len(ways) + len(hollow)
        if turn < len(ways):
            images[number] = _image(ways[turn], random)
        else:
            images[number] = _hollow_image(hollow[turn - len(ways)], random)
    return Split(torch.from_numpy(images), torch.tensor(labels, dtype=torch.int64))


def _image(way: Way, random: np.random.Generator) -> NDArray[np.uint8]:
    return mnist_format.mnist_image(draw(paths(way, random), random.uniform(0.05, 0.22)))


def _hollow_image(way: Way, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw only the outlines of thick strokes."""
    ink = draw(paths(way, random), random.uniform(0.2, 0.27))
    size = 2 * int(random.integers(2, 4)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return mnist_format.mnist_image(
        np.asarray(cv2.morphologyEx(ink, cv2.MORPH_GRADIENT, kernel), np.uint8)
    )


def paths(way: Way, random: np.random.Generator) -> list[Points]:
    """Return the strokes of `way` as another hand would draw them, in the middle of the canvas."""
    strokes: list[Points] = handled([np.array(corners) for _, corners in way], random)
    smoothed = [
        smooth(stroke) if is_round else stroke
        for stroke, (is_round, _) in zip(strokes, way, strict=True)
    ]
    every = np.concatenate(smoothed)
    middle = (every.min(0) + every.max(0)) / 2
    return [stroke - middle + 0.5 for stroke in smoothed]
