from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from digitlens import Reader
from digitlens.vision.mnist_format import (
    glyph,
    mnist_image,
    mnist_ink,
    resize,
    rough_stroke_width,
    stroke_width,
)

if TYPE_CHECKING:
    from digitlens_train.mnist import Mnist


def test_resizing_equals_pillow_bit_for_bit(subset: "Mnist") -> None:
    random = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    for image in [*subset.valid.images[:100].numpy(), *random]:
        pillow = Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR)
        assert np.array_equal(resize(image), np.asarray(pillow))


def test_a_glyph_is_what_training_gave_the_network(subset: "Mnist") -> None:
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
def test_98_of_100_mnist_digits_have_usual_strokes(full_mnist: "Mnist") -> None:
    from digitlens.vision.mnist_format import BOX_SIZE, STROKE_WIDTH

    def width(image: np.ndarray) -> float:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        return stroke_width(image) * BOX_SIZE / max(np.ptp(rows) + 1, np.ptp(columns) + 1)

    widths = np.array([width(image) for image in full_mnist.train.images[:5000].numpy()])
    usual = (widths >= STROKE_WIDTH[0]) & (widths <= STROKE_WIDTH[1])
    assert usual.mean() >= 0.98


@pytest.mark.parametrize("image_number", range(10))
def test_an_mnist_image_is_left_exactly_as_it_is(
    digits: list[np.ndarray], image_number: int
) -> None:
    image = digits[image_number]
    shown = np.stack([image, 255 - image])
    assert np.array_equal(mnist_ink(shown), [image, image])


def test_faint_ink_in_an_mnist_image_is_strengthened_and_none_is_none(
    digits: list[np.ndarray],
) -> None:
    faint = (200 - digits[3].astype(int) // 4).astype(np.uint8)
    strong, none = mnist_ink(np.stack([faint, np.full((28, 28), 90, np.uint8)]))
    assert strong.max() == 255
    assert not none.any()


def test_the_ink_of_images_does_not_depend_on_their_neighbours(digits: list[np.ndarray]) -> None:
    levels = np.array([0, 20, 90, 140, 200])
    images = np.stack(
        [np.clip(paper + sign * (image.astype(int) // share), 0, 255).astype(np.uint8)
         for image in digits for paper in levels for sign in (1, -1) for share in (1, 2, 5, 9)]
    )  # fmt: skip
    together = mnist_ink(images)
    assert np.array_equal(together, [mnist_ink(image[np.newaxis])[0] for image in images])
    assert 0 < together.any((1, 2)).sum() < len(images)


@pytest.mark.parametrize("width", [6, 12, 24])
def test_the_rough_stroke_width_is_near_the_exact_one(width: int) -> None:
    ring = np.zeros((240, 240), np.uint8)
    cv2.circle(ring, (120, 120), 80, 1, width)
    exact = stroke_width(ring * np.uint8(255))
    assert rough_stroke_width(ring) == pytest.approx(exact, rel=0.25)


def enlarged(image: np.ndarray, random: np.random.Generator, scale: int = 5) -> np.ndarray:
    """Put an MNIST image somewhere on a larger sheet, uint8 with ink light."""
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    room = 12 * scale
    sheet = np.zeros((28 * scale + room, 28 * scale + room), np.uint8)
    y, x = random.integers(0, room, 2)
    sheet[y : y + 28 * scale, x : x + 28 * scale] = large
    return sheet


def textured(sheet: np.ndarray, random: np.random.Generator) -> np.ndarray:
    grain = cv2.GaussianBlur(random.normal(0, 1, sheet.shape), (0, 0), 2)
    light = np.linspace(1, 0.6, sheet.shape[1])
    paper = (235 - sheet * 0.75 + grain / grain.std() * 8) * light
    return np.clip(paper, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["large", "inverted", "blurred", "textured"])
def test_mnist_digits_come_back_from_photos_as_mnist_digits(subset: "Mnist", kind: str) -> None:
    """The accuracy drops by less than four points; what is not found counts as wrong."""
    reader, random = Reader(), np.random.default_rng(0)
    images, labels = subset.valid.images[:1000].numpy(), subset.valid.labels[:1000].tolist()
    direct = through = 0
    for image, label in zip(images, labels, strict=True):
        sheet = enlarged(image, random)
        if kind == "inverted":
            sheet = 255 - sheet
        elif kind == "blurred":
            sheet = cv2.GaussianBlur(sheet, (0, 0), 2)
        elif kind == "textured":
            sheet = textured(sheet, random)
        direct += [digit.label for digit in reader.read(image).digits] == [label]
        through += [digit.label for digit in reader.read(sheet).digits] == [label]
    assert direct >= 985
    assert direct - through < 40
