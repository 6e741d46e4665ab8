import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.contract import SURE, TAPS
from digitlens.errors import NotFoundError


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def test_an_array_and_its_file_give_the_same_reading(
    reader: Reader, page: np.ndarray, photo: Path
) -> None:
    one, other = reader.read(page).to_dict(), reader.read(photo).to_dict()
    for fields in (one, other):
        assert fields.pop("elapsed_ms") > 0
    assert one == other
    assert (one["width"], one["height"]) == (900, 420)


def test_digits_carry_probabilities_and_glyphs(reader: Reader, page: np.ndarray) -> None:
    for digit in reader.read(page).digits:
        assert digit.glyph.shape == (32, 32)
        assert digit.glyph.dtype == np.float32
        assert 0 <= digit.glyph.min() < digit.glyph.max() <= 1
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert digit.confidence == digit.probabilities.max()
        assert digit.label == digit.probabilities.argmax()


def test_taps_come_on_request_with_one_row_a_digit(reader: Reader, page: np.ndarray) -> None:
    assert reader.read(page).taps is None
    taps = reader.read(page, taps=True).taps
    assert taps is not None
    assert {name: tap.shape for name, tap in taps.items()} == {
        tap.name: (10, *tap.shape) for tap in TAPS
    }
    empty = reader.read(np.zeros((50, 50), np.uint8), taps=True).taps
    assert empty is not None
    assert empty["conv1"].shape == (0, 6, 28, 28)


def test_taps_are_what_the_session_gives_for_the_glyph(reader: Reader, page: np.ndarray) -> None:
    reading = reader.read(page, taps=True)
    assert reading.taps is not None
    alone = reader.session.run(reading.digits[3].glyph[np.newaxis], ["conv3"])["conv3"][0]
    assert np.allclose(reading.taps["conv3"][3], alone, atol=1e-6)


def test_a_digit_that_is_not_sure_is_a_question_mark_and_keeps_its_label(page: np.ndarray) -> None:
    reading = Reader(min_confidence=1.01).read(page)
    assert reading.text == "?????\n?????"
    assert [digit.label for digit in reading.digits] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]


def test_the_score_decides_what_is_sure(reader: Reader, digits: list[np.ndarray]) -> None:
    assert reader.min_confidence == 0
    assert reader.min_score == pytest.approx(0.7)
    whole = reader.read(digits[4]).digits[0]
    assert whole.score == whole.confidence


def test_a_least_confidence_is_required_only_when_given(digits: list[np.ndarray]) -> None:
    by_score, by_both = Reader(), Reader(min_confidence=0.9)
    seen = set()
    for digit in digits:
        large = cv2.resize(digit, (120, 120), interpolation=cv2.INTER_CUBIC)
        for shear in (-1.2, -1.0, 0.8):  # so far that they are hard to read
            matrix = np.array([[1, shear, 100 * (1 - shear)], [0, 1, 30]])
            frame = 230 - 0.7 * cv2.warpAffine(large, matrix, (320, 180))
            image = np.repeat(frame[..., np.newaxis], 3, 2).astype(np.uint8)
            pairs = zip(by_score.read(image).digits, by_both.read(image).digits, strict=True)
            for one, other in pairs:
                assert one.sure == (one.score >= by_score.min_score)
                assert other.sure == (one.sure and one.confidence >= 0.9)
                seen.add((one.sure, other.sure))
    assert seen == {(True, True), (True, False), (False, False)}


def test_confidence_decides_with_another_model(model_file: Path) -> None:
    other = Reader(model_file)
    assert (other.min_confidence, other.min_score) == (SURE, 0)


def test_readings_are_frozen(reader: Reader, page: np.ndarray) -> None:
    reading = reader.read(page)
    with pytest.raises(dataclasses.FrozenInstanceError):
        reading.width = 1  # type: ignore[misc]


def test_the_frame_given_is_not_changed(reader: Reader, page: np.ndarray) -> None:
    copy = page.copy()
    reader.read(page)
    assert np.array_equal(copy, page)


def test_a_missing_file_is_not_found(reader: Reader) -> None:
    with pytest.raises(NotFoundError, match=r"missing\.png: no such file"):
        reader.read("missing.png")


def test_a_photo_is_turned_upright_by_its_exif(
    reader: Reader, page: np.ndarray, tmp_path: Path
) -> None:
    on_its_side = cv2.rotate(page, cv2.ROTATE_90_COUNTERCLOCKWISE)
    jpeg = cv2.imencode(".jpg", on_its_side)[1].tobytes()
    orientation_6 = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(orientation_6) + 2).to_bytes(2, "big") + orientation_6
    path = tmp_path / "phone.jpg"
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])
    assert reader.read(path).text == "12345\n67890"


@pytest.mark.parametrize("is_light", [False, True])
def test_reader_reads_an_mnist_image_with_half_transparent_borders(
    digits: list[np.ndarray], is_light: bool
) -> None:
    gray = digits[5] if is_light else 255 - digits[5]
    image = np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    image[[0, -1], :, 3] = image[:, [0, -1], 3] = 128
    assert Reader().read(image).text == "5"
