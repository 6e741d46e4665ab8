"""Images of non-digits, so that the network learns to be unsure of them.

D. Hendrycks, M. Mazeika and T. Dietterich, "Deep Anomaly Detection with Outlier Exposure", 2019:
the network is trained to answer them with ten equal probabilities. Drawn here is what is mistaken
for digits in photos: letters, operators, brackets and words, printed and handwritten; scribbles,
hairs, arcs and blots; folds, texture and shadows; corners and crossings of ruled paper; two or
three digits in one crop, parts of digits, and digits that are crossed out.

What a person could read as a digit is left out: the letters O, I, l, S, Z, B, b, g, o, q, s, y, z,
D, Q, most halves and thirds, straight parentheses, corners like a 7, and every upright bar.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import cv2
import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE
from digitlens.vision import mnist_format
from digitlens_train.fonts import Font, handwritten
from digitlens_train.mnist import Split
from digitlens_train.strokes import CANVAS, MARGIN, Points, draw, handled, smooth
from digitlens_train.writing import Way, paths

Random = np.random.Generator
Ink = NDArray[np.uint8]
T = TypeVar("T")
Kind = Callable[[Random], Ink]

_ANGULAR, _ROUND = False, True

OUTLIER = 10
"""The label of non-digits."""

LETTERS = "ACEFGHJKLMNPRTUVWXYacdefhijkmnprtuvwx"
SIGNS = "+=*#%&@?!<>{}~$€§±×÷∑∞√→←↑↓∆∏≈≠✓✗★♥äöñжшюфдцщыгилпяπΩψξ"
PRINTED = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif",
           "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol")  # fmt: skip
HAND_LETTERS = "ACEFHKMNPRTUVWXYacdefhkmnprtuvwx"
"""In some hands G looks like a 6, and i, j, J and L like a 1."""
HAND_SIGNS = 2 * "+−×÷=±" + "<>{?#%@*~"
"""Operators twice as often; in some hands } looks like a 3."""
WORD_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHJKLMNPRSTUVWXYZ"
FROM_HANDS = 0.85
"""Share of the letters and signs that are handwritten where there are fonts."""

LEFT, RIGHT, UPPER, LOWER = range(4)
TURNED = {1: (3,), 2: (3, 7), 3: (3, 7)}
"""Right angles to the left, and the digits that are non-digits when turned by these.

Many of MNIST's 2s, 4s and 5s still look like digits then.
"""
MIRRORED = (3, 9)
"""Digits that are non-digits when mirrored; many 4s, 6s and 7s still look like digits."""
HALVES = {LEFT: (0, 2, 3), UPPER: (0, 4), LOWER: (0, 2)}
THIRDS = {LEFT: (0, 2, 3, 8), UPPER: (0, 2, 8), LOWER: (0, 2, 3, 5, 6)}
"""Digits whose half or third on a side is a non-digit; on the right, even a 0's is like a 7."""
SLANTED = (0, 2, 4)
"""Digits whose halves and thirds are non-digits also where the cut is slanted."""
TALL_LEFT, ROUND_BELOW, ROUND_ABOVE = (0, 4, 5, 6, 8, 9), (0, 2, 3, 5, 6, 8), (0, 2, 3, 7, 8, 9)
"""Digits whose left, lower and upper half has enough ink to be seen next to another half."""
STACKED = (2, 3, 4, 5, 7, 8)
MAX_LEAN = 50
"""Degrees from the vertical up to which a bar may be read as a 1."""


def outliers(count: int, digits: Split, seed: int, fonts: Sequence[Font] = ()) -> Split:
    """Make `count` non-digits, of all kinds in turn, some of them from `digits`.

    With `fonts`, most letters and signs are handwritten with these.

    Return images uint8 `[count, 28, 28]`, ink up to 255 on 0, all with the label `OUTLIER`.
    """
    random = np.random.default_rng(seed)
    makers = kinds(_Digits(digits), _Texts(fonts))
    images = np.empty((count, MNIST_SIZE, MNIST_SIZE), np.uint8)
    for number in range(count):
        image = mnist_format.mnist_image(makers[number % len(makers)](random))
        while is_bar(image):
            image = mnist_format.mnist_image(makers[number % len(makers)](random))
        images[number] = image
    return Split(torch.from_numpy(images), torch.full((count,), OUTLIER))


