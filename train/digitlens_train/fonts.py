"""Fonts of handwriting: files in a folder, checked for digits and drawn as ink.

`scripts/handwriting_fonts.py` fetches fonts with a free licence into such a folder.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitlens.errors import DataError, NotFoundError
from digitlens.vision.mnist_format import stroke_width

log = logging.getLogger(__name__)

SUFFIXES = (".ttf", ".otf", ".woff", ".woff2")
DIGITS = "0123456789"
MISSING = "\uffff"
"""A non-character, which no font has: it is drawn as the font's .notdef."""
EM = 60
"""Size of handwritten text, in pixels; digits are about 45 high."""
THICKEST = 0.2
"""Width of the strokes up to which digits are thickened, as a share of their height."""
_CHECKED_SIZE = 40
_MARGIN = 4
_SMALLEST_HOLE, _THICK_HOLE = 12, 40
"""Pixels of a hole that counts, and that thickening must leave of it."""


@dataclass(frozen=True, slots=True)
class Font:
    """A font file; `name` is its path in the folder it was loaded from, without the suffix."""

    name: str
    path: Path

    def draw(self, text: str, size: int) -> NDArray[np.uint8]:
        """Draw `text` with an em of `size` pixels: uint8 `[h, w]`, ink 255 on 0, trimmed to it.

        Text without ink, such as a space, is `[0, 0]`.
        """
        font = _truetype(self.path, size)
        left, top, right, bottom = font.getbbox(text)
        # Hinting can put ink a pixel outside the box.
        width, height = (round(length) + 2 * _MARGIN for length in (right - left, bottom - top))
        image = Image.new("L", (width, height))
        ImageDraw.Draw(image).text((_MARGIN - left, _MARGIN - top), text, 255, font)
        ink: NDArray[np.uint8] = np.array(image)
        return ink[_extent(ink.max(1)), _extent(ink.max(0))]

    def has(self, character: str) -> bool:
        """Whether the font has ink of its own for `character`."""
        ink = self.draw(character, _CHECKED_SIZE)
        return ink.size > 0 and not np.array_equal(ink, self.draw(MISSING, _CHECKED_SIZE))


def load(folder: Path) -> list[Font]:
    """Load all fonts with digits in `folder` and the folders in it, sorted by name.

    Files that are not usable are skipped with a warning. Of files that differ in the suffix only,
    the first is taken.

    Raises:
        NotFoundError: `folder` is missing or has no font files.
        DataError: none of its font files is usable.
    """
    if not folder.is_dir():
        raise NotFoundError(f"no such folder: {folder}; {_FIX}")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise NotFoundError(f"no {', '.join(SUFFIXES)} files in {folder}; {_FIX}")
    fonts: dict[str, Font] = {}
    problems = []
    for path in paths:
        font = Font(path.relative_to(folder).with_suffix("").as_posix(), path)
        problem = _problem(font)
        if problem:
            problems.append(f"{path}: {problem}")
        else:
            fonts.setdefault(font.name, font)
    if not fonts:
        raise DataError(f"no usable fonts in {folder} ({problems[0]}); {_FIX}")
    for problem in problems:
        log.warning("skipped %s", problem)
    return [fonts[name] for name in sorted(fonts)]


def handwritten(font: Font, text: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw `text` as another hand would: thicker, slanted, turned, bent; ink 255 on 0."""
    return bent(_thickened(font.draw(text, EM), random), random)


def bent(ink: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Slant, turn and bend ink of about `EM` pixels."""
    size = int(max(ink.shape) * 1.3) + 32
    y, x = np.indices((size, size), np.float32) - (size - 1) / 2
    wide, slant, turn = random.uniform(0.85, 1.3), random.normal(0, 0.15), random.normal(0, 0.1)
    along, down = x / wide + slant * y + turn * y, y - turn * x
    for wave in (along, down):
        phase, pace = random.uniform(0, 6.3, 2), random.uniform(0.02, 0.06, 2)
        wave += random.normal(0, 2) * np.sin(pace[0] * x + phase[0])
        wave += random.normal(0, 2) * np.sin(pace[1] * y + phase[1])
    along, down = along + (ink.shape[1] - 1) / 2, down + (ink.shape[0] - 1) / 2
    moved = cv2.remap(ink, along.astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(moved, np.uint8)


def _thickened(ink: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Thicken strokes by up to six pixels, by less where they would fill or make a hole."""
    padded = np.pad(ink, _MARGIN)
    holes, specks = _holes(padded, _SMALLEST_HOLE), _holes(padded, 1)
    room = THICKEST * min(max(ink.shape), 0.75 * EM) - stroke_width(padded)
    for size in range(2 * int(random.integers(0, 4)) + 1, 1, -2):
        if size - 1 > room:
            continue
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        thicker = np.asarray(cv2.dilate(padded, kernel), np.uint8)
        if _holes(thicker, _THICK_HOLE) >= holes and _holes(thicker, 1) <= specks:
            return thicker
    return padded


def _holes(ink: NDArray[np.uint8], least: int) -> int:
    """Count the areas of paper of at `least` some pixels, including that outside."""
    paper = (ink < 128).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    return int((stats[1:, cv2.CC_STAT_AREA] >= least).sum())


_FIX = "fetch fonts with scripts/handwriting_fonts.py or choose another folder"


def _problem(font: Font) -> str:
    """Return why `font` is not usable, or an empty string."""
    try:
        missing = [digit for digit in DIGITS if not font.has(digit)]
        shapes = {_shape(font, digit) for digit in DIGITS}
    except (OSError, ValueError, MemoryError) as error:
        return f"not a readable font: {error}"
    if missing:
        return f"no digit {missing[0]}"
    return "" if len(shapes) == len(DIGITS) else "two digits of the same shape"


def _shape(font: Font, character: str) -> tuple[tuple[int, ...], bytes]:
    ink = font.draw(character, _CHECKED_SIZE)
    return ink.shape, ink.tobytes()


@lru_cache(maxsize=512)
def _truetype(path: Path, size: int) -> ImageFont.FreeTypeFont:
    # Raqm would use ligatures and is not in every build of Pillow: the same seed draws the same.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def _extent(ink: NDArray[np.uint8]) -> slice:
    """Return the part of a row or a column from the first to the last ink."""
    found = np.flatnonzero(ink)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)
