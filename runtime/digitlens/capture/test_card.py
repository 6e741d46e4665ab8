"""A moving test card: paper with handwritten digits whose truth is known, for trying and testing.

The digits drift with their sheet as in a hand-held camera, and one after the other turns into
another digit. Everything follows from the number of the frame, so a card can be drawn twice.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.capture.source import USUAL_RATE, Shot, Wish
from digitlens.errors import UsageError

TILES = Path(__file__).parent / "tiles.png"
"""Drawn digits, a column for each of 0 to 9; made by `scripts/package_tiles.py`."""
TILE = 64
"""Width and height of a digit in it, in pixels."""

PREFIX = "test:"
MIN_SIDE, MAX_SIDE = 120, 7680
MAX_DIGITS = 100
MAX_NOISE = 32
_LIMITS = {
    "width": ("width", MIN_SIDE, MAX_SIDE),
    "height": ("height", MIN_SIDE, MAX_SIDE),
    "digits": ("number of digits", 0, MAX_DIGITS),
    "noise": ("noise", 0, MAX_NOISE),
}
CHANGE = 120
"""Frames after which a digit turns into the next one."""
_PERIODS = 240, 330
"""Frames that the sheet takes from side to side and back, and up and down."""
_LARGEST_CELL = 0.32
"""Height of the room that a digit has, at most, as a share of the frame's."""
_FILL = 0.62
"""Height of a digit as a share of its cell."""
_INK = 0.72
_LIFT = 3
"""Standard deviations by which noise is lifted, since it is added as bytes."""
_PATTERNS = 6
"""How many noise patterns take turns, where they have no more pixels together than these."""
_NOISE_PIXELS = 24_000_000


