import cv2
import numpy as np
import pytest

from digitlens.vision import component
from foregrounds import LEAST, canvas, drawn


def test_components_leave_out_their_holes() -> None:
    ink = canvas()
    cv2.circle(ink, (50, 60), 40, 200, 6)
    cv2.circle(ink, (50, 60), 10, 150, -1)
    cv2.circle(ink, (150, 60), 2, 200, -1)
    ring, dot = sorted(drawn(ink), key=lambda each: -each.width)
    assert (ring.left, ring.top) == (7, 17)
    assert (dot.width, dot.height) == (21, 21)
    assert ring.area + dot.area == np.count_nonzero(ink[:, :120])
    assert ring.mask[43, 43] == 0


def test_a_faint_bridge_falls_off_above_a_level() -> None:
    ink = canvas()
    ink[20:100, 20:40] = ink[20:100, 80:100] = 200
    ink[58:62, 40:80] = 60
    (whole,) = drawn(ink)
    assert whole.darkest == 200
    assert sorted(piece.left for piece in whole.above(0.45, LEAST)) == [20, 80]
    assert whole.above(0.2, LEAST) == [whole]


def test_merged_components_have_the_pixels_of_both() -> None:
    ink = canvas()
    ink[20:30, 20:80] = ink[50:100, 20:30] = 200
    bar, stem = drawn(ink)
    both = bar.merged(stem)
    assert both.area == bar.area + stem.area
    assert (both.left, both.top, both.right, both.bottom) == (20, 20, 80, 100)


def test_soft_ink_has_nothing_of_others() -> None:
    ink = canvas()
    cv2.circle(ink, (60, 60), 30, 120, 8, cv2.LINE_AA)
    ink[55:65, 58:62] = 255
    ring = max(drawn(ink), key=lambda each: each.width)
    soft = ring.soft()
    assert soft.shape == (ring.height + 2, ring.width + 2)
    assert soft.max() == 255
    assert soft[ring.height // 2, ring.width // 2] == 0
    assert ((soft > 0) & (soft < 200)).any()


@pytest.mark.parametrize("width", [4, 9, 20])
def test_one_straight_stroke_is_a_bar_and_a_ring_is_not(width: int) -> None:
    bar, ring = canvas(), canvas()
    cv2.line(bar, (90, 10), (110, 110), 200, width)
    cv2.circle(ring, (60, 60), 45, 200, width)
    assert drawn(bar)[0].is_bar
    assert not drawn(ring)[0].is_bar
    assert drawn(bar)[0].stroke_width == pytest.approx(width, rel=0.4)


def test_overlap_counts_common_pixels() -> None:
    ink = canvas()
    ink[20:60, 20:60] = 200
    (square,) = drawn(ink)
    part = square.columns(0, 10, LEAST)
    assert part is not None
    assert square.overlap(part) == part.area == 400
    other = square.columns(20, 40, LEAST)
    assert other is not None
    assert part.overlap(other) == 0


def test_labels_and_outlines_find_the_same_components() -> None:
    noise = np.random.default_rng(0).random((90, 120)) < 0.35
    mask = cv2.dilate(noise.astype(np.uint8), np.ones((2, 2), np.uint8), iterations=1)
    mask[::9] = mask[:, ::13] = 0
    found = [
        sorted((x, y, own.shape, own.tobytes()) for x, y, own in find(mask, 4))
        for find in (component._labelled, component._outlined)
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 50
