"""Ruled lines, taken out of a mask of ink."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Part

LONG = 0.35
"""Share of a frame's short side from which a straight stroke may be a ruled line."""
THIN = 30
"""A ruled line is this many times longer than thick."""
EDGE = 0.03
"""How near to the frame's edge a ruled line begins, as a share of its short side."""
MAX_LINES = 200
REACH = 15
"""How far above and below a line ink is followed, in pixels."""

Point = tuple[int, int]


def long_parts(parts: list[Part], shape: tuple[int, ...]) -> list[Part]:
    """Give the parts that are long enough to be ruled lines, or to hang on them."""
    return [part for part in parts if max(part.width, part.height) > LONG * min(shape)]


def without_lines(mask: NDArray[np.uint8], parts: list[Part]) -> NDArray[np.uint8]:
    """Take long, thin and straight strokes of `parts` that come from the edge out of `mask`.

    A line goes where it is as thin as it mostly is; where a digit crosses it, ink stays.
    """
    size = min(mask.shape)
    long = np.zeros_like(mask)
    for part in parts:
        long[part.window] |= part.mask
    lines = cv2.HoughLinesP(
        long,
        1,
        np.pi / 360,
        round(LONG * size / 2),
        minLineLength=LONG * size,
        maxLineGap=LONG * size / 10,
    )
    cleared = mask.copy()
    if lines is None:
        return cleared
    height, width = mask.shape
    for x1, y1, x2, y2 in lines.reshape(-1, 4).astype(int).tolist()[:MAX_LINES]:
        if min(x1, x2, y1, y2, width - 1 - max(x1, x2), height - 1 - max(y1, y2)) < EDGE * size:
            _erase(cleared, mask, (x1, y1), (x2, y2))
    return cleared


def _erase(mask: NDArray[np.uint8], whole: NDArray[np.uint8], start: Point, end: Point) -> None:
    """Erase a line from `mask` wherever it is no thicker in `whole` than it usually is."""
    if abs(end[0] - start[0]) < abs(end[1] - start[1]):
        mask, whole, start, end = mask.T, whole.T, start[::-1], end[::-1]
    if start[0] > end[0]:
        start, end = end, start
    columns = np.arange(start[0], end[0] + 1)
    middle = np.interp(columns, [start[0], end[0]], [start[1], end[1]]).round().astype(int)
    nearest = np.array([0, -1, 1, -2, 2, -3, 3])
    middle += nearest[_profile(whole, columns, middle, 3)[:, nearest + 3].argmax(1)]
    profile = _profile(whole, columns, middle, REACH)
    below = np.logical_and.accumulate(profile[:, REACH:], axis=1).sum(1)
    above = np.logical_and.accumulate(profile[:, REACH::-1], axis=1).sum(1)
    thickness, is_ink = below + above - 1, profile[:, REACH]
    usual = float(np.median(thickness[is_ink])) if is_ink.any() else np.inf
    if usual > len(columns) / THIN:
        return
    is_line = is_ink & (thickness <= 1.5 * usual + 1)
    spans = np.stack([columns, middle - above, middle + below + 1], 1)[is_line]
    for column, top, bottom in spans.tolist():
        mask[max(top, 0) : bottom, column] = 0


def _profile(
    mask: NDArray[np.uint8], columns: NDArray[np.int_], rows: NDArray[np.int_], reach: int
) -> NDArray[np.bool_]:
    """Give what lies above and below points of a mask: `[n, 2 reach + 1]`, the point amidst."""
    around = rows[:, np.newaxis] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < len(mask))
    found: NDArray[np.bool_] = mask[np.clip(around, 0, len(mask) - 1), columns[:, np.newaxis]] > 0
    return found & inside