def kinds(digits: "_Digits", texts: "_Texts") -> list[Kind]:
    """Return what makes the outliers, in turn; some kinds have several turns."""
    return [
        texts.letter, texts.letter, texts.letter, texts.sign, texts.sign, texts.word, texts.word,
        _stroke_letter, _stroke_letter, _bracket, _lines, _lines, _slanted, _pen, _pen, _hair, _arc,
        _rounded_corner, _fingers, _texture, _texture, _blot, _shadow,
        digits.part, digits.part, digits.third, digits.neighbours, digits.pair, digits.pair,
        digits.triple, digits.stack, digits.turned, digits.crossed_out, digits.on_lines,
    ]  # fmt: skip


def is_bar(image: Ink) -> bool:
    """Whether an MNIST image is blank or has one thin upright bar, which reads as a 1."""
    y, x = np.nonzero(image > 64)
    if len(x) < 2:
        return True
    values, vectors = np.linalg.eigh(np.cov(np.stack([x, y]).astype(float)))
    across, along = np.sqrt(12 * np.maximum(values, 0))  # sides of the rectangle with this spread
    lean = np.degrees(np.arctan2(abs(vectors[0, 1]), abs(vectors[1, 1])))
    return bool(lean < MAX_LEAN and across < 0.33 * along)


class _Digits:
    """Outliers that are cut or put together from digits."""

    def __init__(self, digits: Split) -> None:
        self.images = digits.images.numpy()
        labels = digits.labels.numpy()
        self.by_label = [np.flatnonzero(labels == label) for label in range(10)]

    def part(self, random: Random) -> Ink:
        """Cut a half off, along a straight or a slanted line."""
        return self._cut(HALVES, 0.45, 0.55, random)

    def third(self, random: Random) -> Ink:
        """Cut two thirds off, along a straight or a slanted line."""
        return self._cut(THIRDS, 0.28, 0.36, random)

    def neighbours(self, random: Random) -> Ink:
        """Join the right part of a digit and the left part of the next one, or lower and upper."""
        is_row = random.random() < 0.7
        labels = (tuple(range(10)), TALL_LEFT) if is_row else (ROUND_BELOW, ROUND_ABOVE)
        first, second = (
            _trimmed(_side(self._one(each, random), side, random.uniform(0.4, 0.55), 0))
            for each, side in zip(labels, (RIGHT, LEFT) if is_row else (LOWER, UPPER), strict=True)
        )
        if is_row:
            return _joined(first, second, int(random.integers(1, 5)), random)
        return _joined(first.T, second.T, int(random.integers(3, 7)), random).T

    def pair(self, random: Random) -> Ink:
        """Put two digits side by side, close, touching or overlapping."""
        left, right = (_trimmed(self._one(range(10), random)) for _ in range(2))
        overlap = int(0.35 * min(left.shape[1], right.shape[1]))
        return _joined(left, right, int(random.integers(-overlap, 5)), random)

    def triple(self, random: Random) -> Ink:
        """Put three digits side by side."""
        pair, third = _trimmed(self.pair(random)), _trimmed(self._one(range(10), random))
        return _joined(pair, third, int(random.integers(-2, 5)), random)

    def stack(self, random: Random) -> Ink:
        """Put a digit above another one, or above its upper part."""
        upper, lower = (_trimmed(self._one(STACKED, random)).T for _ in range(2))
        if random.random() < 0.5:
            lower = lower[:, : max(4, int(lower.shape[1] * random.uniform(0.45, 0.7)))]
        return _joined(upper, lower, int(random.integers(-2, 4)), random).T

    def turned(self, random: Random) -> Ink:
        """Turn a digit by right angles, or mirror it."""
        turn = int(random.integers(5))
        if turn not in TURNED:
            return np.fliplr(self._one(MIRRORED, random))
        return np.rot90(self._one(TURNED[turn], random), turn)

    def crossed_out(self, random: Random) -> Ink:
        """Cover a digit with a dense zigzag."""
        digit = cv2.resize(self._one(range(10), random), None, fx=4, fy=4)
        count = int(random.integers(7, 12))
        x = np.linspace(0.05, 0.95, count) + random.normal(0, 0.04, count)
        y = np.where(np.arange(count) % 2, 0.9, 0.1) + random.normal(0, 0.08, count)
        path = np.stack([x, y] if random.random() < 0.5 else [y, x], 1)
        ink = draw(handled([path], random), random.uniform(0.04, 0.1))
        inside = ink[8:120, 8:120]
        np.maximum(inside, np.asarray(digit, np.uint8), out=inside)
        return ink

    def on_lines(self, random: Random) -> Ink:
        """Draw a piece of a digit in the corner or on the crossing of long lines."""
        side = int(random.integers(4))
        piece = _side(self._one(range(10), random), side, random.uniform(0.3, 0.5), 0)
        piece = np.asarray(cv2.resize(_trimmed(piece), None, fx=3, fy=3), np.uint8)[:70, :70]
        x, y = random.uniform(0.15, 0.85, 2)
        lines = [np.array([(-0.2, y), (1.2, y)]), np.array([(x, -0.2), (x, 1.2)])]
        if random.random() < 0.3:
            lines.append(lines[0] + (0, random.choice([-0.5, 0.5])))
        ink = draw(handled(lines, random), random.uniform(0.03, 0.1))
        top, left = random.integers(MARGIN, len(ink) - MARGIN - np.array(piece.shape) + 1)
        window = ink[top : top + len(piece), left : left + piece.shape[1]]
        np.maximum(window, piece, out=window)
        return ink

    def _cut(
        self, labels: dict[int, tuple[int, ...]], least: float, most: float, random: Random
    ) -> Ink:
        """Keep `least` to `most` of a digit, one of those that `labels` has for each side."""
        side = _any(list(labels), random)
        slope = float(random.choice([0, random.uniform(-0.4, 0.4)]))
        some = tuple(label for label in labels[side] if not slope or label in SLANTED)
        return _side(self._one(some, random), side, random.uniform(least, most), slope)

    def _one(self, labels: tuple[int, ...] | range, random: Random) -> Ink:
        image: Ink = self.images[random.choice(self.by_label[random.choice(labels)])]
        return image


