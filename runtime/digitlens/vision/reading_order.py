"""Reading order: parts into rows from top to bottom, and each row from left to right."""

from collections.abc import Iterable, Sequence
from statistics import median
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
    if not parts:
        return 0.0
    x, y, height = np.array(sorted((*part.center, part.height) for part in parts)).T
    across, down = x - x[:, np.newaxis], y - y[:, np.newaxis]
    is_right = np.abs(down) < MAX_SLOPE * across
    is_right &= across < NEAR * np.maximum(height, height[:, np.newaxis])
    some = np.flatnonzero(is_right.any(1))
    nearest = is_right[some].argmax(1)
    slopes = (down[some, nearest] / across[some, nearest]).tolist()
    return median(slopes) if slopes else 0.0
