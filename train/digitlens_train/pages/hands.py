"""Handwriting: the digits, letters and signs of one writer with one pen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitlens_train.mnist import Split
from digitlens_train.pages import letters
from digitlens_train.pages.field import (
    MARGIN,
    Field,
    Ink,
    Mark,
    Plane,
    Random,
    from_mask,
    from_paths,
    from_skeleton,
    holes,
    loops,
    render,
    stroke_width,
)
from digitlens_train.strokes import handled, smooth
from digitlens_train.writing import WAYS

if TYPE_CHECKING:
    from digitlens_train.fonts import Font

_CLOSED = (0, 4, 6, 8, 9)
"""Digits of which a loop must stay open."""
_LOOPS = ((1, 1), (0, 0), (0, 1), (0, 0), (0, 1), (0, 0), (1, 1), (0, 0), (2, 2), (1, 1))
"""Fewest and most loops of the image of a digit that is drawn with a thinner pen."""
_BLOTTED = ((1.45, 1.28), (2.0, 1.5))
"""Widest place of a stroke over its usual width, without and with a loop: first exactly, then as
estimated from its area."""
_THRESHOLD = 145
_TRIES = 10
_SMALL_PART = 0.05
"""Share of a digit's ink below which a separate part is a dot that does not belong to it."""
_MOST_WIDE, _MOST_WIDE_ONE = 1.0, 0.55
"""Width of a digit over its height above which it is not stretched further, and of a 1."""
_EM = 128
_DESCENDING = "gjpqy,"


class Hands:
    """Where handwriting comes from: images of digits, drawn ways of writing, and fonts."""

    def __init__(self, digits: Split, fonts: Sequence["Font"] = ()) -> None:
        self.images: Ink = digits.images.numpy()
        labels = digits.labels.numpy()
        self.by_label = [np.flatnonzero(labels == label) for label in range(10)]
        self.fonts = tuple(fonts)

    def writer(self, random: Random, pen: float, small: bool = False) -> "Writer":
        """Choose a writer whose pen is `pen` wide, as a share of a digit's height."""
        return Writer(self, random, pen, small)


