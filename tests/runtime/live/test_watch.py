import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import digitlens
from digitlens import LiveReading, Reader
from digitlens.capture import Shot
from digitlens.capture.feed import Feed, State
from digitlens.capture.test_card import Card
from digitlens.contract import TAPS
from digitlens.errors import (
    ImageError,
    ModelError,
    NotFoundError,
    SourceError,
    UsageError,
)
from digitlens.live.meter import Meter
from digitlens.live.watch import Watch
from waiting import capture_threads, until

DEADLINE = 20.0


class Pictures:
    """A source of one's own: a file of pictures, 100 a second."""

    name = "pictures"

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        self.pictures = pictures
        self.closed = 0

    def open(self) -> "PicturesCapture":
        return PicturesCapture(self)


class PicturesCapture:
    is_live, rate, description = False, 100.0, "pictures"

    def __init__(self, source: Pictures) -> None:
        self.source, self.count = source, 0

    def read(self) -> Shot | None:
        if self.count == len(self.source.pictures):
            return None
        self.count += 1
        return Shot(self.source.pictures[self.count - 1], (self.count - 1) / self.rate)

    def close(self) -> None:
        self.source.closed += 1


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    until(lambda: not capture_threads())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two cards with other digits."""
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), Card(320, 240, 3).frame(1000 * number))
    return tmp_path


def small(**options: object) -> Watch:
    """Watch a small card with three digits."""
    return digitlens.watch("test:3", width=320, height=240, fast=True, **options)  # type: ignore[arg-type]


def first(readings: Watch, count: int) -> list[LiveReading]:
    return [reading for _, reading in zip(range(count), readings, strict=False)]


def test_a_loop_that_is_left_leaves_no_thread() -> None:
    for reading in digitlens.watch("test:", fast=True):
        if reading.frame == 2:
            break
    assert reading.text.replace("\n", "") == Card().text(2).replace("\n", "")
    until(lambda: not capture_threads())


def test_an_error_in_a_loop_lets_go_of_the_source() -> None:
    source = Pictures([Card(320, 240, 1).frame(0)] * 50)
    with pytest.raises(ZeroDivisionError):
        sum(1 / reading.frame for reading in digitlens.watch(source))
    until(lambda: not capture_threads())
    assert source.closed == 1


def test_with_closes_what_was_opened() -> None:
    with small() as readings:
        assert readings.feed.state is not State.ENDED
    assert readings.has_ended
    assert list(readings) == []
    assert not capture_threads()


def test_a_live_reading_knows_its_frame() -> None:
    with small(steady=False, rate=50) as readings:
        found = first(readings, 3)
    card = Card(320, 240, 3)
    assert [reading.frame for reading in found] == [0, 1, 2]
    assert [reading.time for reading in found] == pytest.approx([0, 0.02, 0.04])
    for reading in found:
        assert reading.source == "test:3"
        assert np.array_equal(reading.image, card.frame(reading.frame))
        assert (reading.width, reading.height) == (320, 240)
        assert reading.text == card.text(reading.frame)
        assert reading.age_ms >= reading.elapsed_ms > 0
        assert reading.taps is None
        assert isinstance(reading.dropped, tuple)
        assert {digit.track for digit in reading.digits} == {None}


def test_steadied_digits_are_followed_and_appear_with_the_third_frame() -> None:
    with small() as readings:
        found = first(readings, 6)
    assert [len(reading.digits) for reading in found] == [0, 0, 3, 3, 3, 3]
    assert len({tuple(digit.track for digit in reading.digits) for reading in found[2:]}) == 1
    assert None not in {digit.track for digit in found[-1].digits}


@pytest.mark.parametrize("steady", [True, False])
def test_taps_are_in_the_order_of_the_digits(steady: bool) -> None:
    with small(steady=steady, taps=True) as readings:
        found = first(readings, 4)
    for reading in found:
        assert reading.taps is not None
        assert set(reading.taps) == {tap.name for tap in TAPS}
        assert reading.taps["conv1"].dtype == np.float32
        assert reading.taps["conv1"].shape == (len(reading.digits), 6, 28, 28)
    last, reader = found[-1], Reader()
    assert last.taps is not None
    assert len(last.digits) == 3
    for number, digit in enumerate(last.digits):
        alone = reader.activations([digit])["conv3"][0]
        assert np.allclose(last.taps["conv3"][number], alone, atol=1e-5)


def test_images_are_not_steadied_unless_one_says_so(folder: Path) -> None:
    card = Card(320, 240, 3)
    for name in (folder, str(folder / "*.png")):
        found = list(digitlens.watch(name, fast=True))
        assert [reading.text for reading in found] == [card.text(1000), card.text(2000)]
        assert [Path(reading.source).name for reading in found] == ["1.png", "2.png"]
        assert [reading.time for reading in found] == [0, 1]
    found = list(digitlens.watch(folder, fast=True, steady=True))
    assert [reading.text for reading in found] == ["", ""]


def test_a_video_is_steadied_and_read_in_its_places(tmp_path: Path) -> None:
    path, card = tmp_path / "film.mp4", Card(320, 240, 3)
    video = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (320, 240)
    )
    for number in range(8):
        video.write(card.frame(number))
    video.release()
    found = list(digitlens.watch(path, fast=True))
    assert [reading.time for reading in found] == pytest.approx(np.arange(8) / 25, abs=0.002)
    assert [reading.text for reading in found[2:]] == [card.text(n) for n in range(2, 8)]
    again = first(digitlens.watch(path, fast=True, loop=True), 10)
    assert again[-1].time == pytest.approx(9 / 25, abs=0.002)


def test_a_damaged_image_in_a_folder_is_a_warning_and_the_next_follows(folder: Path) -> None:
    (folder / "1a.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"1a\.png: not an image") as warned:
        found = list(digitlens.watch(folder, fast=True))
    assert [Path(reading.source).name for reading in found] == ["1.png", "2.png"]
    assert [warning.filename for warning in warned] == [__file__]


def test_next_raises_where_the_loop_warns(folder: Path) -> None:
    (folder / "0.png").write_bytes(b"no image")
    with digitlens.watch(folder, fast=True) as readings:
        with pytest.raises(ImageError, match=r"0\.png") as error:
            readings.next(DEADLINE)
        assert error.value.source == str(folder / "0.png")
        reading = readings.next(DEADLINE)
        assert reading is not None
        assert Path(reading.source).name == "1.png"


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        ("missing.mp4", {}, NotFoundError),
        ("test:3", {"model": "missing.onnx"}, NotFoundError),
        ("test:3", {"model": __file__}, ModelError),
        ("test:3", {"provider": "abacus"}, UsageError),
        ("test:3", {"min_confidence": float("nan")}, UsageError),
        ("test:3", {"pixel_format": "MJPG"}, UsageError),
        (0, {"pixel_format": "JPEG1"}, UsageError),
    ],
)
def test_what_cannot_be_watched_raises_at_once_and_leaves_no_thread(
    source: str | int, options: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        digitlens.watch(source, **options)  # type: ignore[arg-type]
    assert not capture_threads()


@pytest.mark.parametrize("source", [987, "/dev/video987", "http://127.0.0.1:9/"])
def test_what_cannot_be_opened_raises_when_it_is_iterated_over(source: str | int) -> None:
    readings = digitlens.watch(source)
    with pytest.raises(SourceError, match=r"987|127"):
        next(iter(readings))
    assert readings.has_ended


def test_a_size_that_a_card_cannot_have_raises() -> None:
    with pytest.raises(UsageError, match="width is 10"):
        next(iter(digitlens.watch("test:", width=10)))


def test_a_source_that_never_gives_a_frame_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    class Silent(PicturesCapture):
        def read(self) -> None:
            held.wait()

    source = Pictures([])
    monkeypatch.setattr("digitlens.capture.feed.OPENING", 0.1)
    monkeypatch.setattr(source, "open", lambda: Silent(source))
    readings = digitlens.watch(source)
    try:
        with pytest.raises(SourceError, match="pictures gives no picture"):
            list(readings)
    finally:
        held.set()


@pytest.mark.parametrize("loop", [True, False])
def test_a_source_of_ones_own_is_read(loop: bool) -> None:
    card = Card(320, 240, 3)
    source = Pictures([card.frame(number) for number in range(6)])
    readings = digitlens.watch(source, fast=True, loop=loop)
    found = first(readings, 9) if loop else list(readings)
    assert [reading.frame for reading in found] == list(range(9 if loop else 6))
    assert {reading.source for reading in found} == {"pictures"}
    assert [reading.text for reading in found[2:]] == [card.text(0)] * len(found[2:])
    until(lambda: source.closed == (2 if loop else 1))


def test_frames_of_a_wrong_type_do_not_go_on_for_ever() -> None:
    picture = Card(320, 240, 1).frame(0)
    source = Pictures([picture, (picture / 255).astype(np.float32), picture])
    caught, found = [], []
    with digitlens.watch(source, steady=False) as readings:
        while not readings.has_ended and len(caught) < 5:
            try:
                found.append(readings.next(DEADLINE))
            except ImageError as error:
                caught.append(str(error))
    assert len(caught) == 1
    assert caught[0].startswith("not an image: float32")
    assert [reading.text for reading in found if reading] == ["1", "1"]


def test_a_frame_that_waits_comes_still() -> None:
    with digitlens.watch(Pictures([Card(320, 240, 1).frame(0)]), fast=True) as readings:
        until(lambda: not capture_threads())
        assert not readings.has_ended
        assert readings.next(DEADLINE) is not None
        assert readings.next(DEADLINE) is None
        assert readings.has_ended


def test_readings_as_dictionaries_have_what_images_have_and_their_frame() -> None:
    with small(steady=False, taps=True) as readings:
        reading = first(readings, 2)[-1]
    found = reading.to_dict()
    still = Reader().read(reading.image).to_dict()
    assert list(found) == ["source", "frame", "time", "age_ms", *still]
    assert json.loads(json.dumps(found)) == found
    assert {**still, "elapsed_ms": found["elapsed_ms"]} == {key: found[key] for key in still}
    assert (found["frame"], found["source"]) == (1, "test:3")
    assert found["time"] == pytest.approx(1 / 30, abs=1e-4)
    assert found["age_ms"] == pytest.approx(reading.age_ms, abs=1e-3)


def test_a_reader_of_ones_own_is_used() -> None:
    feed = Feed(Pictures([Card(320, 240, 3).frame(0)]), fast=True)
    with Watch(feed, Reader(min_confidence=1.01), steady=False) as readings:
        assert [reading.text.replace("\n", "") for reading in readings] == ["???"]
    assert readings.provider == "cpu"


def test_rates_are_measured_while_frames_are_read() -> None:
    before = time.monotonic()
    with small() as readings:
        found = first(readings, 12)
        recent, overall = readings.meter.recent(), readings.meter.overall()
    seconds = time.monotonic() - before
    for stats in (recent, overall):
        assert stats.processed > 0
        assert stats.captured > 0
        assert stats.cpu > 0
        assert stats.dropped == 0
    assert overall.processed >= 12 / seconds
    assert overall.captured >= overall.processed
    ages = [reading.age_ms for reading in found]
    assert min(ages) <= overall.age_ms <= max(ages)
    for word in ("captured", "read", "dropped 0", "age", "CPU"):
        assert word in str(overall)


def test_dropped_frames_are_counted() -> None:
    card = Card(320, 240, 1)
    with digitlens.watch("test:1", width=320, height=240, rate=200) as readings:
        first_reading = readings.next(DEADLINE)
        assert first_reading is not None
        until(lambda: readings.feed.captured > 20)
        reading = readings.next(DEADLINE)
        assert reading is not None
        assert reading.frame >= 20
        assert np.array_equal(reading.image, card.frame(reading.frame))
        stats = readings.meter.overall()
        assert stats.dropped >= 19
        assert stats.captured > stats.processed > 0


def test_old_rates_are_forgotten_and_all_frames_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("digitlens.live.meter.SPAN", 0.05)
    with small() as readings:
        begun = time.monotonic()
        meter = Meter(readings.feed)
        for _ in range(5):
            meter.count(900.0)
        time.sleep(0.1)
        for _ in range(5):
            meter.count(100.0)
        overall, seconds = meter.overall(), time.monotonic() - begun
        assert 10 / seconds <= overall.processed <= 10 / 0.1
        assert meter.recent().age_ms == overall.age_ms == 100
