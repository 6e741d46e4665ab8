import cv2
import numpy as np
import pytest

from digitlens.vision.foreground import percentiles, separate


def strokes(paper: tuple[int, ...], ink: tuple[int, ...], width: int = 8) -> np.ndarray:
    picture = np.full((240, 320, 3), paper, np.uint8)
    cv2.line(picture, (60, 50), (60, 190), ink, width)
    cv2.ellipse(picture, (190, 120), (50, 70), 0, 0, 360, ink, width)
    return picture


@pytest.mark.parametrize("width", [2, 8, 30])
def test_ink_is_where_strokes_are_thin_or_thick(width: int) -> None:
    ink = separate(strokes((220, 220, 220), (40, 40, 40), width))
    assert not ink.is_light
    assert ink.amount[120, 60] > 150
    assert ink.amount[120, 120] <= ink.noise


def test_light_ink_on_dark_ground_is_told_by_the_ink() -> None:
    ink = separate(strokes((30, 60, 40), (230, 230, 230), 7))
    assert ink.is_light
    assert ink.amount[120, 60] > 80
    assert ink.gray[120, 60] < ink.gray[120, 120]


@pytest.mark.parametrize("dark_side", [0.1, 0.6])
def test_the_edge_of_a_table_or_a_shadow_is_no_ink(dark_side: float) -> None:
    picture = strokes((220, 220, 220), (40, 40, 40))
    picture[:, 270:] = (picture[:, 270:] * dark_side).astype(np.uint8)
    ink = separate(picture)
    assert not ink.is_light
    assert ink.amount[:, 285:].max() <= ink.noise + 5
    assert ink.amount[120, 60] > 150


def test_ink_of_the_papers_grey_is_seen_by_its_colour() -> None:
    paper, ink = (160, 160, 160), (40, 170, 186)
    gray = [float(np.dot(color, (0.114, 0.587, 0.299))) for color in (paper, ink)]
    assert abs(gray[0] - gray[1]) < 5
    assert separate(strokes(paper, ink)).amount[120, 60] > 50


def test_one_thick_stroke_among_thin_ones_is_ink_too() -> None:
    picture = strokes((220, 220, 220), (40, 40, 40), 4)
    cv2.line(picture, (100, 60), (100, 180), (40, 40, 40), 15)
    assert separate(picture).amount[60:180, 96:104].min() > 120


def test_large_frames_are_shrunk_and_small_ones_enlarged() -> None:
    assert separate(np.full((3000, 4000, 3), 200, np.uint8)).amount.shape == (960, 1280)
    assert separate(np.full((60, 40, 3), 200, np.uint8)).amount.shape == (240, 160)


def test_percentiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).integers(0, 200, (40, 50), dtype=np.uint8)
    mask = (values > 100).astype(np.uint8)
    for share, level in zip((15, 50, 99), percentiles(values, (15, 50, 99)), strict=True):
        assert level == pytest.approx(np.percentile(values, share), abs=1)
    assert percentiles(values, [50], mask)[0] == pytest.approx(np.median(values[mask > 0]), abs=1)