def _side(image: Ink, side: int, share: float, slope: float) -> Ink:
    """Keep a `share` of a digit: its left, right, upper or lower `side`."""
    y, x = np.nonzero(image)
    along, across = (x, y) if side in (LEFT, RIGHT) else (y, x)
    place = along + slope * (across - across.mean())
    low, high = place.min(), place.max()
    if side in (LEFT, UPPER):
        cut = place > low + share * (high - low)
    else:
        cut = place < high - share * (high - low)
    part = image.copy()
    part[y[cut], x[cut]] = 0
    return part


def _trimmed(ink: Ink) -> Ink:
    return ink[:, ink.any(0)][ink.any(1)]


def _joined(left: Ink, right: Ink, gap: int, random: Random) -> Ink:
    """Put `right` next to `left`, `gap` pixels away, somewhat higher or lower."""
    height = max(len(left), len(right)) + 8
    width = left.shape[1] + right.shape[1] + max(gap, 0)
    both = np.zeros((height, max(width, 1)), np.uint8)
    for ink, column in ((left, 0), (right, max(left.shape[1] + gap, 0))):
        row = random.integers(0, height - len(ink) + 1)
        window = both[row : row + len(ink), column : column + ink.shape[1]]
        np.maximum(window, ink[:, : window.shape[1]], out=window)
    return both


