import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.vision.score import Score
from digitlens.vision.search import MAX_REJECTED, Search, search


@pytest.fixture(scope="module")
def found(page: np.ndarray) -> Search:
    return search(page, Reader().glyphs, Score.load())


def test_the_digits_of_a_page_are_chosen_in_reading_order(found: Search) -> None:
    labels = [[int(found.pool.probabilities[n].argmax()) for n in row] for row in found.rows]
    assert labels == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 0]]
    assert sorted(n for row in found.rows for n in row) == sorted(found.chosen)


def test_boxes_are_in_pixels_of_the_frame(page: np.ndarray) -> None:
    large = cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    reader = Reader()
    boxes, larger = ([digit.box for digit in reader.read(frame).digits] for frame in (page, large))
    assert len(boxes) == len(larger) == 10
    for box, other in zip(boxes, larger, strict=True):
        assert other == pytest.approx([3 * side for side in box], abs=9)


def test_what_is_rejected_is_sorted_and_bounded() -> None:
    random = np.random.default_rng(0)
    picture = (np.kron(random.random((120, 160)) > 0.7, np.ones((4, 4))) * 200).astype(np.uint8)
    frame = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    lost = search(frame, Reader().glyphs, Score.load())
    scores = [lost.scores[number] for number in lost.rejected]
    assert 20 < len(scores) <= MAX_REJECTED
    assert scores == sorted(scores, reverse=True)
    assert not set(lost.rejected) & set(lost.chosen)


def test_blank_paper_has_no_candidate() -> None:
    blank = np.full((200, 300, 3), 220, np.uint8)
    found = search(blank, Reader().glyphs, Score.load())
    assert (found.chosen, found.rejected, found.rows) == ([], [], [])
