import cv2
import numpy as np
import pytest

from parts import LEAST, canvas, drawn


def test_parts_are_connected_with_their_holes_left_out() -> None:
    amount = canvas()
    cv2.circle(amount, (50, 60), 40, 200, 6)
    cv2.circle(amount, (50, 60), 10, 150, -1)
    cv2.circle(amount, (150, 60), 2, 200, -1)
    ring, dot = sorted(drawn(amount), key=lambda part: -part.width)
    assert (ring.left, ring.top) == (7, 17)
    assert (dot.width, dot.height) == (21, 21)
    assert ring.area + dot.area == np.count_nonzero(amount[:, :120])
    assert ring.mask[43, 43] == 0


def test_a_faint_bridge_falls_off_at_a_share_of_the_darkest_ink() -> None:
    amount = canvas()
    amount[20:100, 20:40] = amount[20:100, 80:100] = 200
    amount[58:62, 40:80] = 60
    (whole,) = drawn(amount)
    assert whole.darkest == 200
    assert sorted(part.left for part in whole.cut(0.45, LEAST)) == [20, 80]
    assert whole.cut(0.2, LEAST) == [whole]


def test_joined_parts_hold_the_ink_of_both() -> None:
    amount = canvas()
    amount[20:30, 20:80] = amount[50:100, 20:30] = 200
    bar, stem = drawn(amount)
    both = bar.joined(stem)
    assert both.area == bar.area + stem.area
    assert (both.left, both.top, both.right, both.bottom) == (20, 20, 80, 100)


def test_ink_has_soft_edges_and_nothing_of_others() -> None:
    amount = canvas()
    cv2.circle(amount, (60, 60), 30, 120, 8, cv2.LINE_AA)
    amount[55:65, 58:62] = 255
    ring = max(drawn(amount), key=lambda part: part.width)
    ink = ring.ink()
    assert ink.shape == (ring.height + 2, ring.width + 2)
    assert ink.max() == 255
    assert ink[ring.height // 2, ring.width // 2] == 0
    assert ((ink > 0) & (ink < 200)).any()


@pytest.mark.parametrize("width", [4, 9, 20])
def test_one_straight_stroke_is_a_bar_and_a_ring_is_none(width: int) -> None:
    bar, ring = canvas(), canvas()
    cv2.line(bar, (90, 10), (110, 110), 200, width)
    cv2.circle(ring, (60, 60), 45, 200, width)
    assert drawn(bar)[0].is_bar
    assert not drawn(ring)[0].is_bar
    assert drawn(bar)[0].stroke_width == pytest.approx(width, rel=0.4)
