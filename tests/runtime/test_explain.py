import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.canvas import BAD, GOOD, UNSURE
from digitlens.errors import UsageError


@pytest.fixture(scope="module")
def spoilt(page: np.ndarray) -> np.ndarray:
    """The page with a speck of a bar and a letter."""
    picture = page.copy()
    cv2.line(picture, (880, 20), (880, 32), (30, 30, 30), 3)
    cv2.putText(picture, "K", (12, 225), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (30, 30, 30), 5)
    return picture


def count(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture == color).all(2).sum())


def test_an_explanation_shows_the_steps_and_a_card_for_each_sign(spoilt: np.ndarray) -> None:
    reader = Reader()
    reading, picture = reader.read(spoilt), reader.explain(spoilt)
    assert picture.shape[1:] == (1280, 3)
    assert picture.dtype == np.uint8
    assert {digit.reason for digit in reading.digits} == {""}
    assert len(reading.dropped) >= 2
    assert count(picture, GOOD) > 0
    assert count(picture, BAD) > 0
    shorter = reader.explain(np.full_like(spoilt, 200))
    assert len(shorter) < len(picture)


def test_unsure_digits_have_their_own_colour_and_say_how_far_they_are(page: np.ndarray) -> None:
    reader = Reader(min_confidence=1.01)
    assert count(reader.explain(page), UNSURE) > 0
    for digit in reader.read(page).digits:
        assert digit.score >= reader.min_score
        assert not digit.sure
        assert digit.reason.startswith("not sure: ")
        assert digit.reason.endswith(" is below 1.01")


def test_what_was_dropped_is_given_with_its_reason(spoilt: np.ndarray) -> None:
    reading = Reader().read(spoilt)
    assert reading.text == "12345\n67890"
    assert {digit.reason for digit in reading.dropped} >= {"not a digit"}
    assert all(digit.line == -1 and not digit.sure for digit in reading.dropped)


def test_an_mnist_image_is_explained_without_a_search(digits: list[np.ndarray]) -> None:
    picture = Reader().explain(digits[4])
    assert count(picture, GOOD) > 0
    assert Reader().explain(np.zeros((28, 28), np.uint8)).shape[1] == 1280


@pytest.mark.parametrize("least", [float("nan"), -0.1])
def test_a_least_confidence_that_is_none_is_refused(least: float) -> None:
    with pytest.raises(UsageError, match="min_confidence is"):
        Reader(min_confidence=least)
