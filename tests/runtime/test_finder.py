import cv2
import numpy as np
import pytest

from digitlens import Reader, finder
from digitlens.finder import Part, find, rows, whole


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_dark_digits_on_unevenly_lit_paper_are_read_row_by_row(
    reader: Reader, page: np.ndarray
) -> None:
    reading = reader.read(page)
    assert reading.text == "12345\n67890"
    for digit in reading.digits:
        x, y, width, height = digit.box
        assert 0 <= x < x + width <= page.shape[1]
        assert 0 <= y < y + height <= page.shape[0]
        assert 40 <= height <= 130


def test_light_digits_on_dark_ground_are_read(reader: Reader, page: np.ndarray) -> None:
    assert reader.read(255 - page).text == "12345\n67890"


@pytest.mark.parametrize("scale", [0.3, 0.6, 2, 4])
def test_the_size_of_the_picture_does_not_matter(
    reader: Reader, page: np.ndarray, scale: float
) -> None:
    scaled = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    reading = reader.read(scaled)
    assert reading.text == "12345\n67890"
    left = reading.digits[0].box[0] / scale
    assert left == pytest.approx(reader.read(page).digits[0].box[0], abs=6)


@pytest.mark.parametrize("scale", [1, 4])
def test_a_dark_frame_around_the_page_is_dropped_at_any_size(
    reader: Reader, page: np.ndarray, scale: int
) -> None:
    scaled = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(scaled, *(8 * scale,) * 4, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    assert reader.read(framed).text == "12345\n67890"


def test_specks_dashes_and_the_edge_of_a_table_are_dropped(
    reader: Reader, page: np.ndarray
) -> None:
    picture = cv2.copyMakeBorder(page, 0, 60, 80, 0, cv2.BORDER_CONSTANT, value=(20, 25, 30))
    for x in (200, 400, 640):
        cv2.circle(picture, (x, 40), 3, (40, 40, 40), -1)
    cv2.line(picture, (300, 205), (420, 205), (40, 40, 40), 5)
    assert reader.read(picture).text == "12345\n67890"


@pytest.mark.parametrize("level", [0, 127, 255])
def test_blank_paper_holds_no_digit(reader: Reader, level: int) -> None:
    assert reader.read(np.full((300, 400), level, np.uint8)).digits == ()
    assert reader.read(np.full((28, 28), level, np.uint8)).digits == ()


def test_noise_alone_holds_no_digit() -> None:
    noise = np.random.default_rng(0).normal(200, 3, (300, 400)).astype(np.uint8)
    assert find(noise) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3), (27, 28)])
def test_tiny_pictures_do_no_harm(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert isinstance(find(random), list)


def test_texture_of_thousands_of_parts_is_left_after_the_tallest() -> None:
    random = np.random.default_rng(0).random((240, 320)) > 0.7
    texture = np.kron(random, np.ones((4, 4))) * 200
    assert len(find(texture.astype(np.uint8))) <= finder.MAX_STROKES


def test_a_bar_above_its_digit_is_joined_and_a_neighbour_is_not() -> None:
    picture = np.full((200, 300), 220, np.uint8)
    cv2.rectangle(picture, (60, 40), (110, 52), 30, -1)  # the bar of a 5
    cv2.ellipse(picture, (80, 120), (35, 50), 0, 0, 360, 30, 10)
    cv2.line(picture, (200, 50), (200, 170), 30, 10)
    boxes = [crop.box for crop in find(picture)]
    assert len(boxes) == 2
    assert boxes[0][1] <= 41
    assert boxes[1][0] >= 190


def test_rows_follow_a_slope() -> None:
    def part(left: int, top: int) -> Part:
        return Part(left, top, left + 20, top + 40, frozenset())

    sloping = [part(30 * i, 10 * i) for i in range(8)]
    below = [part(30 * i, 10 * i + 60) for i in range(8)]
    assert rows(below[::-1] + sloping[::-1]) == [sloping, below]


def test_an_mnist_image_is_left_exactly_as_it_is(digits: list[np.ndarray]) -> None:
    for image in digits:
        for shown in (image, 255 - image):
            (crop,) = whole(shown)
            assert np.array_equal(crop.ink, image)
            assert crop.box == (0, 0, 28, 28)


def test_faint_ink_in_an_mnist_image_is_strengthened(digits: list[np.ndarray]) -> None:
    (crop,) = whole((200 - digits[3].astype(int) // 4).astype(np.uint8))
    assert crop.ink.max() == 255
    assert finder.is_mnist_image(digits[3])