class _Texts:
    """Letters, signs and words, in matplotlib's fonts and in those of hands."""

    def __init__(self, fonts: Sequence[Font]) -> None:
        folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
        self.printed = [Font(name, folder / f"{name}.ttf") for name in PRINTED]
        self.by_sign = {sign: [font for font in fonts if font.has(sign)] for sign in HAND_SIGNS}
        self.fonts = fonts

    def letter(self, random: Random) -> Ink:
        """Write a letter."""
        if self._by_hand(random):
            return handwritten(_any(self.fonts, random), _any(HAND_LETTERS, random), random)
        return handwritten(_any(self.printed, random), _any(LETTERS, random), random)

    def sign(self, random: Random) -> Ink:
        """Write an operator or another sign."""
        if self._by_hand(random):
            sign = _any(HAND_SIGNS, random)
            if self.by_sign[sign]:
                return handwritten(_any(self.by_sign[sign], random), sign, random)
        sign = _any(SIGNS, random)
        fonts = self.printed if ord(sign) < 256 else self.printed[:1]
        return handwritten(_any(fonts, random), sign, random)

    def word(self, random: Random) -> Ink:
        """Write two or three letters."""
        text = "".join(_any(WORD_LETTERS, random) for _ in range(random.integers(2, 4)))
        fonts = self.fonts if self._by_hand(random) else self.printed
        return handwritten(_any(fonts, random), text, random)

    def _by_hand(self, random: Random) -> bool:
        return bool(self.fonts) and random.random() < FROM_HANDS


def _any(values: Sequence[T], random: Random) -> T:
    return values[int(random.integers(len(values)))]


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
    [[(0, 0.4), (1, 0.4)], [(0.5, 0), (0.5, 0.8)], [(0, 1), (1, 1)]],  # plus-minus
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
    [[(0, 1), (0.5, 0), (1, 1)]],
    [[(1, 0), (0, 0.5), (1, 1)]],
    [[(0, 0), (1, 0.5), (0, 1)]],
    [[(0, 0.6), (0.3, 1), (1, 0)]],  # tick
    [[(0.3, 0), (0.3, 1)], [(0.7, 0), (0.7, 1)]],  # bars
    [[(0.1, 0), (0.1, 1)], [(0.5, 0), (0.5, 1)], [(0.9, 0), (0.9, 1)]],
    [[(0, 0.5), (1, 0.5)], [(0.7, 0.3), (1, 0.5), (0.7, 0.7)]],  # arrow
    [[(0, 0.6), (0.2, 0.6), (0.35, 1), (0.5, 0), (1, 0)]],  # root
    [[(0, 0.5), (1, 0.5)], [(0.5, 0.1), (0.5, 0.2)], [(0.5, 0.8), (0.5, 0.9)]],  # divided by
    [[(0.5, 0), (0.8, 1), (0, 0.38), (1, 0.38), (0.2, 1), (0.5, 0)]],  # star
]

