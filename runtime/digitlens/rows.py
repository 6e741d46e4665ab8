"""Reading order: parts into rows from top to bottom, and each row from left to right."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import numpy as np

MAX_SLOPE = 0.36
"""Rows rise or fall by 20° at most."""
NEAR = 4
"""The next digit of a row begins within this many heights."""
OVERLAP = 0.4
"""Share of the lower one's height that neighbours in a row have in common."""


class Boxed(Protocol):
    """What has a place in a frame: a part, or a digit that is followed."""

    @property
    def left(self) -> int: ...  # noqa: D102
    @property
    def top(self) -> int: ...  # noqa: D102
    @property
    def bottom(self) -> int: ...  # noqa: D102
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def center(self) -> tuple[float, float]: ...  # noqa: D102


B = TypeVar("B", bound=Boxed)


def rows(parts: Iterable[B]) -> list[list[B]]:
    """Sort parts into rows, all of them tilted alike.

    A part belongs to the row whose last part it overlaps most, if by enough.
    """
    ordered = sorted(parts, key=lambda part: part.left)
    slope = tilt(ordered)
    spans = {
        part: (part.top - slope * part.center[0], part.bottom - slope * part.center[0])
        for part in ordered
    }

    def overlap(one: B, other: B) -> float:
        (top, bottom), (other_top, other_bottom) = spans[one], spans[other]
        common = min(bottom, other_bottom) - max(top, other_top)
        return common / min(one.height, other.height)

    found: list[list[B]] = []
    for part in ordered:
        best = max(found, key=lambda row: overlap(row[-1], part), default=None)
        if best and overlap(best[-1], part) >= OVERLAP:
            best.append(part)
        else:
            found.append([part])
    return sorted(found, key=lambda row: sum(sum(spans[part]) for part in row) / len(row))


def tilt(parts: Sequence[Boxed]) -> float:
    """Give the median slope of the way from each part to the nearest one on its right."""
    if len(parts) < 2:
        return 0.0
    x, y = np.array([part.center for part in parts]).T
    heights = np.array([part.height for part in parts])
    across, down = x - x[:, np.newaxis], y - y[:, np.newaxis]
    is_near = across < NEAR * np.maximum(heights, heights[:, np.newaxis])
    is_right = is_near & (np.abs(down) < MAX_SLOPE * across)
    nearest = np.where(is_right, across, np.inf).argmin(1)
    rows_with_one = np.flatnonzero(is_right.any(1))
    chosen = rows_with_one, nearest[rows_with_one]
    return float(np.median(down[chosen] / across[chosen])) if len(rows_with_one) else 0.0
