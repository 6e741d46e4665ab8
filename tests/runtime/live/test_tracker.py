from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from digitlens import Digit, Reader, Reading
from digitlens.capture.test_card import Card
from digitlens.live.tracker import APPEARING, MISSING, Tracker

LABELS = tuple(range(10))


def digit(
    label: int,
    left: float = 0,
    top: float = 100,
    width: int = 30,
    height: int = 40,
    confidence: float = 0.99,
    reason: str = "",
) -> Digit:
    probabilities = np.full(10, (1 - confidence) / 9, np.float32)
    probabilities[label] = confidence
    return Digit(
        label=label,
        confidence=confidence,
        sure=not reason,
        box=(round(left), round(top), width, height),
        line=0,
        glyph=np.full((32, 32), label / 10, np.float32),
        probabilities=probabilities,
        reason=reason,
    )


def text(digits: Sequence[Digit]) -> str:
    return Reading(1, 1, tuple(digits), 0).text


def tracks(digits: Sequence[Digit]) -> list[int | None]:
    return [each.track for each in digits]


def watched(*labels: int, tracker: Tracker | None = None) -> Tracker:
    """Give a tracker that has seen digits side by side long enough to show them."""
    tracker = tracker or Tracker(LABELS, 0.8)
    for _ in range(10):
        shown = tracker.steady([digit(label, 100 * i) for i, label in enumerate(labels)])
    assert [each.label for each in shown] == list(labels)
    return tracker


def spoilt(digits: Sequence[Digit], random: np.random.Generator) -> list[Digit]:
    """Leave a digit out in one frame of eight, and misread one in another of eight."""
    found, number, fault = list(digits), random.integers(len(digits)), random.integers(8)
    if fault == 0:
        del found[number]
    elif fault == 1:
        wrong = np.full(10, 0.01, np.float32)
        wrong[(found[number].label + 5) % 10] = 0.91
        label = int(wrong.argmax())
        found[number] = replace(
            found[number], label=label, confidence=0.91, probabilities=wrong, sure=True
        )
    return found


def test_a_spoilt_pattern_shows_no_wrong_label_and_is_calm() -> None:
    card, reader, random = Card(320, 240, noise=10), Reader(), np.random.default_rng(0)
    tracker = Tracker(reader.contract.labels, reader.min_confidence)
    raw, shown, truth = [], [], []
    for number in range(300):
        digits = reader.read(card.frame(number)).digits
        given = spoilt(digits, random) if number > 10 else digits
        raw.append(text(given))
        shown.append(text(tracker.steady(given)))
        truth.append(card.text(number))
    assert shown[: APPEARING - 1] == [""] * (APPEARING - 1)

    settled = [i for i in range(APPEARING - 1, 300) if all(card.settled(i))]
    assert len(settled) > 200
    for i in settled:  # a misread digit is unsure, and one that is left out stays
        pairs = list(zip(shown[i], truth[i], strict=True))
        wrong = [label for label, true in pairs if label != true]
        assert wrong in ([], ["?"])
        assert not wrong or raw[i] != truth[i]
    unsure = sum("?" in shown[i] for i in settled)
    spoilt_frames = sum(raw[i] != truth[i] for i in settled)
    assert 0 < unsure < spoilt_frames


def test_a_digit_appears_with_the_third_frame_that_agrees() -> None:
    tracker = Tracker(LABELS, 0.8)
    assert [text(tracker.steady([digit(7)])) for _ in range(4)] == ["", "", "7", "7"]


def test_what_is_seen_in_one_frame_of_two_does_not_appear() -> None:
    tracker = Tracker(LABELS, 0.8)
    for _ in range(10):
        assert tracker.steady([digit(7)]) == ()
        assert tracker.steady([]) == ()


def test_a_digit_disappears_after_five_frames_without_it() -> None:
    tracker = watched(4, 2)
    assert [text(tracker.steady([digit(4)])) for _ in range(6)] == ["42"] * 4 + ["4"] * 2
    tracker = watched(4)
    assert [text(tracker.steady([])) for _ in range(5)] == ["4"] * 4 + [""]


def test_a_digit_that_is_missing_for_four_frames_stays_the_same() -> None:
    tracker = watched(4)
    track = tracker.steady([digit(4)])[0].track
    for _ in range(5):
        for _ in range(MISSING - 1):
            assert tracks(tracker.steady([])) == [track]
        shown = tracker.steady([digit(4)])
        assert (tracks(shown), text(shown)) == ([track], "4")


