import numpy as np
import pytest

from digitlens.vision.component import Component
from digitlens.vision.foreground import Layer
from digitlens.vision.reading_order import rows, tilt


def part(left: float, top: float, height: int = 40) -> Component:
    mask = np.ones((height, 20), np.uint8)
    layer = Layer(np.zeros((1, 1), np.uint8), 0)
    return Component(round(left), round(top), mask, 0, layer)


@pytest.mark.parametrize("slope", [-0.26, 0, 0.15, 0.26])
def test_rows_may_rise_or_fall_by_15_degrees(slope: float) -> None:
    upper = [part(45 * i, 300 + 45 * i * slope) for i in range(8)]
    lower = [part(45 * i, 370 + 45 * i * slope) for i in range(8)]
    assert rows(lower[::-1] + upper[::-1]) == [upper, lower]
    assert tilt(upper + lower) == pytest.approx(slope, abs=0.03)


def test_digits_of_a_row_may_differ_in_height() -> None:
    row = [part(0, 0, 60), part(50, 20, 30), part(100, 5, 70)]
    assert rows(row) == [row]


def test_scattered_digits_are_all_there() -> None:
    random = np.random.default_rng(0)
    places = [(100 * i, 100 * j) for i in range(4) for j in range(4)]
    scattered = [part(x + random.integers(40), y + random.integers(40)) for x, y in places]
    found = rows(scattered)
    assert sorted(id(p) for row in found for p in row) == sorted(map(id, scattered))


def test_no_parts_are_no_rows() -> None:
    assert rows([]) == []
