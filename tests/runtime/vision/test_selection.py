import cv2
import numpy as np
import pytest

from digitlens import selection
from digitlens.vision.component import Part, parts_of
from digitlens.vision.foreground import Ink
from digitlens.vision.selection import Guess, reasons


class Sheet:
    """Ink on a sheet, part by part, with what the network is said to take each for."""

    def __init__(self) -> None:
        self.amount = np.zeros((400, 800), np.uint8)
        self.guesses: list[tuple[tuple[int, int], Guess]] = []

    def ring(self, x: int, y: int, size: int = 40, ink: int = 200, **guess: float) -> None:
        cv2.ellipse(self.amount, (x, y), (size // 2, size), 0, 0, 360, ink, max(size // 6, 2))
        self.take(x - size // 2, y - size, **guess)

    def bar(self, x: int, top: int, bottom: int, width: int = 7, ink: int = 200) -> None:
        cv2.line(self.amount, (x, top), (x, bottom), ink, width)
        self.take(x, top, 1)

    def take(self, x: int, y: int, label: float = 0, confidence: float = 1) -> None:
        self.guesses.append(((x, y), Guess(int(label), confidence)))

    def reasons(self) -> list[str]:
        """Give the reasons in the order in which the parts were drawn."""
        ink = Ink(self.amount, 255 - self.amount, 1, is_light=False, noise=10)
        parts = parts_of((self.amount > 10).astype(np.uint8), self.amount, 10, 3)
        chosen: dict[Part, Guess] = {}
        order = []
        for (x, y), guess in self.guesses:
            left = [part for part in parts if part not in chosen]
            away = [abs(part.left - x) + abs(part.top - y) for part in left]
            nearest = left[int(np.argmin(away))]
            chosen[nearest] = guess
            order.append(nearest)
        found = reasons(chosen, ink)
        return [found[part] for part in order]


@pytest.fixture
def sheet() -> Sheet:
    sheet = Sheet()
    for x in (100, 200, 300):
        sheet.ring(x, 200)
    return sheet


def test_digits_alike_are_all_kept(sheet: Sheet) -> None:
    sheet.bar(400, 160, 240)
    assert sheet.reasons() == [""] * 4


def test_what_the_network_does_not_know_is_no_digit(sheet: Sheet) -> None:
    sheet.ring(400, 200, confidence=0.3)
    assert sheet.reasons()[3] == selection.NO_DIGIT


def test_specks_and_giants_are_dropped(sheet: Sheet) -> None:
    sheet.ring(400, 200, size=9)
    sheet.bar(500, 190, 215)
    for x in (30, 100, 200, 300):
        sheet.ring(x, 60)
    cv2.ellipse(sheet.amount, (670, 200), (60, 190), 0, 0, 360, 200, 6)
    sheet.take(610, 10)
    why = sheet.reasons()
    assert why[3:5] == [selection.TOO_SMALL, selection.TOO_SMALL]
    assert why[-1] == selection.TOO_LARGE


def test_a_long_bar_is_a_ruled_line(sheet: Sheet) -> None:
    sheet.bar(500, 100, 300)
    assert sheet.reasons()[3] == selection.RULED_LINE


def test_faint_signs_and_other_pens_are_dropped(sheet: Sheet) -> None:
    sheet.ring(400, 200, ink=50)
    cv2.ellipse(sheet.amount, (500, 200), (30, 40), 0, 0, 360, 200, -1)
    sheet.take(470, 160)
    assert sheet.reasons()[3:] == [selection.TOO_FAINT, selection.OTHER_PEN]


def test_a_sign_inside_a_digit_is_dropped(sheet: Sheet) -> None:
    sheet.ring(550, 200, size=100)
    sheet.ring(550, 200, size=30)
    assert sheet.reasons()[4] == selection.INSIDE


def test_a_bar_at_the_edge_is_cut_off_but_not_where_it_is_alone(sheet: Sheet) -> None:
    sheet.bar(795, 160, 240)
    assert sheet.reasons()[3] == selection.CUT_OFF
    alone = Sheet()
    alone.bar(795, 160, 240)
    assert alone.reasons() == [""]


def test_a_digit_among_signs_that_are_none_is_dropped() -> None:
    sheet = Sheet()
    sheet.ring(400, 200)
    for x in (200, 300, 500, 600):
        sheet.ring(x, 200, confidence=0.2)
    assert sheet.reasons()[0] == selection.AMONG_OTHERS


def test_a_digit_that_is_little_of_all_the_ink_is_dropped() -> None:
    sheet = Sheet()
    sheet.ring(100, 200)
    cv2.rectangle(sheet.amount, (300, 50), (700, 350), 200, -1)
    sheet.take(300, 50, 0, 0.1)
    assert sheet.reasons()[0] == selection.LITTLE_INK