class Writer:
    """One hand: its digits look alike from one to the next.

    `small` writing is made from coarser fields, which take less time.
    """

    def __init__(self, hands: Hands, random: Random, pen: float, small: bool = False) -> None:
        self.hands, self.random, self.pen = hands, random, pen
        self.zoom = 2 if small else 3
        self.font: Font | None = None
        if hands.fonts and random.random() < 1 / 3:
            self.font = hands.fonts[random.integers(len(hands.fonts))]
        self.drawn_share = float(random.choice([0.0, 0.1, 1.0], p=[0.45, 0.4, 0.15]))
        self.slant = float(random.normal(0, 0.05 if self.font else 0.08))
        self.wide = float(random.uniform(0.85, 1.2) + max(pen - 0.12, 0) * 1.2)
        self.unevenness = float(random.choice([0.0, 0.08, 0.2], p=[0.4, 0.4, 0.2]))
        self.variants = int(random.integers(1, 4))
        self._digits: dict[int, list[tuple[Field, float]]] = {}
        self._fields: dict[str, list[Field]] = {}

    def digit(self, label: int, height: float, angle: float = 0.0) -> Mark:
        """Write a digit `height` pixels high."""
        known = self._digits.setdefault(label, [])
        if len(known) < self.variants:
            field = self._digit_field(label)
            known.append((field, self._legible_pen(field, label)))
        field, pen = known[self.random.integers(len(known))]
        most = _MOST_WIDE_ONE if label == 1 else _MOST_WIDE
        mark = self._write(field, height, pen, angle, field.em, most)
        return replace(mark, label=label)

    def sign(self, character: str, height: float, angle: float = 0.0) -> Mark:
        """Write a letter or sign that suits digits `height` pixels high."""
        known = self._fields.setdefault(character, [])
        if len(known) < 2:
            known.append(self._sign_field(character))
        field = known[self.random.integers(len(known))]
        mark = self._write(field, height, min(self.pen, 0.2), angle, field.em)
        return replace(mark, drop=self._drop(character, field, height))

    def can(self, character: str) -> bool:
        """Return whether this writer has strokes for a character."""
        return letters.has(character)

    def word(self, text: str, height: float) -> Mark | None:
        """Write a word in one go, if the writer's font has its letters."""
        if self.font is None or not all(self.font.has(letter) for letter in text):
            return None
        field = from_mask(_padded(self.font.draw(text, _EM)))
        cap = self._cap()
        mark = self._write(field, height, 2 * field.half / cap, 0.0, cap)
        deep = any(letter in _DESCENDING for letter in text)
        drop = height / 2 - mark.size[1] / 2 + (0.3 * height if deep else 0)
        return replace(mark, drop=drop)

    def _drop(self, character: str, field: Field, height: float) -> float:
        if field.half == 0:
            middle = (field.box[1] + field.box[3]) / 2
            return height * (middle - field.level) / field.em
        size = (field.box[3] - field.box[1]) / field.em * height
        if character in "+-×÷=()/→":
            return 0.05 * height
        return (height - size) / 2 + (0.3 * height if character in _DESCENDING else 0)

    def _write(
        self, field: Field, height: float, pen: float, angle: float, em: float, most: float = 9.0
    ) -> Mark:
        random, thickness = self.random, max(pen * height, 1.0)
        if field.half == 0:
            thickness = max(min(thickness, 0.45 * height), 1.0)
        else:  # a narrower pen than the stroke's own would leave shreds
            own = 2 * field.half / (field.em + 2 * field.half)
            thickness = max(thickness, 0.9 * own * height)
        scale = max(height - thickness, 3.0) / em
        waver: Plane | None = None
        if self.unevenness and thickness > 2.5:
            waver = random.normal(0, self.unevenness, (4, 4)).astype(np.float32)
        return render(
            field,
            scale,
            thickness,
            wide=self._stretch(field, most) * float(np.exp(random.normal(0, 0.05))),
            slant=self.slant + float(random.normal(0, 0.04)),
            angle=angle + float(random.normal(0, 0.025)),
            waver=waver,
        )

    def _stretch(self, field: Field, most: float) -> float:
        """Return the stretch in x that keeps a mark narrower than `most` heights."""
        left, top, right, bottom = field.box
        ratio = (right - left) / max(bottom - top, 1)
        most += max(self.pen - 0.15, 0)
        return min(self.wide, max(most / max(ratio, 0.1), min(self.wide, 0.9)))

    def _legible_pen(self, field: Field, label: int) -> float:
        """Narrow the pen until it leaves the loop of a digit open."""
        pen = min(self.pen, 0.25) if label in (2, 3, 5) else self.pen
        if label not in _CLOSED or pen < 0.1 or loops(field, 1.5 + field.half) < 1:
            return pen
        while pen > 0.08 and loops(field, pen / 2 / (1 - pen) * field.em + 0.7) < 1:
            pen *= 0.88
        return pen

    def _digit_field(self, label: int) -> Field:
        if self.font is not None:
            return from_mask(_padded(self.font.draw(str(label), _EM)))
        for _ in range(0 if self.random.random() < self.drawn_share else _TRIES):
            field = self._mnist(label)
            if field is not None:
                return field
        ways = WAYS[label]
        return _filling(self._drawn(ways[self.random.integers(len(ways))]))

    def _sign_field(self, character: str) -> Field:
        font = self.font
        if font is not None and character != "." and font.has(character):
            field = from_mask(_padded(font.draw(character, _EM)))
            return replace(field, em=self._cap())
        return self._drawn(letters.strokes(character), 0.015)

    def _cap(self) -> float:
        """Return the height of the font's digits in field pixels."""
        assert self.font is not None
        field = self._fields.setdefault("0", [])
        if not field:
            field.append(from_mask(_padded(self.font.draw("0", _EM))))
        return field[0].em

    def _drawn(self, way: Sequence[tuple[bool, object]], loose: float = 0.03) -> Field:
        corners = [np.array(points, np.float64) for _, points in way]
        moved = (
            handled(corners, self.random)
            if loose >= 0.03
            else [points + self.random.normal(0, loose, points.shape) for points in corners]
        )
        return from_paths(
            [smooth(p) if round_ else p for p, (round_, _) in zip(moved, way, strict=True)]
        )

    def _mnist(self, label: int) -> Field | None:
        """Make a field of an image; return None if its strokes run together or are apart."""
        random, zoom = self.random, self.zoom
        choice = self.hands.by_label[label]
        image = self.hands.images[choice[random.integers(len(choice))]]
        mask = _in_one_piece((_bent(image, zoom, random) > _THRESHOLD).astype(np.uint8))
        if mask is None:
            return None
        own, widest = stroke_width(mask)
        (low, high), count = _LOOPS[label], holes(mask)
        if self.pen > 0.8 * own and random.random() < 0.7:
            return from_mask(mask) if count <= high else None
        # A loop that has run full would become a line: a 6 would look like a C.
        blot, limit = _BLOTTED[low > 0]
        if widest > limit or not low <= count <= high:
            return None
        thin = from_skeleton(mask, blot)
        return None if thin is not None and label == 2 and not _is_two(thin) else thin


def _bent(image: Ink, zoom: int, random: Random) -> Ink:
    """Enlarge an MNIST image and bend it a little."""
    side = (len(image) + 2 * MARGIN) * zoom
    large = cv2.resize(np.pad(image, MARGIN), (side, side), interpolation=cv2.INTER_CUBIC)
    grid = np.arange(side, dtype=np.float32)
    sway = random.normal(0, 0.45 * zoom, (2, 4, 4)).astype(np.float32)
    across, down = (
        cv2.resize(plane, (side, side), interpolation=cv2.INTER_CUBIC) for plane in sway
    )
    return np.asarray(
        cv2.remap(large, across + grid, down + grid[:, np.newaxis], cv2.INTER_LINEAR), np.uint8
    )


def _is_two(field: Field) -> bool:
    """Return whether a 2 has an arch and a foot; without them it looks like an L or a J."""
    _, top, _, bottom = field.box
    rows = [round(top + share * (bottom - top)) for share in (0, 0.25, 0.55, 0.7, 0.85, 1)]
    arch, slope, foot = (
        np.flatnonzero((field.values[start : end + 1] < 1.5).any(0))
        for start, end in zip(rows[::2], rows[1::2], strict=True)
    )
    if not (len(arch) and len(slope) and len(foot)):
        return False
    return bool(np.ptp(arch) > 0.25 * field.em and foot[-1] > slope[-1] + 0.08 * field.em)


def _in_one_piece(mask: Ink) -> Ink | None:
    """Remove dots from a mask; return None if its strokes are apart."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count == 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    is_kept = areas >= _SMALL_PART * areas.sum()
    if is_kept.sum() != 1:
        return None
    return np.asarray(numbers == 1 + int(is_kept.argmax()), np.uint8)


def _padded(ink: Ink) -> Ink:
    return np.pad((ink > 127).astype(np.uint8), 40)


def _filling(field: Field) -> Field:
    """Scale a digit so that it is as high as others."""
    return replace(field, em=max(field.box[3] - field.box[1], 1))
