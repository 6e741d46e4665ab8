import cv2
import numpy as np
import pytest
from PIL import Image

from digitlens.normalize import glyph, mnist_image, resize, stroke_width
from digitlens_train.mnist import Mnist


def test_resizing_equals_pillow_bit_for_bit(subset: Mnist) -> None:
    random = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    for image in [*subset.valid.images[:100].numpy(), *random]:
        pillow = Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)
        assert np.array_equal(resize(image), np.asarray(pillow))


def test_a_glyph_is_what_training_gave_the_network(subset: Mnist) -> None:
    from digitlens_train.mnist import glyphs

    expected = glyphs(subset.valid.images[:20]).numpy()[:, 0]
    for image, wanted in zip(subset.valid.images[:20].numpy(), expected, strict=True):
        assert np.array_equal(glyph(image), wanted)


@pytest.mark.parametrize("size", [(9, 5), (60, 40), (300, 420), (500, 90)])
def test_a_digit_fits_20_by_20_with_its_centre_of_mass_in_the_middle(size: tuple[int, int]) -> None:
    ink = np.zeros((size[0] + 20, size[1] + 35), np.uint8)
    ink[5 : 5 + size[0], 8 : 8 + size[1]] = 255
    placed = mnist_image(ink)
    assert placed.shape == (28, 28)
    rows, columns = np.flatnonzero(placed.any(1)), np.flatnonzero(placed.any(0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(height, width) == 20
    assert height / width == pytest.approx(size[0] / size[1], rel=0.35)
    moments = cv2.moments(placed)
    assert moments["m10"] / moments["m00"] == pytest.approx(13.5, abs=0.5)
    assert moments["m01"] / moments["m00"] == pytest.approx(13.5, abs=0.5)


def test_no_ink_gives_an_empty_image() -> None:
    assert not mnist_image(np.zeros((40, 40), np.uint8)).any()


@pytest.mark.parametrize("width", [2, 4, 9, 20])
def test_stroke_width_is_measured_in_pixels(width: int) -> None:
    bar = np.zeros((200, 60), np.uint8)
    bar[:, 20 : 20 + width] = 255
    assert stroke_width(bar) == pytest.approx(width, rel=0.2)


@pytest.mark.parametrize("width", [1, 4, 60])
def test_strokes_come_out_as_wide_as_those_of_mnist(width: int) -> None:
    ring = np.zeros((240, 240), np.uint8)
    cv2.circle(ring, (120, 120), 80, 255, width)
    assert 1.5 <= stroke_width(mnist_image(ring)) <= 6


@pytest.mark.full_mnist
def test_98_of_100_mnist_digits_have_usual_strokes(full_mnist: Mnist) -> None:
    from digitlens.normalize import BOX_SIZE, STROKE_WIDTH

    def width(image: np.ndarray) -> float:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        return stroke_width(image) * BOX_SIZE / max(np.ptp(rows) + 1, np.ptp(columns) + 1)

    widths = np.array([width(image) for image in full_mnist.train.images[:5000].numpy()])
    usual = (widths >= STROKE_WIDTH[0]) & (widths <= STROKE_WIDTH[1])
    assert usual.mean() >= 0.98
