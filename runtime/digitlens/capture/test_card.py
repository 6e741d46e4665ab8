"""The test pattern: a moving sheet of handwritten digits that are known, for trying and testing.

The digits drift with their sheet as in front of a hand-held camera. Every two seconds one of them
fades into the next digit, in reading order. Everything follows from the number of the frame, so a
frame can be drawn twice.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

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
FAINT = "?"
"""Stands for a digit that a person cannot tell, as in `Reading.text`."""
CHANGE = 60
"""Frames from one change to the next; the digits of the sheet take turns."""
FADE = 16
"""Frames at the end of these in which one digit fades out and the next one fades in."""
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
        for place in self._places(number):
            window = image[place.top :, place.left :][: self._side, : self._side]
            stamp = _stamp(place.label, place.way, self._side)
            if place.strength < 1:
                stamp = np.asarray(cv2.LUT(stamp, _fainter(place.strength)), np.uint8)
            product = cv2.multiply(window, stamp, dtype=cv2.CV_16U)
            cv2.convertScaleAbs(product, window, alpha=1 / 255)
        noise = self._noise[number % len(self._noise)]
        return np.asarray(cv2.add(image, noise, image), np.uint8)

    def text(self, number: int) -> str:
        """Return the digits of a frame as a person reads them, rows separated by newlines.

        A digit that fades is itself as long as half of its ink is left, or back. In between, which
        is the middle half of a fade, it is `?`: too faint to be told, or gone.
        """
        labels = [
            FAINT if place.strength < 0.5 else str(place.label) for place in self._places(number)
        ]
        rows = range(0, self.digits, self._columns)
        return "\n".join("".join(labels[start : start + self._columns]) for start in rows)

    def settled(self, number: int) -> tuple[bool, ...]:
        """Return for every digit of a frame, in reading order, whether it has all of its ink."""
        return tuple(place.strength == 1 for place in self._places(number))

    def boxes(self, number: int) -> list[tuple[int, int, int, int]]:
        """Return the `(x, y, width, height)` that each digit of a frame is within, in pixels."""
        return [(place.left, place.top, self._side, self._side) for place in self._places(number)]

    def _places(self, number: int) -> "list[_Place]":
        """Return the digits of a frame, in reading order."""
        across, down = (np.sin(2 * np.pi * number / period) for period in _PERIODS)
        used = self._columns * self._cell, self._rows * self._cell
        free = self.width - used[0], self.height - used[1]
        left, top = free[0] / 2 * (1 + 0.9 * across), free[1] / 2 * (1 + 0.9 * down)
        inset = (self._cell - self._side) / 2
        places = []
        for digit in range(self.digits):
            row, column = divmod(digit, self._columns)
            changes, strength = self._state(digit, number)
            places.append(
                _Place(
                    (digit + 1 + changes) % 10,
                    (3 * digit + changes) % len(tiles()),
                    strength,
                    round(left + column * self._cell + inset),
                    round(top + row * self._cell + inset),
                )
            )
        return places

    def _state(self, digit: int, number: int) -> tuple[int, float]:
        """Return how many times a digit has changed, and the share of its ink that is there."""
        turn, frame = divmod(number, CHANGE)
        rounds, changing = divmod(turn, self.digits)
        changes = rounds + (digit < changing)
        # In middles of frames, from -1, the old digit, to 1, the new one: never without ink.
        fade = (2 * (frame - CHANGE + FADE) + 1) / FADE - 1
        if digit != changing or fade < -1:
            return changes, 1.0
        return changes + (fade > 0), abs(fade)


class _Place(NamedTuple):
    """A digit on a frame: what it is, its share of ink, and its corner in pixels."""

    label: int
    way: int
    strength: float
    left: int
    top: int


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


@cache
def _fainter(strength: float) -> NDArray[np.uint8]:
    """Return the table that leaves that share of its ink to a stamp, uint8 `[256]`."""
    return np.round(255 - strength * np.arange(255, -1, -1)).astype(np.uint8)
