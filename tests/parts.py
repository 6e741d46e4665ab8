"""Ink that is drawn, and its parts."""

import numpy as np

from digitlens.vision.component import Part, parts_of

LEAST = 8


def drawn(amount: np.ndarray, level: int = 50) -> list[Part]:
    return parts_of((amount > level).astype(np.uint8), amount, level, LEAST)


def canvas() -> np.ndarray:
    return np.zeros((120, 200), np.uint8)
