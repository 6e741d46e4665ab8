"""Digits drawn in the ways of writing that MNIST's American writers seldom use.

The 1 with an upstroke, with and without a foot; the 7 with a bar; the open 4; the 9 with a tail;
the angular 3; the 5 whose bar stands apart; rings and eights that do not close.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE
from digitlens.vision import mnist_format
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


WAYS: dict[int, list[Way]] = {
    0: [_ring(1), _ring(1.1, end=0.05), _ring(2.1, end=0.08), _ring(1.0, end=0.3)],
    1: [
        [(_ANGULAR, [(0.15, 0.4), (0.6, 0), (0.6, 1)])],
        [(_ANGULAR, [(0.05, 0.65), (0.6, 0), (0.6, 1)])],
        [(_ANGULAR, [(0.25, 0.2), (0.55, 0), (0.55, 1)]), (_ANGULAR, [(0.2, 1), (0.9, 1)])],
        [(_ANGULAR, [(0.1, 0.4), (0.7, 0), (0.45, 1)])],
        [(_ANGULAR, [(0.5, 0), (0.5, 1)]), (_ANGULAR, [(0.2, 1), (0.8, 1)])],
        [(_ANGULAR, [(0.5, 0), (0.5, 1)])],
    ],
    2: [
        [(_ROUND, [(0.05, 0.3), (0.4, 0), (0.85, 0.25), (0.5, 0.65), (0, 1)]),
         (_ANGULAR, [(0, 1), (0.95, 0.97)])],
        [(_ROUND, [(0.05, 0.25), (0.45, 0), (0.8, 0.3), (0.4, 0.75), (0.05, 0.95), (0.15, 0.8),
                   (0.5, 0.95), (0.95, 0.9)])],
        [(_ANGULAR, [(0.1, 0.05), (0.85, 0), (0.85, 0.45), (0.05, 1), (0.95, 1)])],
    ],
    3: [
        [(_ROUND, [(0.1, 0.15), (0.5, 0), (0.8, 0.22), (0.4, 0.45)]),
         (_ROUND, [(0.4, 0.45), (0.9, 0.7), (0.5, 1), (0.05, 0.88)])],
        [(_ANGULAR, [(0.1, 0), (0.85, 0), (0.4, 0.4)]),
         (_ROUND, [(0.4, 0.4), (0.9, 0.65), (0.5, 1), (0.05, 0.9)])],
        [(_ANGULAR, [(0.1, 0), (0.7, 0.02), (0.75, 0.42), (0.25, 0.45), (0.8, 0.5), (0.8, 0.98),
                     (0, 1)])],
    ],
    4: [
        [(_ANGULAR, [(0.25, 0), (0.05, 0.6), (0.95, 0.6)]), (_ANGULAR, [(0.65, 0.3), (0.6, 1)])],
        [(_ANGULAR, [(0.65, 1), (0.65, 0), (0, 0.65), (0.95, 0.65)])],
        [(_ROUND, [(0.1, 0.05), (0.1, 0.4), (0.4, 0.55), (0.85, 0.45)]),
         (_ANGULAR, [(0.9, 0), (0.7, 1)])],
        [(_ANGULAR, [(0.55, 0), (0, 0.7), (0.95, 0.7)]), (_ANGULAR, [(0.55, 0.45), (0.5, 1)])],
        [(_ANGULAR, [(0.15, 0), (0.1, 0.5), (0.85, 0.5)]), (_ANGULAR, [(0.8, 0), (0.8, 1)])],
    ],
    5: [
        [(_ANGULAR, [(0.85, 0), (0.2, 0), (0.15, 0.42)]),
         (_ROUND, [(0.15, 0.42), (0.6, 0.38), (0.85, 0.68), (0.5, 1), (0.05, 0.92)])],
        [(_ANGULAR, [(0.2, 0.05), (0.15, 0.45)]), (_ANGULAR, [(0.25, 0), (1, -0.03)]),
         (_ROUND, [(0.15, 0.45), (0.6, 0.4), (0.85, 0.7), (0.5, 1), (0.05, 0.9)])],
        [(_ANGULAR, [(0.8, 0), (0.2, 0.02), (0.15, 0.45), (0.75, 0.45), (0.75, 0.97), (0.1, 1)])],
    ],
    6: [
        [(_ROUND, [(0.7, 0), (0.25, 0.4), (0.1, 0.8), (0.45, 1), (0.8, 0.78), (0.5, 0.55),
                   (0.15, 0.72)])],
        [(_ROUND, [(0.85, 0.05), (0.4, 0.1), (0.1, 0.55), (0.3, 0.98), (0.75, 0.9), (0.75, 0.6),
                   (0.4, 0.5), (0.15, 0.65)])],
    ],
    7: [
        [(_ANGULAR, [(0, 0.02), (0.9, 0), (0.35, 1)]), (_ANGULAR, [(0.2, 0.5), (0.85, 0.47)])],
        [(_ANGULAR, [(0.02, 0.15), (0.05, 0), (0.9, 0), (0.4, 1)])],
        [(_ANGULAR, [(0, 0.1), (0.85, 0), (0.5, 1)]), (_ANGULAR, [(0.3, 0.55), (0.9, 0.5)])],
        [(_ANGULAR, [(0, 0), (0.9, 0), (0.8, 1)])],
    ],
    8: [
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.15, 0.2), (0.5, 0.47), (0.85, 0.78), (0.5, 1),
                   (0.15, 0.78), (0.5, 0.47), (0.8, 0.2), (0.75, 0.1)])],
        [(_ROUND, [(0.5, 0), (0.2, 0.22), (0.5, 0.46), (0.8, 0.22), (0.5, 0)]),
         (_ROUND, [(0.5, 0.46), (0.1, 0.73), (0.5, 1), (0.9, 0.73), (0.5, 0.46)])],
        [(_ROUND, [(0.35, 0.1), (0.2, 0.25), (0.5, 0.5), (0.75, 0.8), (0.45, 1), (0.2, 0.8),
                   (0.5, 0.5), (0.9, 0.2), (0.65, 0), (0.4, 0.12)])],
    ],
    9: [
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.1, 0.27), (0.45, 0.5), (0.8, 0.2)]),
         (_ANGULAR, [(0.8, 0.1), (0.75, 1)])],
        [(_ROUND, [(0.8, 0.15), (0.45, 0), (0.1, 0.25), (0.45, 0.48), (0.82, 0.15), (0.85, 0.6),
                   (0.6, 1), (0.1, 0.92)])],
        [(_ROUND, [(0.75, 0.2), (0.5, 0), (0.15, 0.2), (0.45, 0.45), (0.75, 0.25)]),
         (_ANGULAR, [(0.78, 0.05), (0.8, 1), (0.1, 1)])],
    ],
}  # fmt: skip


def written(count: int, seed: int) -> Split:
    """Draw `count` digits as MNIST has them, all labels and all ways in turn.

    Gives images uint8 `[count, 28, 28]`, ink up to 255 on 0, and their labels, 0…9.
    """
    random = np.random.default_rng(seed)
    labels = [number % 10 for number in range(count)]
    images = np.empty((count, MNIST_SIZE, MNIST_SIZE), np.uint8)
    for number, label in enumerate(labels):
        ways = WAYS[label]
        images[number] = _image(ways[number // 10 % len(ways)], random)
    return Split(torch.from_numpy(images), torch.tensor(labels, dtype=torch.int64))


def _image(way: Way, random: np.random.Generator) -> NDArray[np.uint8]:
    strokes: list[Points] = handled([np.array(corners) for _, corners in way], random)
    paths = [
        smooth(stroke) if is_round else stroke
        for stroke, (is_round, _) in zip(strokes, way, strict=True)
    ]
    return mnist_format.mnist_image(draw(paths, random.uniform(0.05, 0.22)))
