import numpy as np
import pytest

from digitlens_train.strokes import CANVAS, MARGIN, Points, draw, handled, smooth

ZIGZAG = np.array([(0, 0.2), (0.3, 0.9), (0.5, 0.1), (0.8, 1)])
SQUARE = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], float)


def sharpest_turn(path: Points) -> float:
    """The largest angle between two steps of a path that follow each other, in degrees."""
    steps = np.diff(path, axis=0)
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    return float(np.degrees(np.abs(np.diff(angles)).max()))


@pytest.mark.parametrize("corners", [ZIGZAG, ZIGZAG[:2], ZIGZAG[:3]])
def test_a_smooth_stroke_goes_through_its_corners_in_order(corners: Points) -> None:
    path = smooth(corners)
    assert path.shape == (8 * (len(corners) - 1) + 1, 2)
    assert np.allclose(path[::8], corners)


def test_a_smooth_stroke_turns_little_by_little() -> None:
    assert sharpest_turn(SQUARE) == pytest.approx(90)
    assert sharpest_turn(smooth(SQUARE)) < 30


def test_a_smooth_stroke_of_corners_in_a_row_is_straight() -> None:
    row = np.array([(0, 0), (0.25, 0.5), (0.5, 1)])
    path = smooth(row)
    assert np.allclose(path[:, 1], 2 * path[:, 0])
    assert (np.diff(path[:, 0]) > 0).all()


@pytest.mark.parametrize("thickness", [0.05, 0.1, 0.2])
def test_a_stroke_is_as_thick_as_asked_and_where_it_was_put(thickness: float) -> None:
    ink = draw([np.array([(0.25, 0), (0.25, 1)])], thickness)
    assert ink.shape == (CANVAS + 2 * MARGIN,) * 2
    assert ink.dtype == np.uint8
    across = ink[MARGIN + CANVAS // 2] / 255
    assert across.sum() == pytest.approx(thickness * CANVAS, abs=1.5)
    assert across @ np.arange(len(across)) / across.sum() == pytest.approx(MARGIN + 20, abs=0.6)
    rows = np.flatnonzero(ink.any(1))
    assert rows[0] == pytest.approx(MARGIN - thickness * CANVAS / 2, abs=1.5)
    assert rows[-1] == pytest.approx(MARGIN + CANVAS + thickness * CANVAS / 2, abs=1.5)


def test_ink_is_full_on_empty_paper_and_the_thinnest_pen_still_writes() -> None:
    ink = draw([SQUARE, ZIGZAG], 0.1)
    assert (ink.min(), ink.max()) == (0, 255)
    assert draw([SQUARE], 0).max() > 200
    assert not draw([], 0.1).any()


def test_another_hand_leaves_the_strokes_as_they_were() -> None:
    before = ZIGZAG.copy()
    strokes = handled([ZIGZAG, ZIGZAG[:2]], np.random.default_rng(0))
    assert [stroke.shape for stroke in strokes] == [(4, 2), (2, 2)]
    assert np.array_equal(ZIGZAG, before)
    # Both are turned alike, but not jittered alike.
    assert np.abs(strokes[0][:2] - strokes[1]).max() < 0.3
    assert not np.array_equal(strokes[0][:2], strokes[1])


def test_a_hand_writes_narrower_mostly_and_follows_from_its_random_numbers() -> None:
    hands = [handled([SQUARE], np.random.default_rng(seed))[0] for seed in range(200)]
    again = handled([SQUARE], np.random.default_rng(0))[0]
    assert np.array_equal(hands[0], again)
    assert not np.array_equal(hands[0], hands[1])
    widths = np.array([np.linalg.norm(hand[1] - hand[0]) for hand in hands])
    heights = np.array([np.linalg.norm(hand[2] - hand[1]) for hand in hands])
    assert widths.mean() == pytest.approx((0.55 + 1.1) / 2, abs=0.04)
    assert heights.mean() == pytest.approx(1, abs=0.04)
    assert widths.min() < 0.6
    assert widths.max() > 1.05
