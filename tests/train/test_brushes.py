"""Every digit that a brush of any width can draw is one whole candidate."""

import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.vision.candidates import find
from digitlens.vision.foreground import separate
from digitlens_train.strokes import smooth
from digitlens_train.writing import WAYS

CANVAS = 360, 640


def drawn(label: int, height: int, width: int) -> np.ndarray:
    """Draw the first way of writing a digit with a round brush: uint8 `[360, 640]`, ink 255."""
    ink = np.zeros(CANVAS, np.uint8)
    size, top, left = height - width, (CANVAS[0] - height + width) / 2, 240
    for is_round, corners in WAYS[label][0]:
        stroke = smooth(np.array(corners)) if is_round else np.array(corners)
        path = np.rint((stroke * size + (left, top)) * 16).astype(np.int32)
        cv2.polylines(ink, [path], False, 255, width, cv2.LINE_AA, 4)
    return ink


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def best_match(ink: np.ndarray, reader: Reader, paler: float | np.ndarray = 1.0) -> float:
    """Return the largest share of common pixels that a candidate has with the ink.

    The frame shows the ink times `paler`, 0…1.
    """
    shown = np.uint8(255 - ink * paler)
    pool = find(separate(cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)), reader.glyphs)
    shares = [0.0]
    for candidate in pool.candidates:
        mask = np.zeros(CANVAS, bool)
        mask[candidate.window] = candidate.mask > 0
        shares.append(np.count_nonzero(mask & (ink > 127)) / np.count_nonzero(mask | (ink > 127)))
    return max(shares)


@pytest.mark.parametrize("height", [60, 120, 200, 300, 350])
@pytest.mark.parametrize("label", range(10))
def test_a_digit_of_any_brush_is_one_candidate(label: int, height: int, reader: Reader) -> None:
    widths = range(3, min(60, height // 5) + 1)
    broken = [w for w in widths if best_match(drawn(label, height, w), reader) < 0.85]
    assert broken == []


@pytest.mark.parametrize(("top", "bottom"), [(3, -2), (-2, 3)])
@pytest.mark.parametrize("label", range(10))
def test_a_faint_end_stays_with_its_digit(
    label: int, top: float, bottom: float, reader: Reader
) -> None:
    paler = np.clip(np.linspace(top, bottom, CANVAS[0]), 0.32, 1)[:, np.newaxis]
    broken = [w for w in range(4, 25) if best_match(drawn(label, 200, w), reader, paler) < 0.85]
    assert broken == []
