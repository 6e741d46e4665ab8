import cv2
import numpy as np
import pytest

from digitlens.vision import candidates
from digitlens.vision.candidates import Pool, cuts, find
from digitlens.vision.component import Component
from digitlens.vision.foreground import separate
from foregrounds import LEAST, canvas, drawn

Read = candidates.Read


def unread(components: list[Component]) -> tuple[np.ndarray, np.ndarray]:
    """Return equal probabilities, so that every way to see the ink is tried."""
    count = len(components)
    return np.zeros((count, 32, 32), np.float32), np.full((count, 10), 0.1, np.float32)


def found(ink: np.ndarray) -> Pool:
    return find(separate(cv2.cvtColor(255 - ink, cv2.COLOR_GRAY2BGR)), unread)


def is_found(pool: Pool, ink: np.ndarray) -> bool:
    """Whether a candidate has nearly these pixels and no others."""
    for candidate in pool.candidates:
        mask = np.zeros_like(ink)
        mask[candidate.window] = candidate.mask
        common = np.count_nonzero(mask & (ink > 0))
        if common > 0.85 * max(np.count_nonzero(mask), np.count_nonzero(ink > 127)):
            return True
    return False


def test_two_round_digits_that_touch_are_split_in_their_ridge() -> None:
    ink = canvas()
    cv2.circle(ink, (60, 60), 30, 200, 8)
    cv2.circle(ink, (124, 60), 30, 200, 8)
    (component,) = drawn(ink)
    columns = cuts(component)
    assert columns[0] == 0
    assert columns[-1] == component.width
    assert any(abs(component.left + column - 92) <= 4 for column in columns)
    left = component.columns(0, 92 - component.left, LEAST)
    assert left is not None
    assert left.right <= 92


@pytest.mark.parametrize("width", [2, 5, 9, 14, 20, 28, 36])
@pytest.mark.parametrize("height", [80, 150, 300])
def test_a_stroke_of_any_width_is_one_candidate(width: int, height: int) -> None:
    """An 8 keeps its crossing and its holes, whatever the brush."""
    width = min(width, height // 6)
    ink = np.zeros((360, 640), np.uint8)
    upper, lower = (320, 180 - height // 4), (320, 180 + height // 4)
    for middle in (upper, lower):
        cv2.ellipse(ink, middle, (height // 4, height // 4), 0, 0, 360, 255, width, cv2.LINE_AA)
    assert is_found(found(ink), ink)


@pytest.mark.parametrize("width", [40, 50, 60])
def test_a_brush_as_wide_as_a_digit_allows_is_one_candidate(width: int) -> None:
    ink = np.zeros((360, 640), np.uint8)
    cv2.ellipse(ink, (320, 180), (90, 130), 0, 0, 360, 255, width, cv2.LINE_AA)
    assert is_found(found(ink), ink)


def test_strokes_that_are_apart_are_merged_too() -> None:
    ink = np.zeros((240, 320), np.uint8)
    cv2.line(ink, (120, 70), (190, 68), 255, 8)
    cv2.ellipse(ink, (150, 140), (40, 50), 0, -120, 130, 255, 8)
    pool = found(ink)
    assert is_found(pool, ink)
    assert {"piece", "merge"} <= set(pool.kinds)


def test_a_digit_on_a_line_is_a_candidate_without_it() -> None:
    digit, line = np.zeros((2, 240, 320), np.uint8)
    cv2.ellipse(digit, (150, 120), (40, 60), 0, 0, 360, 255, 8)
    cv2.line(line, (20, 178), (300, 182), 255, 3)
    assert is_found(found(digit | line), digit)


def test_a_framed_digit_is_a_candidate_of_its_own() -> None:
    digit, frame = np.zeros((2, 240, 320), np.uint8)
    cv2.ellipse(digit, (150, 120), (40, 60), 0, 0, 360, 255, 8)
    cv2.rectangle(frame, (60, 30), (240, 210), 255, 5)
    assert is_found(found(digit | frame), digit)


def test_a_certain_candidate_is_left_as_it_is() -> None:
    def certain(components: list[Component]) -> tuple[np.ndarray, np.ndarray]:
        glyphs, probabilities = unread(components)
        probabilities[:, 3] = 0.95
        return glyphs, probabilities

    picture = np.full((240, 320, 3), 230, np.uint8)
    cv2.putText(picture, "3", (140, 140), cv2.FONT_HERSHEY_SIMPLEX, 2, (30, 30, 30), 4)
    pool = find(separate(picture), certain)
    assert pool.kinds == ["piece"]


def test_no_two_candidates_are_the_same() -> None:
    random = np.random.default_rng(0)
    picture = (np.kron(random.random((60, 80)) > 0.7, np.ones((4, 4))) * 200).astype(np.uint8)
    pool = found(picture)
    keys = {(c.left, c.top, c.mask.tobytes()) for c in pool.candidates}
    assert len(keys) == len(pool.candidates) > 20
    assert pool.kinds.count("piece") <= candidates.MAX_COMPONENTS * 8


@pytest.mark.parametrize(("confidence", "looks"), [(0.98, 2), (0.995, 1)])
def test_unclear_component_is_seen_with_faint_ends(confidence: float, looks: int) -> None:
    """Its edges belong to the second look, which is no longer than the first."""
    ink = canvas()
    cv2.circle(ink, (60, 60), 30, 60, 10)
    cv2.circle(ink, (60, 60), 30, 200, 6)

    def read(components: list[Component]) -> tuple[np.ndarray, np.ndarray]:
        glyphs, probabilities = unread(components)
        probabilities[:, 0] = confidence
        return glyphs, probabilities

    foreground = separate(cv2.cvtColor(255 - ink, cv2.COLOR_GRAY2BGR))
    pool = find(foreground, read)
    assert len({candidate.area for candidate in pool.candidates}) == looks