class Card:
    """A test card of a size.

    Args:
        width, height: of its frames in pixels, 120…7680.
        digits: how many there are, 0…100, in rows.
        noise: standard deviation of the sensor's noise, in grey levels of 255.

    Raises:
        UsageError: one of these is out of range.
    """

    def __init__(
        self, width: int = 640, height: int = 480, digits: int = 10, noise: float = 4.0
    ) -> None:
        _check(width=width, height=height, digits=digits, noise=noise)
        self.width, self.height, self.digits = width, height, digits
        self._columns, self._rows = _grid(width / height, digits)
        room = width / (self._columns + 0.5), height / (self._rows + 0.5)
        self._cell = min(*room, height * _LARGEST_CELL)
        self._side = round(self._cell * _FILL)
        self._paper, self._noise = _paper(width, height, noise), _noise(width, height, noise)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Draw a frame, uint8 `[height, width, 3]`, blue, green, red."""
        image = self._paper.copy()
        for label, way, left, top in self._places(number):
            window = image[top : top + self._side, left : left + self._side]
            product = cv2.multiply(window, _stamp(label, way, self._side), dtype=cv2.CV_16U)
            cv2.convertScaleAbs(product, window, alpha=1 / 255)
        noise = self._noise[number % len(self._noise)]
        return np.asarray(cv2.add(image, noise, image), np.uint8)

    def text(self, number: int) -> str:
        """Give what stands on a frame, rows separated by newlines."""
        labels = [str(label) for label, *_ in self._places(number)]
        rows = range(0, self.digits, self._columns)
        return "\n".join("".join(labels[start : start + self._columns]) for start in rows)

    def _places(self, number: int) -> list[tuple[int, int, int, int]]:
        """Give label, way of writing, left and top of every digit, in reading order."""
        across, down = (np.sin(2 * np.pi * number / period) for period in _PERIODS)
        used = self._columns * self._cell, self._rows * self._cell
        free = self.width - used[0], self.height - used[1]
        left, top = free[0] / 2 * (1 + 0.9 * across), free[1] / 2 * (1 + 0.9 * down)
        inset = (self._cell - self._side) / 2
        places = []
        for digit in range(self.digits):
            row, column = divmod(digit, self._columns)
            changes = (number + digit * CHANGE // max(self.digits, 1)) // CHANGE
            places.append(
                (
                    (digit + 1 + changes) % 10,
                    (3 * digit + changes) % len(tiles()),
                    round(left + column * self._cell + inset),
                    round(top + row * self._cell + inset),
                )
            )
        return places


@dataclass(frozen=True, slots=True)
class CardSource:
    """The test card as a source: a camera that is always there.

    Attributes:
        name: `test:`, or `test:N` for N digits.
        wish: its size and rate.

    Raises:
        UsageError: the number of digits or the size is out of range.
    """

    name: str
    wish: Wish

    def __post_init__(self) -> None:
        """Refuse what no card can be."""
        _check(**self._given())

    def open(self) -> "CardCapture":
        """Begin with the first frame."""
        card = Card(**self._given())
        return CardCapture(card, USUAL_RATE if self.wish.rate is None else self.wish.rate)

    def _given(self) -> dict[str, int]:
        given = {"width": self.wish.width, "height": self.wish.height, "digits": self._digits()}
        return {name: value for name, value in given.items() if value is not None}

    def _digits(self) -> int | None:
        text = self.name.removeprefix(PREFIX)
        if text and not re.fullmatch("[0-9]{1,9}", text):
            raise UsageError(
                f"no test card {self.name!r}: give 'test:', or 'test:40' for 40 digits"
            )
        return int(text) if text else None


class CardCapture:
    """Frames of a test card; see `digitlens.capture.source.Capture`."""

    is_live = True

    def __init__(self, card: Card, rate: float) -> None:
        self.rate, self._card, self._count = rate, card, 0
        self.description = f"{card.width}×{card.height}, {rate:g} frames/s, {card.digits} digits"

    def read(self) -> Shot | None:
        """Draw the next frame."""
        self._count += 1
        return Shot(self._card.frame(self._count - 1), (self._count - 1) / self.rate)

    def close(self) -> None:
        """There is nothing to let go of."""


def _check(**values: float) -> None:
    for name, value in values.items():
        words, low, high = _LIMITS[name]
        if not low <= value <= high:
            raise UsageError(f"the test card's {words} is {value}: give {low} to {high}")


def _grid(aspect: float, digits: int) -> tuple[int, int]:
    columns = max(round((digits * aspect) ** 0.5), 1)
    return columns, max(-(-digits // columns), 1)


def _paper(width: int, height: int, noise: float) -> NDArray[np.uint8]:
    """Paper in uneven light, a little yellow, and darker by what the noise will add."""
    light = np.linspace(214, 158, width) * np.linspace(1, 0.9, height)[:, np.newaxis]
    return (light[..., np.newaxis] * (0.94, 0.98, 1) - _LIFT * noise).astype(np.uint8)


def _noise(width: int, height: int, deviation: float) -> NDArray[np.uint8]:
    """Patterns of noise to be added, uint8 `[patterns, height, width, 3]`."""
    random = np.random.default_rng(0)
    count = min(max(_NOISE_PIXELS // (width * height), 1), _PATTERNS) if deviation else 1
    patterns = np.empty((count, height, width, 3), np.uint8)
    for pattern in patterns:
        gray = random.normal(_LIFT * deviation, deviation, (height, width, 1))
        pattern[:] = gray.clip(0, 2 * _LIFT * deviation)
    return patterns


@cache
def tiles() -> NDArray[np.uint8]:
    """Load the drawn digits: uint8 `[ways, 10, TILE, TILE]`, ink up to 255 on 0."""
    sheet = np.asarray(cv2.imread(str(TILES), cv2.IMREAD_GRAYSCALE), np.uint8)
    return sheet.reshape(-1, TILE, 10, TILE).transpose(0, 2, 1, 3)


@cache
def _stamp(label: int, way: int, side: int) -> NDArray[np.uint8]:
    """What paper is multiplied by where a digit stands, uint8 `[side, side, 3]`."""
    ink = cv2.resize(tiles()[way, label], (side, side), interpolation=cv2.INTER_LANCZOS4)
    stamp = np.round(255 - _INK * ink.astype(np.float32)).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(stamp, cv2.COLOR_GRAY2BGR), np.uint8)
