"""Pen strokes on a small canvas: what writing and scribbles that MNIST lacks are made of."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Corners of one stroke, float64 `[n, 2]` with x and y; 0…1 are both sides of the canvas."""

CANVAS = 80
"""Side of the square that 0…1 covers, in pixels: four for one of MNIST's 20."""
MARGIN = 24
"""Paper around it, in pixels, for what a distortion moves out."""
_SHIFT = 4  # OpenCV takes coordinates as integers; these are sixteenths of a pixel
_STEPS = 8


def smooth(corners: Points) -> Points:
    """Round a stroke of `n` corners off: a Catmull-Rom spline through them, `[8 (n - 1) + 1, 2]`.

    Catmull and Rom, "A class of local interpolating splines", 1974, in its uniform form.
    """
    around = np.concatenate([corners[:1], corners, corners[-1:]])
    before, start, end, after = around[:-3], around[1:-2], around[2:-1], around[3:]
    t = (np.arange(_STEPS) / _STEPS)[:, np.newaxis, np.newaxis]
    path = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([path.transpose(1, 0, 2).reshape(-1, 2), corners[-1:]])


def draw(strokes: Sequence[Points], thickness: float) -> NDArray[np.uint8]:
    """Draw strokes with a round pen, `thickness` wide as a share of the height.

    Gives uint8 `[128, 128]`, ink up to 255 on 0.
    """
    ink = np.zeros((CANVAS + 2 * MARGIN,) * 2, np.uint8)
    paths = [
        np.rint((stroke * CANVAS + MARGIN) * (1 << _SHIFT)).astype(np.int32) for stroke in strokes
    ]
    pixels = max(round(thickness * CANVAS), 1)
    cv2.polylines(ink, paths, False, 255, pixels, cv2.LINE_AA, _SHIFT)
    return ink


def handled(strokes: Sequence[Points], random: np.random.Generator) -> list[Points]:
    """Give strokes as another hand would draw them: narrower, slanted, turned, less exact."""
    wide, slant = random.uniform(0.55, 1.1), random.normal(0, 0.15)
    turn = random.normal(0, 0.08)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[wide, 0], [-slant, 1]]) @ np.array([[cos, sin], [-sin, cos]])
    return [
        (stroke - 0.5 + random.normal(0, 0.03, stroke.shape)) @ matrix + 0.5 for stroke in strokes
    ]