@pytest.mark.parametrize(("confidence", "meanwhile"), [(0.6, "7"), (0.9, "?"), (1.0, "?")])
def test_one_misread_frame_makes_one_unsure_frame(confidence: float, meanwhile: str) -> None:
    reason = "" if confidence >= 0.8 else "not sure"
    tracker = watched(7)
    for _ in range(6):
        misread = tracker.steady([digit(1, confidence=confidence, reason=reason)])
        assert (text(misread), misread[0].label) == (meanwhile, 7)
        for _ in range(4):
            after = tracker.steady([digit(7)])
            assert (text(after), tracks(after)) == ("7", tracks(misread))


@pytest.mark.parametrize("confidence", [0.8, 0.9, 1.0])
def test_one_misread_frame_is_outvoted_by_weaker_ones(confidence: float) -> None:
    tracker = Tracker(LABELS, 0.8)
    for _ in range(40):
        tracker.steady([digit(7, confidence=0.9)])
    misread = tracker.steady([digit(1, confidence=confidence)])
    assert (text(misread), misread[0].label) == ("?", 7)
    assert misread[0].confidence < 0.5
    assert text(tracker.steady([digit(7, confidence=0.9)])) == "7"


@pytest.mark.parametrize("frames", [3, 10, 1000])
@pytest.mark.parametrize("confidence", [0.85, 0.99, 1.0])
def test_two_agreeing_frames_switch_the_label(frames: int, confidence: float) -> None:
    tracker = Tracker(LABELS, 0.8)
    for _ in range(frames):
        before = tracker.steady([digit(7, confidence=1.0)])
    shown = [tracker.steady([digit(1, confidence=confidence)]) for _ in range(10)]
    assert [text(each) for each in shown] == ["?"] + ["1"] * 9
    assert shown[1][0].confidence == pytest.approx(confidence, abs=0.01)
    assert {each for digits in shown for each in tracks(digits)} == set(tracks(before))


def test_two_agreeing_frames_around_missing_ones_switch_the_label() -> None:
    tracker = watched(7)
    seen = ([digit(1)], [], [], [digit(1)])
    assert [text(tracker.steady(digits)) for digits in seen] == ["?", "?", "?", "1"]


def test_a_label_that_changes_to_a_weak_one_is_not_shown_surely() -> None:
    tracker = watched(7)
    weak = digit(1, confidence=0.7, reason="not sure: 0.7 is below 0.8")
    shown = [tracker.steady([weak])[0] for _ in range(5)]
    assert [each.sure for each in shown] == [True] + [False] * 4
    assert [each.label for each in shown] == [7] + [1] * 4
    assert shown[-1].confidence == pytest.approx(0.7, abs=0.01)


def test_frames_that_agree_with_nothing_leave_an_unsure_label() -> None:
    tracker = watched(7)
    shown = [tracker.steady([digit(label)])[0] for label in (1, 2, 3, 4, 5)]
    assert [each.sure for each in shown] == [False] * 5
    assert {each.label for each in shown} == {7}
    assert text(tracker.steady([digit(5)])) == "5"


def test_probabilities_stay_probabilities_whatever_the_network_gives() -> None:
    random, tracker = np.random.default_rng(0), Tracker(LABELS, 0.8)
    seen = agreeing = 0
    for number in range(200):
        probabilities = random.dirichlet(np.full(10, 0.1)).astype(np.float32)
        if number % 7 == 0:
            probabilities = np.eye(10, dtype=np.float32)[number % 10]
        best, confidence = int(probabilities.argmax()), float(probabilities.max())
        given = digit(best, confidence=confidence, reason="" if confidence >= 0.8 else "not sure")
        for each in tracker.steady([replace(given, probabilities=probabilities)]):
            assert each.probabilities.dtype == np.float32
            assert each.probabilities.sum() == pytest.approx(1, abs=1e-5)
            assert 0 <= each.confidence <= 1
            assert each.confidence == pytest.approx(each.probabilities[each.label])
            assert each.sure == (each.confidence >= 0.8)
            if not given.sure or given.label == each.label:
                assert each.label == each.probabilities.argmax()
                agreeing += 1
            seen += 1
    assert seen > agreeing > 50


def test_steady_evidence_makes_no_digit_surer_than_its_frames() -> None:
    tracker = Tracker(LABELS, 0.8)
    for _ in range(50):
        shown = tracker.steady([digit(7, confidence=0.6)])
    assert shown[0].confidence == pytest.approx(0.6, abs=0.01)
    assert (shown[0].sure, text(shown)) == (False, "?")


