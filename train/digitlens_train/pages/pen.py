"""Pens: colour, width, strength and texture of ink."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens_train.pages.field import Plane, Random

Colour = NDArray[np.float32]
"""Blue, green and red, 0…1."""


@dataclass(frozen=True, slots=True, eq=False)
class Pen:
    """What ink looks like.

    Attributes:
        width: share of a digit's height.
        colour: of the ink.
        strength: opacity, 0…1.
        grain: depth of the gaps that rough paper leaves, 0…1.
        soft: sigma of the edge, as a share of the pen's width in pixels.
        pooling: how much darker the edges of strokes are, 0…1.
    """

    width: float
    colour: Colour
    strength: float = 1.0
    grain: float = 0.0
    soft: float = 0.0
    pooling: float = 0.0

    def coat(self, alpha: Plane, thickness: float, random: Random) -> Plane:
        """Turn the geometry of strokes, 0…1, into opacity."""
        if self.soft:
            sigma = min(self.soft * thickness, 4.0)
            alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), max(sigma, 0.3)), np.float32)
        if self.pooling and thickness > 5:
            inside = np.asarray(cv2.blur(alpha, (round(thickness * 0.6) | 1,) * 2), np.float32)
            squared = inside * inside
            alpha = alpha * (1 - np.float32(self.pooling) * squared * squared)
        if self.grain:
            alpha = alpha * (1 - np.float32(self.grain) * speckle(alpha.shape, random))
        return alpha * np.float32(self.strength)


def speckle(shape: Sequence[int], random: Random) -> Plane:
    """Return fine blotchy noise, 0…1."""
    height, width = shape[0], shape[1]
    noise = np.frombuffer(random.bytes(height * width), np.uint8).reshape(height, width)
    smooth = cv2.GaussianBlur(noise, (3, 3), 0.8)
    return np.clip(smooth.astype(np.float32) / 70 - 1.1, 0, 1)


def choose(random: Random, *, on_dark: bool = False, kind: str = "") -> Pen:
    """Choose a pen; with `on_dark` one with light ink."""
    if on_dark:
        return _chalk(random) if random.random() < 0.6 else _bright(random)
    kinds = ("ballpoint", "marker", "pencil", "felt", "fine")
    kind = kind or str(random.choice(kinds, p=[0.28, 0.26, 0.16, 0.16, 0.14]))
    if kind == "ballpoint":
        strength, grain = random.uniform(0.7, 1), random.uniform(0, 0.35)
        return Pen(_width(random, 0.03, 0.09), ink(random), strength, grain, 0.15)
    if kind == "pencil":
        grey = np.full(3, random.uniform(0.1, 0.4), np.float32)
        strength, grain = random.uniform(0.45, 0.85), random.uniform(0.3, 0.9)
        return Pen(_width(random, 0.03, 0.1), grey, strength, grain, 0.2)
    if kind == "felt":
        strength, pooling = random.uniform(0.75, 1), random.uniform(0.1, 0.4)
        return Pen(_width(random, 0.09, 0.18), ink(random), strength, 0, 0.05, pooling)
    if kind == "fine":
        return Pen(_width(random, 0.02, 0.06), ink(random), random.uniform(0.8, 1), 0, 0.1)
    soft = float(random.choice([0, 0.08, 0.2]))
    return Pen(_width(random, 0.08, 0.2), ink(random), random.uniform(0.85, 1), 0, soft)


def ink(random: Random) -> Colour:
    """Choose the colour of dark ink."""
    dark = random.uniform(0, 0.22)
    kind = random.random()
    if kind < 0.5:
        colour = np.array([dark, dark, dark]) + random.uniform(0, 0.06, 3)
    elif kind < 0.8:
        colour = np.array([random.uniform(0.35, 0.8), dark + 0.1, dark])
    elif kind < 0.9:
        colour = np.array([dark * 0.8, dark * 0.6, random.uniform(0.5, 0.85)])
    elif kind < 0.95:
        colour = np.array([dark, random.uniform(0.3, 0.5), dark])
    else:
        colour = random.uniform(0.05, 0.5, 3)
    return colour.astype(np.float32)


def _chalk(random: Random) -> Pen:
    colour = np.full(3, random.uniform(0.8, 1)) - random.uniform(0, 0.25, 3)
    return Pen(
        _width(random, 0.05, 0.16),
        colour.astype(np.float32),
        random.uniform(0.65, 0.95),
        random.uniform(0.2, 0.9),
        0.12,
    )


def _bright(random: Random) -> Pen:
    colour = np.full(3, 1.0) if random.random() < 0.6 else random.uniform(0.55, 1, 3)
    return Pen(_width(random, 0.03, 0.16), colour.astype(np.float32), random.uniform(0.8, 1))


def _width(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))
