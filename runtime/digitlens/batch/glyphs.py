"""Arrays of images as glyphs, all at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE
from digitlens.vision import mnist_format

BLANK = mnist_format.MIN_CONTRAST / 255
"""A glyph whose strongest ink is below this is no digit."""


@dataclass(frozen=True, slots=True, eq=False)
class Glyphs:
    """What the network is given.

    Attributes:
        values: float32 `[n, 32, 32]`, 0…1, ink 1 on paper 0.
        is_blank: bool `[n]`, those without ink.
        is_wrong: bool `[n]`, those with values that are none of an image.
    """

    values: NDArray[np.float32]
    is_blank: NDArray[np.bool_]
    is_wrong: NDArray[np.bool_]


def of(images: NDArray[Any]) -> Glyphs:
    """Take uint8 `[n, 28, 28]` as MNIST images, and others as glyphs.

    Args:
        images: uint8 `[n, 28, 28]` of either polarity, or `[n, 32, 32]` with ink on paper 0, as
            uint8 0…255 or float 0…1.
    """
    if images.shape[1] == MNIST_SIZE:
        ink = mnist_format.mnist_ink(images)
        is_blank = np.asarray(~ink.any((1, 2)))
        return Glyphs(mnist_format.glyph(ink), is_blank, np.zeros(len(images), np.bool_))
    values = np.asarray(images, np.float32)
    if images.dtype == np.uint8:
        values = values / np.float32(255)
    least, most = values.min((1, 2)), values.max((1, 2))
    is_right = (least >= 0) & (most <= 1)  # neither, where there is a NaN
    return Glyphs(values, most < BLANK, ~is_right)
