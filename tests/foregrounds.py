"""Ink that is drawn, as a layer of a foreground, and its components."""

import numpy as np

from digitlens.vision.component import Component, components
from digitlens.vision.foreground import Layer

LEAST = 8


def drawn(ink: np.ndarray, level: int = 50) -> list[Component]:
    layer = Layer(ink, level)
    return components(layer.mask, layer, level, LEAST)


def canvas() -> np.ndarray:
    return np.zeros((120, 200), np.uint8)