def test_digits_that_cross_keep_their_numbers() -> None:
    tracker = Tracker(LABELS, 0.8)
    numbers: dict[int, set[int | None]] = {3: set(), 8: set()}
    for step in range(41):
        # Shown from the third frame on; they meet, one a little above the other, at step 20.
        shown = tracker.steady([digit(3, 100 + 10 * step), digit(8, 500 - 10 * step, 112)])
        for each in shown:
            numbers[each.label].add(each.track)
    assert len(shown) == 2
    assert [len(each) for each in numbers.values()] == [1, 1]
    assert numbers[3] != numbers[8]
    left_to_right = sorted(shown, key=lambda each: each.box[0])
    assert [each.label for each in left_to_right] == [8, 3]


@pytest.mark.parametrize(("across", "down"), [(15, 0), (0, 20), (-14, -14)])
def test_a_digit_that_moves_by_half_its_size_keeps_its_number(across: int, down: int) -> None:
    tracker = watched(7)
    before = tracks(tracker.steady([digit(7)]))
    for step in range(1, 20):
        shown = tracker.steady([digit(7, step * across, 100 + step * down)])
        assert (tracks(shown), text(shown)) == (before, "7")
    assert shown[0].box[:2] == (19 * across, 100 + 19 * down)


def test_neighbours_that_tremble_keep_their_numbers() -> None:
    tracker = Tracker(LABELS, 0.8)
    before = None
    for step in range(20):
        shift = 8 * (step % 2)
        shown = tracker.steady([digit(label, 36 * label + shift) for label in range(6)])
        if step >= APPEARING:
            before = before or tracks(shown)
            assert tracks(shown) == before
    assert text(shown) == "012345"


def test_a_digit_far_away_or_of_another_size_is_another_one() -> None:
    for other in (digit(7, 300), digit(7, 90, 90, 90, 120)):
        tracker = watched(7)
        before = tracks(tracker.steady([digit(7)]))
        for _ in range(MISSING + APPEARING):
            shown = tracker.steady([other])
        assert len(shown) == 1
        assert tracks(shown) != before


def test_a_digit_that_another_one_covers_is_not_shown_twice() -> None:
    tracker = watched(7)
    counts = []
    for _ in range(10):
        # Twice as large and more, so it cannot be the same digit.
        counts.append(len(tracker.steady([digit(3, -30, 80, 90, 100)])))
    assert set(counts) <= {0, 1}
    assert counts[-1] == 1


def test_a_tracker_obeys_the_order_of_the_models_labels() -> None:
    labels = (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
    tracker = Tracker(labels, 0.8)
    for _ in range(APPEARING):
        shown = tracker.steady([replace(digit(2), label=7)])
    assert (shown[0].label, text(shown)) == (7, "7")


def test_a_digit_that_is_not_sure_has_a_reason() -> None:
    tracker = Tracker(LABELS, 0.8)
    for _ in range(5):
        shown = tracker.steady([digit(7, confidence=0.6, reason="not sure: 0.6 is below 0.8")])
    assert shown[0].reason == "not sure: 0.6 is below 0.8"
    assert not shown[0].sure

    tracker = Tracker(LABELS, 0.8)
    for number in range(30):  # sure in each frame, but not of the same label
        shown = tracker.steady([digit((7, 7, 1)[number % 3], confidence=0.82)])
    assert (shown[0].label, shown[0].sure) == (7, False)
    assert shown[0].reason

    sure = watched(7).steady([digit(7)])
    assert [each.reason for each in sure] == [""]


def test_a_digit_that_is_another_one_in_every_other_frame_becomes_unsure() -> None:
    tracker = watched(7)
    for number in range(60):
        shown = tracker.steady([digit((1, 7)[number % 2])])
    assert text(shown) == "?"
    assert shown[0].confidence < 0.8


def test_rows_and_order_come_from_the_boxes_not_from_the_numbers() -> None:
    tracker = Tracker(LABELS, 0.8)
    digits = [digit(3, 100, 100), digit(4, 200, 100), digit(1, 100, 0), digit(2, 200, 0)]
    for number in range(4):
        shown = tracker.steady(digits[number % 4 :] + digits[: number % 4])
    assert text(shown) == "12\n34"
    assert [each.line for each in shown] == [0, 0, 1, 1]


def test_a_box_that_trembles_stays_and_one_that_moves_follows() -> None:
    tracker = watched(7)
    boxes = {tracker.steady([digit(7, number % 2)])[0].box for number in range(10)}
    assert boxes == {(0, 100, 30, 40)}
    assert tracker.steady([digit(7, 8)])[0].box == (8, 100, 30, 40)


def test_no_digits_are_none() -> None:
    tracker = Tracker(LABELS, 0.8)
    assert tracker.steady([]) == ()
    assert tracker.steady([]) == ()