_STROKE_LETTERS: list[Way] = [
    [(_ANGULAR, [(0, 0), (0.42, 0.55)]), (_ANGULAR, [(0.9, 0), (0.15, 1)])],  # y
    [(_ANGULAR, [(0, 0), (0.45, 0.4)]), (_ANGULAR, [(0.9, 0), (0.45, 0.42), (0.45, 1)])],
    [(_ROUND, [(0.05, 0.05), (0.38, 0.2), (0.4, 0.8), (0.05, 0.95)]),
     (_ROUND, [(0.95, 0.05), (0.5, 0.2), (0.5, 0.8), (0.95, 0.95)])],  # x
    [(_ROUND, [(0, 0.15), (0.25, 0.1), (0.7, 0.9), (1, 0.85)]), (_ANGULAR, [(0.9, 0), (0.1, 1)])],
    [(_ROUND, [(0.75, 0.25), (0.4, 0.12), (0.08, 0.55), (0.35, 0.9), (0.75, 0.5)]),
     (_ROUND, [(0.78, 0.12), (0.77, 0.75), (1, 0.9)])],  # a
    [(_ANGULAR, [(0.15, 0), (0.15, 1)]),
     (_ROUND, [(0.15, 0.65), (0.5, 0.42), (0.8, 0.6), (0.8, 1)])],  # h
    [(_ANGULAR, [(0.15, 0), (0.15, 1)]), (_ANGULAR, [(0.8, 0.3), (0.17, 0.65), (0.85, 1)])],  # k
    [(_ANGULAR, [(0.1, 0.1), (0.1, 0.95)]),
     (_ROUND, [(0.1, 0.45), (0.5, 0.1), (0.85, 0.35), (0.88, 0.95)])],  # n
    [(_ANGULAR, [(0.3, 0.05), (0.32, 1)]), (_ROUND, [(0.32, 0.5), (0.6, 0.12), (1, 0.15)])],  # r
    [(_ROUND, [(0.45, 0), (0.42, 0.75), (0.6, 1), (0.95, 0.88)]),
     (_ANGULAR, [(0.02, 0.3), (0.9, 0.28)])],  # t
    [(_ROUND, [(0.05, 0.05), (0.1, 0.75), (0.45, 0.95), (0.8, 0.6)]),
     (_ROUND, [(0.82, 0.05), (0.82, 0.8), (1, 0.95)])],  # u
    [(_ROUND, [(0, 0.1), (0.15, 0.1), (0.4, 0.95), (0.75, 0.1), (1, 0.1)])],  # v
    [(_ANGULAR, [(0, 0), (0.25, 1), (0.5, 0.3), (0.72, 1), (1, 0)])],  # w
    [(_ROUND, [(0, 0.1), (0.05, 0.8), (0.3, 0.95), (0.5, 0.3)]),
     (_ROUND, [(0.5, 0.3), (0.55, 0.85), (0.8, 0.95), (1, 0.1)])],
    [(_ANGULAR, [(0.02, 0.2), (0.02, 0.9)]),
     (_ROUND, [(0.02, 0.5), (0.3, 0.2), (0.5, 0.45), (0.5, 0.9)]),
     (_ROUND, [(0.5, 0.5), (0.78, 0.2), (0.98, 0.45), (1, 0.9)])],  # m
    [(_ROUND, [(0.95, 0.1), (0.65, 0), (0.45, 0.3), (0.42, 1)]),
     (_ANGULAR, [(0.1, 0.45), (0.85, 0.43)])],  # f
]  # fmt: skip
_BRACKETS: list[Way] = [
    [(_ROUND, [(0.6, 0), (0.2, 0.22), (0.05, 0.5), (0.2, 0.78), (0.6, 1)])],
    [(_ROUND, [(0.4, 0), (0.8, 0.22), (0.95, 0.5), (0.8, 0.78), (0.4, 1)])],
    [(_ANGULAR, [(0.6, 0), (0.05, 0), (0.05, 1), (0.6, 1)])],
    [(_ANGULAR, [(0.4, 0), (0.95, 0), (0.95, 1), (0.4, 1)])],
    [(_ROUND, [(0.7, 0), (0.4, 0.08), (0.38, 0.38), (0.05, 0.5), (0.38, 0.62), (0.4, 0.92),
               (0.7, 1)])],
]  # fmt: skip


def _lines(random: Random) -> Ink:
    """Draw an operator, a corner, a grid or another figure of straight lines."""
    figure = [np.array(corners) for corners in _any(_FIGURES, random)]
    return draw(handled(figure, random), random.uniform(0.03, 0.2))


def _stroke_letter(random: Random) -> Ink:
    """Draw a letter that has few strokes."""
    return draw(paths(_any(_STROKE_LETTERS, random), random), random.uniform(0.04, 0.18))


def _bracket(random: Random) -> Ink:
    """Draw a bracket, a brace or a parenthesis that is clearly curved."""
    return draw(paths(_any(_BRACKETS, random), random), random.uniform(0.04, 0.16))


def _slanted(random: Random) -> Ink:
    """Draw one stroke that is too slanted for a 1, thin as a pen's or thick as a finger."""
    angle = np.radians(random.uniform(MAX_LEAN + 2, 90) * random.choice([-1, 1]))
    half = np.array([np.sin(angle), -np.cos(angle)]) / 2
    bow = np.array([-half[1], half[0]]) * random.normal(0, 0.1)
    stroke = smooth(np.stack([0.5 - half, 0.5 + bow, 0.5 + half]))
    return draw([stroke], random.uniform(0.03, 0.35))


