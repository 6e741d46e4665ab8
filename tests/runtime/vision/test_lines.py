import cv2
import numpy as np

from digitlens.vision.component import Component
from digitlens.vision.foreground import Layer
from digitlens.vision.lines import without_lines


def cleared(mask: np.ndarray) -> np.ndarray:
    return without_lines(Component(0, 0, mask, 1, Layer(mask * np.uint8(200), 1)))


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


def test_a_box_goes_and_the_digit_on_it_stays() -> None:
    digit = np.zeros((200, 160), np.uint8)
    cv2.ellipse(digit, (80, 100), (45, 80), 0, 0, 360, 1, 9)
    box = np.zeros_like(digit)
    cv2.rectangle(box, (10, 25), (150, 185), 1, 3)
    left = cleared(digit | box)
    assert left[digit == 0].sum() < 0.1 * box.sum()
    assert left[digit > 0].sum() > 0.9 * digit.sum()


def test_a_thick_stroke_is_no_line() -> None:
    table = np.zeros((400, 600), np.uint8)
    table[:, :60] = 1
    assert np.array_equal(cleared(table), table)
