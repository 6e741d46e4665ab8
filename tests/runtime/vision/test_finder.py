import cv2

from digitlens.vision.finder import cuts, neighbours
from parts import LEAST, canvas, drawn


def test_cuts_are_where_there_is_least_ink() -> None:
    amount = canvas()
    cv2.circle(amount, (60, 60), 30, 200, 8)
    cv2.circle(amount, (120, 60), 30, 200, 8)
    (part,) = drawn(amount)
    columns = cuts(part)
    assert columns[0] == 0
    assert columns[-1] == part.width
    assert any(abs(part.left + column - 90) <= 6 for column in columns)
    left = part.columns(0, 90 - part.left, LEAST)
    assert left is not None
    assert left.right <= 90


def test_what_overlaps_from_above_is_no_neighbour() -> None:
    amount = canvas()
    amount[20:30, 20:80] = amount[50:100, 20:30] = 200
    bar, stem = drawn(amount)
    assert list(neighbours([bar], [bar, stem])) == []
