"""Photos of digits, made from MNIST's: what people hold before a camera, read as a whole."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from digitlens import Reader

TEXT = "12345\n67890"


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_dark_digits_on_unevenly_lit_paper_are_read_row_by_row(
    reader: Reader, page: np.ndarray
) -> None:
    reading = reader.read(page)
    assert reading.text == TEXT
    for digit in reading.digits:
        x, y, width, height = digit.box
        assert 0 <= x < x + width <= page.shape[1]
        assert 0 <= y < y + height <= page.shape[0]
        assert 40 <= height <= 130


def test_light_digits_on_dark_ground_are_read(reader: Reader, page: np.ndarray) -> None:
    assert reader.read(255 - page).text == TEXT


@pytest.mark.parametrize("scale", [0.3, 0.6, 2, 4])
def test_the_size_of_the_picture_does_not_matter(
    reader: Reader, page: np.ndarray, scale: float
) -> None:
    scaled = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    reading = reader.read(scaled)
    assert reading.text == TEXT
    left = reading.digits[0].box[0] / scale
    assert left == pytest.approx(reader.read(page).digits[0].box[0], abs=6)


@pytest.mark.parametrize("scale", [1, 4])
def test_a_dark_frame_around_the_page_is_dropped_at_any_size(
    reader: Reader, page: np.ndarray, scale: int
) -> None:
    scaled = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(scaled, *(8 * scale,) * 4, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    assert reader.read(framed).text == TEXT


def test_specks_dashes_and_the_edge_of_a_table_are_dropped(
    reader: Reader, page: np.ndarray
) -> None:
    picture = cv2.copyMakeBorder(page, 0, 60, 80, 0, cv2.BORDER_CONSTANT, value=(20, 25, 30))
    for x in (200, 400, 640):
        cv2.circle(picture, (x, 40), 3, (40, 40, 40), -1)
    cv2.line(picture, (300, 205), (420, 205), (40, 40, 40), 5)
    assert reader.read(picture).text == TEXT


def _hard_shadow(page: np.ndarray) -> np.ndarray:
    shaded = page.copy()
    cv2.fillPoly(shaded, [np.array([[300, 0], [900, 0], [900, 420], [520, 420]])], (0, 0, 0))
    return np.where(shaded.any(2, keepdims=True), page, page * 0.6).astype(np.uint8)


def _coloured(page: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    amount = 1 - page[..., :1] / page[..., :1].max(0)
    return (np.array((215, 230, 225)) * (1 - amount) + np.array(ink) * amount).astype(np.uint8)


def _ruled(page: np.ndarray) -> np.ndarray:
    ruled = page.copy()
    for y in range(30, 420, 36):
        cv2.line(ruled, (0, y), (900, y + 12), (170, 150, 150), 2, cv2.LINE_AA)
    return np.minimum(ruled, page)


def _squared(page: np.ndarray) -> np.ndarray:
    squared = page.copy()
    for place in range(10, 900, 36):
        cv2.line(squared, (0, place), (900, place + 5), (170, 150, 150), 1, cv2.LINE_AA)
        cv2.line(squared, (place, 0), (place - 4, 420), (170, 150, 150), 1, cv2.LINE_AA)
    return np.minimum(squared, page)


def _grainy(page: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 9, page.shape)
    return np.clip(page + noise, 0, 255).astype(np.uint8)


def _jpeg(page: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 25])[1], 1)


def _tilted(page: np.ndarray) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((450, 210), 10, 0.8)
    return cv2.warpAffine(page, turn, (900, 420), borderMode=cv2.BORDER_REPLICATE)


PHOTOS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hard shadow": _hard_shadow,
    "blue ink": lambda page: _coloured(page, (150, 60, 40)),
    "red ink": lambda page: _coloured(page, (60, 50, 200)),
    "ruled": _ruled,
    "squared": _squared,
    "grain": _grainy,
    "blur": lambda page: cv2.GaussianBlur(page, (0, 0), 4),
    "jpeg": _jpeg,
    "faint": lambda page: (190 + page * 0.2).astype(np.uint8),
    "tilted": _tilted,
    "chalk": lambda page: 255 - _grainy(page),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_digits_are_read_whatever_the_paper_the_pen_and_the_light(
    reader: Reader, page: np.ndarray, name: str
) -> None:
    assert reader.read(PHOTOS[name](page)).text == TEXT


def test_touching_digits_are_cut_apart(reader: Reader, digits: list[np.ndarray]) -> None:
    left, right = (cv2.resize(digits[label], (140, 140)) for label in (2, 3))
    ink = np.zeros((240, 400), np.uint8)
    ink[50:190, 60:200] = left
    columns = np.flatnonzero(left.any(0))[-1], np.flatnonzero(right.any(0))[0]
    start = 60 + columns[0] - columns[1] - 4
    ink[50:190, start : start + 140] = np.maximum(ink[50:190, start : start + 140], right)
    picture = 255 - cv2.dilate(ink, np.ones((3, 3)))
    assert cv2.connectedComponents((picture < 128).astype(np.uint8))[0] == 2  # paper is one too
    assert reader.read(picture).text == "23"


def test_a_5_whose_bar_stands_apart_is_one_digit(reader: Reader) -> None:
    picture = np.full((300, 300), 225, np.uint8)
    cv2.line(picture, (110, 60), (190, 56), 40, 9, cv2.LINE_AA)
    cv2.line(picture, (112, 76), (108, 130), 40, 9, cv2.LINE_AA)
    cv2.ellipse(picture, (135, 175), (52, 52), 0, -125, 140, 40, 9, cv2.LINE_AA)
    assert reader.read(picture).text == "5"


@pytest.mark.parametrize("level", [0, 127, 255])
def test_blank_paper_holds_no_digit(reader: Reader, level: int) -> None:
    assert reader.read(np.full((300, 400), level, np.uint8)).digits == ()
    assert reader.read(np.full((28, 28), level, np.uint8)).digits == ()


def test_noise_and_texture_hold_no_sure_digit(reader: Reader) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(200, 3, (300, 400)).clip(0, 255).astype(np.uint8)
    texture = (np.kron(random.random((240, 320)) > 0.7, np.ones((4, 4))) * 200).astype(np.uint8)
    for picture in (noise, texture):
        assert not any(digit.sure for digit in reader.read(picture).digits)


def test_letters_are_no_sure_digits_and_say_why(reader: Reader) -> None:
    picture = np.full((200, 700), 240, np.uint8)
    for number, letter in enumerate("KMWRE"):
        place = (40 + 130 * number, 140)
        cv2.putText(picture, letter, place, cv2.FONT_HERSHEY_SIMPLEX, 3.5, 30, 8, cv2.LINE_AA)
    reading = reader.read(picture)
    assert not any(digit.sure for digit in reading.digits)
    assert len(reading.dropped) >= 5
    assert all(digit.reason for digit in reading.dropped)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3), (27, 28), (20, 20)])
def test_tiny_pictures_do_no_harm(reader: Reader, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert reader.read(random).width == shape[1]


def test_a_digit_of_20_pixels_is_read(reader: Reader, digits: list[np.ndarray]) -> None:
    small = cv2.resize(255 - digits[3], (20, 20), interpolation=cv2.INTER_AREA)
    assert reader.read(small).text == "3"
