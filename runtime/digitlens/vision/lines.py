"""Ruled lines, underlines and frames, taken out of a component so that digits on them come free."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Component, Mask

LONG = 0.5
"""A straight stroke may be a line from this share of its component's larger side on."""
THIN = 12
"""A line is at least this many times longer than thick."""
MAX_LINES = 60
Point = tuple[int, int]


def without_lines(component: Component) -> Mask:
    """Return its mask, uint8 `[h, w]`, without long, thin and straight strokes.

    A line goes where it is as thin as it mostly is; where a digit crosses it, ink stays.
    """
    mask = component.mask
    size = max(mask.shape)
    found = cv2.HoughLinesP(
        mask,
        1,
        np.pi / 360,
        round(LONG * size / 2),
        minLineLength=LONG * size,
        maxLineGap=max(LONG * size / 20, 2),
    )
    cleared = mask.copy()
    if found is None:
        return cleared
    for x1, y1, x2, y2 in found.reshape(-1, 4).astype(int).tolist()[:MAX_LINES]:
        _erase(cleared, mask, (x1, y1), (x2, y2))
    return cleared


def _erase(mask: Mask, whole: Mask, start: Point, end: Point) -> None:
    """Erase a line from `mask` wherever it is no thicker in `whole` than it usually is."""
    if abs(end[0] - start[0]) < abs(end[1] - start[1]):
        mask, whole, start, end = mask.T, whole.T, start[::-1], end[::-1]
    if start[0] > end[0]:
        start, end = end, start
    columns = np.arange(start[0], end[0] + 1)
    middle = np.interp(columns, [start[0], end[0]], [start[1], end[1]]).round().astype(int)
    nearest = np.array([0, -1, 1, -2, 2, -3, 3])
    middle += nearest[_profile(whole, columns, middle, 3)[:, nearest + 3].argmax(1)]
    reach = len(columns) // THIN + 1  # thicker strokes are not lines
    profile = _profile(whole, columns, middle, reach)
    below = np.logical_and.accumulate(profile[:, reach:], axis=1).sum(1)
    above = np.logical_and.accumulate(profile[:, reach::-1], axis=1).sum(1)
    thickness, is_ink = below + above - 1, profile[:, reach]
    usual = float(np.median(thickness[is_ink])) if is_ink.any() else np.inf
    if usual > len(columns) / THIN:
        return
    is_line = is_ink & (thickness <= 1.5 * usual + 1)
    spans = np.stack([columns, middle - above, middle + below + 1], 1)[is_line]
    for column, top, bottom in spans.tolist():
        mask[max(top, 0) : bottom, column] = 0


def _profile(
    mask: Mask, columns: NDArray[np.int_], rows: NDArray[np.int_], reach: int
) -> NDArray[np.bool_]:
    """Return what is above and below points of a mask: `[n, 2 reach + 1]`, the point amidst."""
    around = rows[:, np.newaxis] + np.arange(-reach, reach + 1)
    inside = (around >= 0) & (around < len(mask))
    values: NDArray[np.bool_] = mask[np.clip(around, 0, len(mask) - 1), columns[:, np.newaxis]] > 0
    return values & inside
