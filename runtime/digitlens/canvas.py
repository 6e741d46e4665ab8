"""What pictures of activations and of readings are drawn with: OpenCV alone."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.reading import Digit

Picture = NDArray[np.uint8]
Color = tuple[int, int, int]

WIDTH = 1280
"""Width of pictures that are drawn into files, in pixels."""
MARGIN, GAP = 20, 6
WHITE = 255
PAPER, TEXT, FAINT_TEXT = (WHITE, WHITE, WHITE), (32, 32, 32), (120, 120, 120)
GOOD, UNSURE, BAD = (40, 140, 20), (0, 140, 230), (60, 60, 200)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def blank(height: int, width: int = WIDTH) -> Picture:
    """Give white paper, uint8 `[height, width, 3]`."""
    return np.full((height, width, 3), WHITE, np.uint8)


def paste(picture: Picture, part: NDArray[np.generic], top: int, left: int) -> None:
    """Put `part` into `picture`."""
    picture[top : top + part.shape[0], left : left + part.shape[1]] = part


def write(picture: Picture, text: str, place: tuple[int, int], scale: float, color: Color) -> None:
    """Write a line of text; `place` is the left end of its base, x and y."""
    cv2.putText(picture, text, place, FONT, scale, color, 1, cv2.LINE_AA)


def fitted(image: NDArray[np.uint8], width: int, height: int) -> tuple[Picture, float]:
    """Scale an image, grey or in colour, into a box; give it in colour, and its scale."""
    scale = min(width / image.shape[1], height / image.shape[0])
    size = tuple(max(round(length * scale), 1) for length in image.shape[1::-1])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    scaled = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
    if scaled.ndim == 2:
        scaled = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_GRAY2BGR), np.uint8)
    return np.ascontiguousarray(scaled), scale


def frame_box(picture: Picture, box: tuple[int, int, int, int], scale: float, color: Color) -> None:
    """Draw the box of a digit into a frame that was scaled."""
    x, y, width, height = (round(length * scale) for length in box)
    cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), color, 2)


def glyph(digit: Digit, side: int) -> Picture:
    """Show what the network was given as a square of `side` pixels, ink light on dark."""
    gray = np.round(digit.glyph * 255).astype(np.uint8)
    large = cv2.resize(gray, (side, side), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8)


def bars(picture: Picture, digit: Digit, top: int, left: int, longest: int, step: int) -> None:
    """Draw the ten outputs as bars, `step` pixels apart, the longest for a probability of 1."""
    scale = step / 40
    for label, probability in enumerate(digit.probabilities):
        y = top + label * step
        color = GOOD if label == digit.probabilities.argmax() else FAINT_TEXT
        end = left + step + 5 + max(round(float(probability) * longest), 1)
        base = y + round(0.74 * step)
        write(picture, str(label), (left, base), scale, TEXT)
        cv2.rectangle(picture, (left + step + 5, y + 2), (end, y + step - 4), color, -1)
        write(picture, f"{probability:.2%}", (end + 10, base), 0.9 * scale, TEXT)
