"""Images that are no digits, so that the network learns to be unsure of them.

D. Hendrycks, M. Mazeika and T. Dietterich, "Deep Anomaly Detection with Outlier Exposure", 2019:
the network is trained to answer them with ten equal probabilities. What a finder takes for digits
by mistake is drawn here: letters and signs, scribbles, folds and texture, corners of ruled paper,
two digits in one crop, and parts of digits. What could be read as a digit is left out, as are the
letters O, I, l, S, Z, B, b, g, o, q, s, y, z, D, Q and most halves.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitlens.contract import MNIST_SIZE
from digitlens.vision import mnist_format
from digitlens_train.mnist import Split
from digitlens_train.strokes import CANVAS, MARGIN, Points, draw, handled, smooth

Random = np.random.Generator
Ink = NDArray[np.uint8]

OUTLIER = 10
"""The label of what is no digit."""

LETTERS = "ACEFGHJKLMNPRTUVWXYacdefhijkmnprtuvwx"
SIGNS = "+=*#%&@?!<>[]{}()~$€§±×÷∑∞√→←↑↓∆∏≈≠✓✗★♥äöñжшюфдцщыгилпяπΩψξ"
FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif",
         "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol")  # fmt: skip

TURNED, MIRRORED = (2, 3, 4, 5, 7), (3, 4, 6, 7, 9)
"""Digits that are none when turned by a right angle, or seen in a mirror."""
LEFT_HALF, RIGHT_HALF, UPPER_HALF, LOWER_HALF = (0, 2, 3, 8), (0, 2), (0, 4), (0, 2)
"""Digits whose half is none."""
STACKED = (2, 3, 4, 5, 7, 8)


def outliers(count: int, digits: Split, seed: int) -> Split:
    """Make `count` images that are no digits, of all kinds in turn, some of them from `digits`.

    Gives images uint8 `[count, 28, 28]`, ink up to 255 on 0, all with the label `OUTLIER`.
    """
    random = np.random.default_rng(seed)
    source = _Digits(digits)
    kinds: list[Callable[[Random], Ink]] = [
        _letter, _letter, _sign, _pen, _pen, _lines, _lines, _texture, _shape,
        source.part, source.part, source.pair, source.pair, source.stack, source.turned,
    ]  # fmt: skip
    images = np.empty((count, MNIST_SIZE, MNIST_SIZE), np.uint8)
    for number in range(count):
        images[number] = mnist_format.mnist_image(kinds[number % len(kinds)](random))
    return Split(torch.from_numpy(images), torch.full((count,), OUTLIER))


class _Digits:
    """Outliers that are cut or put together from digits."""

    def __init__(self, digits: Split) -> None:
        self.images = digits.images.numpy()
        labels = digits.labels.numpy()
        self.by_label = [np.flatnonzero(labels == label) for label in range(10)]

    def part(self, random: Random) -> Ink:
        """Cut a half off."""
        side = random.integers(4)
        image = self._one((LEFT_HALF, RIGHT_HALF, UPPER_HALF, LOWER_HALF)[side], random)
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        at = random.uniform(0.45, 0.55)
        row = round(rows[0] + at * (rows[-1] - rows[0]))
        column = round(columns[0] + at * (columns[-1] - columns[0]))
        return (image[:, :column], image[:, column:], image[:row], image[row:])[side]

    def pair(self, random: Random) -> Ink:
        """Put two digits side by side, close or touching."""
        left, right = (_trimmed(self._one(range(10), random)) for _ in range(2))
        return _joined(left, right, int(random.integers(-3, 4)), random)

    def stack(self, random: Random) -> Ink:
        """Put a digit above another one, or above its upper part."""
        upper, lower = (_trimmed(self._one(STACKED, random)).T for _ in range(2))
        if random.random() < 0.5:
            lower = lower[:, : max(4, int(lower.shape[1] * random.uniform(0.3, 0.7)))]
        return _joined(upper, lower, int(random.integers(-2, 4)), random).T

    def turned(self, random: Random) -> Ink:
        """Turn a digit by a right angle, or mirror it."""
        if random.random() < 0.5:
            return np.fliplr(self._one(MIRRORED, random))
        return np.rot90(self._one(TURNED, random), random.choice([1, 3]))

    def _one(self, labels: tuple[int, ...] | range, random: Random) -> Ink:
        image: Ink = self.images[random.choice(self.by_label[random.choice(labels)])]
        return image


def _trimmed(ink: Ink) -> Ink:
    return ink[:, ink.any(0)][ink.any(1)]


def _joined(left: Ink, right: Ink, gap: int, random: Random) -> Ink:
    """Put `right` beside `left`, `gap` pixels away, somewhat higher or lower."""
    height = max(len(left), len(right)) + 8
    width = left.shape[1] + right.shape[1] + max(gap, 0)
    both = np.zeros((height, max(width, 1)), np.uint8)
    for ink, column in ((left, 0), (right, max(left.shape[1] + gap, 0))):
        row = random.integers(0, height - len(ink) + 1)
        window = both[row : row + len(ink), column : column + ink.shape[1]]
        np.maximum(window, ink[:, : window.shape[1]], out=window)
    return both


def _letter(random: Random) -> Ink:
    return _bent(_text(str(random.choice(list(LETTERS))), random), random)


def _sign(random: Random) -> Ink:
    """Write a sign, or two or three letters."""
    if random.random() < 0.4:
        text = "".join(random.choice(list(LETTERS), random.integers(2, 4)))
        return _bent(_text(text, random), random)
    return _bent(_text(str(random.choice(list(SIGNS))), random), random)


def _text(text: str, random: Random) -> Ink:
    name = "DejaVuSans" if ord(max(text)) > 255 else str(random.choice(FONTS))
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    font = ImageFont.truetype(folder / f"{name}.ttf", 60)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (round(right - left) + 24, round(bottom - top) + 24))
    ImageDraw.Draw(image).text((12 - left, 12 - top), text, 255, font)
    ink: Ink = np.array(image)
    size = 2 * int(random.integers(0, 4)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(np.pad(ink, 4), kernel), np.uint8)


def _bent(ink: Ink, random: Random) -> Ink:
    """Slant, turn and bend, as a hand does."""
    size = max(ink.shape) + 32
    y, x = np.indices((size, size), np.float32) - (size - 1) / 2
    wide, slant, turn = random.uniform(0.7, 1.3), random.normal(0, 0.15), random.normal(0, 0.1)
    along, down = x / wide + slant * y + turn * y, y - turn * x
    for wave in (along, down):
        phase, pace = random.uniform(0, 6.3, 2), random.uniform(0.02, 0.06, 2)
        wave += random.normal(0, 2) * np.sin(pace[0] * x + phase[0])
        wave += random.normal(0, 2) * np.sin(pace[1] * y + phase[1])
    along, down = along + (ink.shape[1] - 1) / 2, down + (ink.shape[0] - 1) / 2
    moved = cv2.remap(ink, along.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8)


def _pen(random: Random) -> Ink:
    """Scribble: two to five strokes through random corners."""
    strokes: list[Points] = []
    for _ in range(random.integers(2, 6)):
        corners = random.uniform(0, 1, (random.integers(3, 7), 2))
        strokes.append(smooth(corners) if random.random() < 0.7 else corners)
    return draw(strokes, random.uniform(0.03, 0.2))


_FIGURES: list[list[list[tuple[float, float]]]] = [
    [[(0, 0.5), (1, 0.5)], [(0.5, 0), (0.5, 1)]],  # plus
    [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],  # cross
    [[(0, 0.35), (1, 0.35)], [(0, 0.65), (1, 0.65)]],  # equals
    [[(0, 0.5), (1, 0.5)]],  # dash
    [[(0, 0.2), (0.2, 0.5), (0.5, 0.3), (0.8, 0.6), (1, 0.4)]],  # wave
    [[(0, 0), (0, 1), (1, 1)]],  # corners
    [[(1, 0), (1, 1), (0, 1)]],
    [[(0, 1), (0, 0), (1, 0)]],
    [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],  # T
    [[(0, 0.5), (1, 0.5)], [(0.3, 0), (0.3, 1)], [(0.7, 0), (0.7, 1)]],  # grids
    [[(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)], [(0.3, 0), (0.3, 1)], [(0.7, 0), (0.7, 1)]],
    [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]],  # square
    [[(0.5, 0), (1, 1), (0, 1), (0.5, 0)]],  # triangles
    [[(0, 0), (1, 0), (0.5, 1), (0, 0)]],
    [[(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5), (0.5, 0)]],
    [[(0, 0), (0.5, 1), (1, 0)]],  # angles
    [[(0, 0.6), (0.3, 1), (1, 0)]],  # tick
    [[(0.3, 0), (0.3, 1)], [(0.7, 0), (0.7, 1)]],  # bars
    [[(0.1, 0), (0.1, 1)], [(0.5, 0), (0.5, 1)], [(0.9, 0), (0.9, 1)]],
    [[(0, 0.5), (1, 0.5)], [(0.7, 0.3), (1, 0.5), (0.7, 0.7)]],  # arrow
    [[(0, 0.6), (0.2, 0.6), (0.35, 1), (0.5, 0), (1, 0)]],  # root
    [[(0, 0.5), (1, 0.5)], [(0.5, 0.1), (0.5, 0.2)], [(0.5, 0.8), (0.5, 0.9)]],  # divided by
    [[(0.5, 0), (0.8, 1), (0, 0.38), (1, 0.38), (0.2, 1), (0.5, 0)]],  # star
]


def _lines(random: Random) -> Ink:
    """Draw an operator, a corner, a grid or another figure of straight lines."""
    figure = [np.array(corners) for corners in _FIGURES[random.integers(len(_FIGURES))]]
    return draw(handled(figure, random), random.uniform(0.03, 0.2))


def _shape(random: Random) -> Ink:
    """Fill a shape: blots, shadows, edges of paper."""
    size = CANVAS + 2 * MARGIN
    ink = np.zeros((size, size), np.uint8)
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 12)))
    radius = random.uniform(0.2, 0.5, len(angles))
    corners = np.stack([np.cos(angles) * random.uniform(0.6, 1.6), np.sin(angles)], 1)
    path = smooth(corners * radius[:, np.newaxis] + 0.5)
    cv2.fillPoly(ink, [np.rint(path * CANVAS + MARGIN).astype(np.int32)], 255, cv2.LINE_AA)
    return ink


def _texture(random: Random) -> Ink:
    """Cut a patch out of smooth noise where it exceeds a level: folds, grain, cloth."""
    size = CANVAS
    sharp = random.normal(0, 1, (size, size)).astype(np.float32)
    wide = random.uniform(2, 8, 2)
    noise = cv2.GaussianBlur(sharp, (0, 0), wide[0], sigmaY=wide[1])
    level = np.quantile(noise, random.uniform(0.55, 0.85))
    ink: Ink = np.clip((noise - level) / noise.std() * 300, 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        return ink
    _, numbers, stats, _ = cv2.connectedComponentsWithStats((ink > 64).astype(np.uint8))
    part = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    ink[numbers != part] = 0
    return ink
