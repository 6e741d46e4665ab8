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
    foreground = separate(strokes((220, 220, 220), (40, 40, 40), width))
    thin, thick = foreground.layers
    assert not foreground.is_light
    assert thick.ink[120, 60] > 150
    assert thin.ink[120, 60] > 150 or width > 20
    for layer in (thin, thick):
        assert layer.ink[30, 300] <= layer.noise


def test_light_ink_on_dark_ground_is_recognised() -> None:
    foreground = separate(strokes((30, 60, 40), (230, 230, 230), 7))
    assert foreground.is_light
    assert foreground.layers[0].ink[120, 60] > 80
    assert foreground.gray[120, 60] < foreground.gray[120, 120]


def test_a_doubtful_polarity_has_layers_for_both() -> None:
    half = np.full((240, 320, 3), 30, np.uint8)
    half[:, 160:] = 220
    cv2.line(half, (60, 50), (60, 190), (220, 220, 220), 8)
    cv2.line(half, (240, 50), (240, 190), (30, 30, 30), 8)
    layers = separate(half).layers
    assert len(layers) == 4
    assert max(layers[0].ink[120, 60], layers[2].ink[120, 60]) > 150
    assert max(layers[0].ink[120, 240], layers[2].ink[120, 240]) > 150


@pytest.mark.parametrize("dark_side", [0.1, 0.6])
def test_the_edge_of_a_table_is_no_thin_stroke(dark_side: float) -> None:
    picture = strokes((220, 220, 220), (40, 40, 40))
    picture[:, 270:] = (picture[:, 270:] * dark_side).astype(np.uint8)
    foreground = separate(picture)
    thin = foreground.layers[0]
    assert not foreground.is_light
    assert thin.ink[:, 285:].max() <= thin.noise + 5
    assert thin.ink[120, 60] > 150


def test_ink_of_the_papers_grey_is_seen_by_its_colour() -> None:
    paper, ink = (160, 160, 160), (40, 170, 186)
    gray = [float(np.dot(color, (0.114, 0.587, 0.299))) for color in (paper, ink)]
    assert abs(gray[0] - gray[1]) < 5
    assert separate(strokes(paper, ink)).layers[0].ink[120, 60] > 50


def test_large_frames_are_shrunk_and_small_ones_enlarged() -> None:
    assert separate(np.full((3000, 4000, 3), 200, np.uint8)).gray.shape == (960, 1280)
    assert separate(np.full((60, 40, 3), 200, np.uint8)).gray.shape == (240, 160)


def test_percentiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).integers(0, 200, (40, 50), dtype=np.uint8)
    mask = (values > 100).astype(np.uint8)
    for share, level in zip((15, 50, 99), percentiles(values, (15, 50, 99)), strict=True):
        assert level == pytest.approx(np.percentile(values, share), abs=1)
    assert percentiles(values, [50], mask)[0] == pytest.approx(np.median(values[mask > 0]), abs=1)
