from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from digitlens import Digit, LiveReading, Reader
from digitlens.capture.test_card import Card
from digitlens.errors import UsageError
from digitlens.live.stage import TAPS, Stage
from digitlens.session import Session


class Counting:
    """A session that remembers which outputs it was asked for, and for how many glyphs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.runs: list[tuple[int, tuple[str, ...]]] = []

    def run(
        self, glyphs: np.ndarray, outputs: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        self.runs.append((len(glyphs), tuple(outputs or ())))
        return self._session.run(glyphs, outputs)

    def __getattr__(self, name: str) -> object:
        return getattr(self._session, name)


@pytest.fixture(scope="module")
def shared() -> Reader:
    return Reader()


@pytest.fixture
def reader(shared: Reader) -> Iterator[Reader]:
    session = shared.session
    shared.session = Counting(session)  # type: ignore[assignment]
    yield shared
    shared.session = session


@pytest.fixture(scope="module")
def reading(shared: Reader) -> LiveReading:
    """Three digits in a row, as they are before they are followed."""
    image = Card(320, 240, 3).frame(0)
    found = shared.read(image)
    assert len(found.digits) == 3
    return LiveReading(
        width=320,
        height=240,
        digits=found.digits,
        elapsed_ms=1.0,
        source="test:",
        image=image,
        frame=0,
        time=0.0,
        age_ms=1.0,
    )


def with_tracks(reading: LiveReading, *tracks: int) -> LiveReading:
    """Give the reading with as many of its digits, followed under these numbers."""
    digits: list[Digit] = [
        replace(digit, track=track) for digit, track in zip(reading.digits, tracks, strict=False)
    ]
    return replace(reading, digits=tuple(digits))


def shown(stage: Stage, reading: LiveReading) -> list[str]:
    return [tap.name for tap, _ in stage.scene(reading, []).taps]


def runs(reader: Reader) -> list[tuple[int, tuple[str, ...]]]:
    session = reader.session
    assert isinstance(session, Counting)
    done, session.runs = session.runs, []
    return done


def test_choosing_the_next_digit_goes_round(reader: Reader, reading: LiveReading) -> None:
    for followed in (reading, with_tracks(reading, 9, 4, 6)):
        stage = Stage(reader)
        chosen = [stage.chosen(followed)]
        for _ in range(4):
            stage.choose_next(followed)
            chosen.append(stage.chosen(followed))
        assert chosen == [0, 1, 2, 0, 1]


def test_a_click_chooses_the_digit_under_it_and_beside_all_nothing(
    reader: Reader, reading: LiveReading
) -> None:
    stage, followed = Stage(reader), with_tracks(reading, 9, 4, 6)
    for number in (2, 0, 1):
        left, top, width, height = reading.digits[number].box
        stage.choose_at(followed, left + width / 2, top + height / 2)
        assert stage.chosen(followed) == number
    for x, y in ((1, 1), (319, 239), (-50, 1e6)):
        stage.choose_at(followed, x, y)
        assert stage.chosen(followed) == 1
    left, top, width, height = reading.digits[2].box
    stage.choose_at(followed, left - 1, top)
    assert stage.chosen(followed) == 1
    stage.choose_at(followed, left, top)
    assert stage.chosen(followed) == 2


def test_the_chosen_digit_stays_chosen_while_others_come_and_go(
    reader: Reader, reading: LiveReading
) -> None:
    stage = Stage(reader)
    stage.choose_next(with_tracks(reading, 9, 4, 6))
    assert stage.chosen(with_tracks(reading, 9, 4, 6)) == 1
    assert stage.chosen(with_tracks(reading, 4, 6)) == 0
    assert stage.chosen(with_tracks(reading, 1, 2, 4)) == 2


def test_without_the_chosen_digit_the_first_is_chosen_until_it_is_back(
    reader: Reader, reading: LiveReading
) -> None:
    stage = Stage(reader)
    stage.choose_next(with_tracks(reading, 9, 4, 6))
    assert stage.chosen(with_tracks(reading, 9, 6)) == 0
    assert stage.chosen(with_tracks(reading)) is None
    assert stage.chosen(with_tracks(reading, 9, 4, 6)) == 1


def test_where_there_is_nothing_to_choose_nothing_is_chosen(
    reader: Reader, reading: LiveReading
) -> None:
    stage, empty = Stage(reader), with_tracks(reading)
    stage.choose_next(empty)
    stage.choose_at(empty, 100, 100)
    assert stage.chosen(empty) is None
    scene = stage.scene(empty, [])
    assert (scene.chosen, list(scene.taps)) == (None, [])
    assert stage.chosen(reading) == 0


def test_the_usual_taps_are_those_of_the_user_or_the_first_ones(
    reader: Reader, reading: LiveReading
) -> None:
    assert shown(Stage(reader), reading) == list(TAPS)
    assert shown(Stage(reader, ["pool2", "conv1"]), reading) == ["pool2", "conv1"]


def test_a_tap_is_shown_alone_and_with_the_same_key_the_usual_ones_again(
    reader: Reader, reading: LiveReading
) -> None:
    stage, names = Stage(reader), [tap.name for tap in reader.contract.taps]
    for number, name in enumerate(names, 1):
        stage.show_tap(number)
        assert shown(stage, reading) == [name]
    stage.show_tap(len(names))
    assert shown(stage, reading) == list(TAPS)
    stage.show_tap(1)
    for number in (len(names) + 1, 99):
        stage.show_tap(number)
        assert shown(stage, reading) == [names[0]]


def test_showing_a_tap_turns_the_maps_on(reader: Reader, reading: LiveReading) -> None:
    stage = Stage(reader)
    stage.shows_maps = False
    stage.show_tap(2)
    assert len(shown(stage, reading)) == 1


def test_a_tap_that_the_model_has_not_is_refused(reader: Reader) -> None:
    with pytest.raises(UsageError, match="no tap 'conv9': the model has conv1, ") as error:
        Stage(reader, ["conv1", "conv9"])
    assert all(tap.name in str(error.value) for tap in reader.contract.taps)


def test_taps_are_those_of_the_chosen_digit(reader: Reader, reading: LiveReading) -> None:
    stage = Stage(reader)
    stage.choose_next(reading)
    scene = stage.scene(reading, [])
    expected = reader.activations(reading.digits)
    for tap, activation in scene.taps:
        assert activation.shape == tap.shape
        assert np.allclose(activation, expected[tap.name][1], atol=1e-5)


def test_only_the_taps_that_are_shown_are_computed_and_only_for_one_digit(
    reader: Reader, reading: LiveReading
) -> None:
    stage = Stage(reader)
    runs(reader)
    stage.scene(reading, [])
    assert runs(reader) == [(1, TAPS)]
    stage.show_tap(3)
    stage.scene(reading, [])
    assert runs(reader) == [(1, (reader.contract.taps[2].name,))]
    stage.shows_maps = False
    scene = stage.scene(reading, [])
    assert runs(reader) == []
    assert (scene.chosen, list(scene.taps)) == (0, [])


def test_the_finder_is_explained_only_while_that_is_on(
    reader: Reader, reading: LiveReading
) -> None:
    stage = Stage(reader)
    assert len(stage.scene(reading, []).steps) == 0
    stage.explains = True
    steps, expected = stage.scene(reading, []).steps, reader.read_with_steps(reading.image)[1]
    assert [title for title, _ in steps] == [title for title, _ in expected]
    assert len(steps) > 1
    for (_, picture), (_, other) in zip(steps, expected, strict=True):
        assert np.array_equal(picture, other)


def test_a_scene_takes_over_lines_and_keys(reader: Reader, reading: LiveReading) -> None:
    stage, lines = Stage(reader), [("paused", (1, 2, 3))]
    assert not stage.scene(reading, lines).shows_keys
    stage.shows_keys = True
    scene = stage.scene(reading, lines)
    assert (scene.reading, scene.lines, scene.shows_keys) == (reading, lines, True)
