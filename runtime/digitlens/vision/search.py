"""A search: from a frame to the candidates that are digits, with all that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digitlens.vision import features
from digitlens.vision.candidates import Pool, Read, find
from digitlens.vision.foreground import Foreground, separate
from digitlens.vision.reading_order import rows
from digitlens.vision.score import PROMISING, Score

MAX_REJECTED = 200
"""Rejected candidates that are kept to be shown, those with the highest score first."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Search:
    """How the digits of a frame were found.

    Attributes:
        foreground: the ink of the frame.
        pool: all candidates.
        scores: how likely each is one digit that is read right, float64 `[n]`, 0…1.
        chosen: numbers of those that explain the frame best.
    """

    foreground: Foreground
    pool: Pool
    scores: NDArray[np.float64]
    chosen: Sequence[int]

    @cached_property
    def rows(self) -> list[list[int]]:
        """Numbers of the chosen candidates in reading order."""
        numbers = {self.pool.candidates[number]: number for number in self.chosen}
        return [[numbers[component] for component in row] for row in rows(numbers)]

    @cached_property
    def rejected(self) -> list[int]:
        """Numbers of candidates that lost, and of signs that never were likely."""
        picked = np.zeros(len(self.scores), bool)
        picked[list(self.chosen)] = True
        signs = features.signs(self.pool, picked) if len(picked) else picked
        lost = np.flatnonzero(~picked & ((self.scores > PROMISING) | signs))
        return sorted(lost.tolist(), key=lambda number: -self.scores[number])[:MAX_REJECTED]

    def box(self, number: int, frame: NDArray[np.uint8]) -> Box:
        """Return the box of a candidate in pixels of the frame: x, y, width, height."""
        component, scale = self.pool.candidates[number], self.foreground.scale
        left, top = int(component.left / scale), int(component.top / scale)
        right = min(max(round(component.right / scale), left + 1), frame.shape[1])
        bottom = min(max(round(component.bottom / scale), top + 1), frame.shape[0])
        return left, top, right - left, bottom - top


def search(frame: NDArray[np.uint8], read: Read, score: Score) -> Search:
    """Search a frame, uint8 `[h, w, 3]` BGR, for digits."""
    foreground = separate(frame)
    pool = find(foreground, read)
    scores, chosen = score(pool, foreground)
    return Search(foreground, pool, scores, chosen)