def _hair(random: Random) -> Ink:
    """Draw one to three long thin lines across."""
    strokes = []
    for _ in range(random.integers(1, 4)):
        count = int(random.integers(3, 6))
        y = random.uniform(0.2, 0.8) + random.normal(0, 0.12, count)
        path = smooth(np.stack([np.linspace(0, 1, count), y], 1)) - 0.5
        angle = random.normal(0, 0.3)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        strokes.append(path @ turn + 0.5)
    return draw(strokes, random.uniform(0.01, 0.05))


def _arc(random: Random) -> Ink:
    """Draw a quarter to two thirds of an oval: arcs, and bananas where they are thick."""
    start, span = random.uniform(0, 2 * np.pi), random.uniform(1.5, 4)
    angles = np.linspace(start, start + span, 24)
    ratio = random.uniform(0.6, 1)
    path = 0.5 + 0.5 * np.stack([np.cos(angles) * ratio, np.sin(angles)], 1)
    return draw([path], random.uniform(0.03, 0.35))


def _rounded_corner(random: Random) -> Ink:
    """Draw a corner of a frame with a rounded end: any but the upper right, which is like a 7."""
    legs, radius = random.uniform(0.6, 1, 2), random.uniform(0.1, 0.5)
    angles = np.linspace(np.pi / 2, np.pi, 4)
    bow = np.stack([radius + radius * np.cos(angles), 1 - radius + radius * np.sin(angles)], 1)
    path = np.concatenate([[[legs[0], 1]], bow, [[0, 1 - legs[1]]]])
    flip = _any([(False, False), (True, False), (False, True)], random)
    path = np.where(flip, 1 - path, path)
    strokes = [path]
    if random.random() < 0.3:
        strokes.append(path + np.where(flip, -0.2, 0.2) * np.array([1, -1]))
    return draw(handled(strokes, random), random.uniform(0.03, 0.2))


def _fingers(random: Random) -> Ink:
    """Draw two to four thick bars that are close to parallel."""
    count = int(random.integers(2, 5))
    thickness = random.uniform(0.12, 0.22)
    lean = random.uniform(-0.3, 0.3)
    strokes = []
    for number in range(count):
        x = (number - (count - 1) / 2) * thickness * random.uniform(1.2, 1.6) + 0.5
        top = random.uniform(0, 0.25)
        spread = (x - 0.5) * random.uniform(0, 0.8) + lean
        strokes.append(smooth(np.array([(x, 1), (x + spread * 0.4, 0.5), (x + spread, top)])))
    ink = draw(strokes, thickness)
    return np.rot90(ink, int(random.integers(4)))


def _blot(random: Random) -> Ink:
    """Fill a shape: blots, edges of paper."""
    size = CANVAS + 2 * MARGIN
    ink = np.zeros((size, size), np.uint8)
    angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 12)))
    radius = random.uniform(0.2, 0.5, len(angles))
    corners = np.stack([np.cos(angles) * random.uniform(0.6, 1.6), np.sin(angles)], 1)
    path = smooth(corners * radius[:, np.newaxis] + 0.5)
    cv2.fillPoly(ink, [np.rint(path * CANVAS + MARGIN).astype(np.int32)], 255, cv2.LINE_AA)
    return ink


def _shadow(random: Random) -> Ink:
    """Draw the soft edge of a shadow, or a soft blob."""
    y, x = (np.indices((CANVAS, CANVAS)) - CANVAS / 2) / CANVAS
    angle = random.uniform(0, 2 * np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    wave = random.normal(0, 0.1) * np.sin(random.uniform(3, 9) * across + random.uniform(0, 6.3))
    softness = random.uniform(0.03, 0.25)
    if random.random() < 0.5:  # a strip of shadow, or its edge
        distance = np.abs(along + wave) - random.uniform(0.02, 0.3)
    else:
        distance = (
            np.hypot(along, across * random.uniform(0.3, 0.9)) + wave - random.uniform(0.1, 0.35)
        )
    level = 255 / (1 + np.exp(np.clip(distance / softness * 4, -50, 50)))
    return np.where(level < 20, 0, level).astype(np.uint8)


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
