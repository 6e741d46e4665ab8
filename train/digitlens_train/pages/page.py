"""A made page: a picture with the truth about its digits."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_LEAST_CONTRAST = 6.0
"""Grey levels between ink and paper below which a digit cannot be read."""
_LEAST_RATIO = 1.3
"""The same over the mean difference of neighbouring pixels of paper."""

Box = tuple[int, int, int, int]
Frame = NDArray[np.uint8]
Owner = NDArray[np.int16]

PAPER, OTHER = 0, -1


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A picture of handwritten digits, or without digits.

    Attributes:
        stratum: the kind of page.
        image: uint8 `[h, w, 3]`, blue, green and red.
        labels: the digits in reading order, rows from top to bottom.
        is_scattered: the digits have no order.
        boxes: x, y, width and height of each digit's ink, in the order of `labels`.
        owner: int16 `[h, w]`: 0 is paper, i + 1 ink of digit i, -1 other ink.
    """

    stratum: str
    image: Frame
    labels: tuple[int, ...]
    is_scattered: bool
    boxes: tuple[Box, ...]
    owner: Owner

    @property
    def is_legible(self) -> bool:
        """Whether every digit differs enough from the paper around it."""
        return all(self._is_clear(number, box) for number, box in enumerate(self.boxes, 1))

    def _is_clear(self, number: int, box: Box) -> bool:
        x, y, width, height = box
        margin = max(height // 8, 2)
        part = np.s_[
            max(y - margin, 0) : y + height + margin, max(x - margin, 0) : x + width + margin
        ]
        is_ink, is_paper = self.owner[part] == number, self.owner[part] == PAPER
        if not is_paper.any():
            return True
        grey = cv2.cvtColor(np.ascontiguousarray(self.image[part]), cv2.COLOR_BGR2GRAY)
        differences = np.diff(grey.astype(np.int16))[is_paper[:, 1:] & is_paper[:, :-1]]
        noise = float(np.abs(differences).mean()) if len(differences) else 0.0
        return _contrast(np.asarray(grey, np.uint8), is_ink, is_paper) >= max(
            _LEAST_CONTRAST, _LEAST_RATIO * noise
        )


def _contrast(grey: Frame, is_ink: NDArray[np.bool_], is_paper: NDArray[np.bool_]) -> float:
    """Return by how many grey levels ink differs from the paper next to it."""
    side = max(len(grey) // 4, 5) | 1
    weight = is_paper.astype(np.float32)
    total = cv2.blur(weight, (side, side))
    nearby = cv2.blur(grey * weight, (side, side)) / np.maximum(total, 1e-3)
    return abs(float((grey - nearby)[is_ink & (total > 0.05)].mean()))
