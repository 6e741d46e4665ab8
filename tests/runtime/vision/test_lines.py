import cv2
import numpy as np

from digitlens.vision.component import parts_of
from digitlens.vision.lines import long_parts, without_lines


def cleared(mask: np.ndarray) -> np.ndarray:
    parts = long_parts(parts_of(mask, mask * np.uint8(200), 1, 8), mask.shape)
    return without_lines(mask, parts) if parts else mask


def test_ruled_lines_go_and_what_crosses_them_stays() -> None:
    digits = np.zeros((400, 600), np.uint8)
    cv2.circle(digits, (150, 200), 60, 1, 7)
    cv2.line(digits, (400, 130), (380, 270), 1, 7)
    lines = np.zeros_like(digits)
    for y in range(40, 400, 60):
        cv2.line(lines, (0, y), (599, y + 15), 1, 2)
    left = cleared(digits | lines)
    assert left[digits == 0].sum() < 0.1 * lines.sum()
    assert left[digits > 0].sum() > 0.93 * digits.sum()


def test_upright_lines_go_too() -> None:
    lines = np.zeros((400, 600), np.uint8)
    for x in range(50, 600, 90):
        cv2.line(lines, (x, 0), (x - 12, 399), 1, 3)
    assert cleared(lines).sum() < 0.1 * lines.sum()


def test_a_long_stroke_that_does_not_come_from_the_edge_stays() -> None:
    one = np.zeros((400, 600), np.uint8)
    cv2.line(one, (300, 60), (280, 340), 1, 5)
    assert np.array_equal(cleared(one), one)


def test_a_thick_stroke_from_the_edge_is_no_line() -> None:
    table = np.zeros((400, 600), np.uint8)
    table[:, :40] = 1
    assert np.array_equal(cleared(table), table)
