import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Event

import numpy as np
import pytest

from digitlens.capture import Shot, Wish
from digitlens.capture.feed import MAX_STUCK, Feed, Frame, State
from digitlens.capture.test_card import CardSource
from digitlens.errors import ImageError, SourceError
from waiting import capture_threads, until

MODULE = "digitlens.capture.feed"
DEADLINE = 20.0
SOON = 0.05
"""Seconds without a frame after which the sources of these tests count as lost."""

Step = int | np.ndarray | Exception | Event | None


class Script:
    """A source that plays one list of steps each time it is opened, and the last one ever after.

    A number is a frame of that grey, an exception is raised, an event waited for, None ends.
    An exception instead of a list fails to open.
    """

    name = "script"

    def __init__(
        self,
        *plays: Sequence[Step] | Exception | Event,
        is_live: bool = True,
        rate: float | None = None,
        frame_name: str = "",
    ) -> None:
        self.plays, self.is_live, self.rate, self.frame_name = plays, is_live, rate, frame_name
        self.opened: list[float] = []
        self.closed = 0

    def open(self) -> "Play":
        play = self.plays[min(len(self.opened), len(self.plays) - 1)]
        self.opened.append(time.monotonic())
        if isinstance(play, Exception):
            raise play
        if isinstance(play, Event):
            play.wait()
            raise SourceError("script was let go of")
        return Play(self, play)

    def release(self) -> None:
        for play in self.plays:
            for step in play if isinstance(play, Sequence) else [play]:
                if isinstance(step, Event):
                    step.set()


class Play:
    def __init__(self, script: Script, steps: Sequence[Step]) -> None:
        self.script, self.steps, self.place = script, list(steps), 0
        self.is_live, self.rate = script.is_live, script.rate or 30.0
        self.description = f"{len(steps)} steps"

    def read(self) -> Shot | None:
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, Event):
                step.wait()
                continue
            if isinstance(step, Exception):
                raise step
            if step is None:
                return None
            image = step if isinstance(step, np.ndarray) else np.full((4, 6, 3), step, np.uint8)
            place = None if self.script.rate is None else self.place / self.rate
            self.place += 1
            return Shot(image, place, self.script.frame_name)
        return None

    def close(self) -> None:
        self.script.closed += 1


@contextmanager
def feeding(script: Script, **options: float) -> Iterator[Feed]:
    feed = Feed(script, **options)  # type: ignore[arg-type]
    try:
        yield feed
    finally:
        script.release()
        feed.close()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(capture_threads())
    yield
    until(lambda: set(capture_threads()) <= before)


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE + ".FIRST_DELAY", 0.02)
    monkeypatch.setattr(MODULE + ".LAST_DELAY", 0.04)


def frame_of(feed: Feed) -> Frame:
    """Wait for the next frame, whatever happens in between."""
    deadline = time.monotonic() + DEADLINE
    while not (frame := feed.next(0.02)):
        assert time.monotonic() < deadline, feed.reason
        assert feed.state is not State.ENDED
    return frame


def grays(feed: Feed) -> list[int]:
    """Take every frame until the source ends."""
    found, deadline = [], time.monotonic() + DEADLINE
    while (frame := feed.next(0.02)) or not has_ended(feed):
        assert time.monotonic() < deadline
        found += [gray(frame)] if frame else []
    return found


def has_ended(feed: Feed) -> bool:
    return feed.state is State.ENDED


def gray(frame: Frame) -> int:
    return int(frame.image[0, 0, 0])


def test_of_a_live_source_only_the_newest_frame_is_given() -> None:
    held, more = Event(), Event()
    with feeding(Script([1, 2, 3, held, 4, more])) as feed:
        until(lambda: feed.captured == 3)
        frame = frame_of(feed)
        assert (gray(frame), frame.number, feed.dropped) == (3, 2, 2)
        assert feed.next(0.01) is None
        held.set()
        frame = frame_of(feed)
        assert (gray(frame), frame.number, feed.dropped) == (4, 3, 2)
        assert feed.captured == 4


@pytest.mark.parametrize("rate", [None, 1000.0])
def test_of_a_file_no_frame_is_dropped_however_slow_the_reader(rate: float | None) -> None:
    with feeding(Script(range(12), is_live=False, rate=rate)) as feed:
        found = []
        for number in range(12):
            time.sleep(0.01)
            frame = frame_of(feed)
            assert frame.number == number
            found.append(gray(frame))
        assert found == list(range(12))
        assert (feed.captured, feed.dropped) == (12, 0)
        until(lambda: feed.next(0.01) is None and has_ended(feed))


def test_a_fast_card_drops_nothing_and_waits_for_nothing() -> None:
    source = CardSource("test:1", Wish(160, 120, rate=0.01))
    with closing(Feed(source, fast=True)) as feed:
        frames = [frame_of(feed) for _ in range(20)]
        assert [frame.number for frame in frames] == list(range(20))
        assert [frame.time for frame in frames] == pytest.approx(range(0, 2000, 100))
        assert feed.dropped == 0


def test_a_card_at_its_own_rate_gives_the_newest_frame_alone() -> None:
    source = CardSource("test:1", Wish(160, 120, rate=200))
    with closing(Feed(source)) as feed:
        frame_of(feed)
        until(lambda: feed.captured > 10)
        assert frame_of(feed).number >= 10
        assert feed.dropped >= 9


@pytest.mark.usefixtures("short_delays")
def test_a_live_source_that_falls_silent_is_opened_again() -> None:
    hung, end = Event(), Event()
    script = Script([1, hung, 2], Event(), [3, end])
    assert isinstance(script.plays[1], Event)
    with feeding(script, patience=SOON) as feed:
        assert gray(frame_of(feed)) == 1
        assert (feed.reason, feed.trouble) == ("", "")
        until(lambda: feed.next(0.01) is None and feed.state is State.LOST)
        assert feed.reason == "script gives no picture"
        assert feed.trouble.startswith("script gives no picture; trying again ")
        until(lambda: feed.next(0.01) is None and len(script.opened) == 2)
        before = time.monotonic()
        assert feed.next(0.01) is None
        assert time.monotonic() - before < DEADLINE / 4
        assert feed.reason == "script gives no picture"
        script.plays[1].set()
        frame = frame_of(feed)
        assert (gray(frame), frame.number) == (3, 1)
        assert (feed.state, feed.reason, feed.trouble) == (State.RUNNING, "", "")

        assert len(capture_threads()) == 2
        hung.set()
        until(lambda: len(capture_threads()) == 1)
        assert (feed.captured, feed.dropped) == (2, 0)


@pytest.mark.usefixtures("short_delays")
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (None, "script gives no picture any more"),
        (SourceError("the cable is gone"), "the cable is gone"),
        (OSError("no such device"), "no such device"),
    ],
)
def test_a_live_source_that_fails_is_opened_again(step: Step, reason: str) -> None:
    end = Event()
    script = Script([1, step], SourceError("still gone"), [2, 3, end])
    with feeding(script) as feed:
        assert gray(frame_of(feed)) == 1
        until(lambda: feed.state is State.LOST)
        assert feed.reason == reason
        until(lambda: feed.next(0.01) is None and feed.reason == "still gone")
        assert gray(frame_of(feed)) in (2, 3)
        assert feed.reason == ""
        assert len(script.opened) == 3
        assert script.closed == 1


def test_delays_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE + ".FIRST_DELAY", 0.02)
    monkeypatch.setattr(MODULE + ".LAST_DELAY", 0.08)
    # Without an end to the doubling, this would take more than the deadline.
    gone, end = SourceError("gone"), Event()
    script = Script([1, None], *[gone] * 10, [2, end])
    with feeding(script) as feed:
        assert gray(frame_of(feed)) == 1
        assert gray(frame_of(feed)) == 2
    delays = np.diff(script.opened)
    assert (delays >= [0.02, 0.04, *[0.08] * 9]).all()


def test_delays_begin_anew_after_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE + ".FIRST_DELAY", 0.02)
    monkeypatch.setattr(MODULE + ".LAST_DELAY", 1000.0)
    # If they went on doubling, this would take more than the deadline.
    script = Script(*[[number, None] for number in range(12)], [99, Event()])
    with feeding(script) as feed:
        while (frame := frame_of(feed)) and gray(frame) != 99:
            pass
        assert frame.number == 12


@pytest.mark.usefixtures("short_delays")
def test_no_more_than_a_few_threads_hang_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE + ".OPENING", SOON)
    holds = [Event() for _ in range(12)]
    script = Script([1, holds[0]], *holds[1:])
    with feeding(script, patience=SOON) as feed:
        frame_of(feed)
        until(lambda: feed.next(0.01) or len(script.opened) > MAX_STUCK)
        for _ in range(20):
            assert feed.next(0.01 + SOON / 2) is None
        assert len(script.opened) == MAX_STUCK + 1
        holds[0].set()
        until(lambda: feed.next(0.01) or len(script.opened) == MAX_STUCK + 2)


def test_frames_may_change_their_size_and_be_gray() -> None:
    sizes = [(4, 6, 3), (8, 3, 3), (1, 1, 3), (5, 7)]
    images = [np.zeros(size, np.uint8) for size in sizes]
    with feeding(Script(images, is_live=False)) as feed:
        shapes = [frame_of(feed).image.shape for _ in sizes]
    assert shapes == [(4, 6, 3), (8, 3, 3), (1, 1, 3), (5, 7, 3)]


@pytest.mark.parametrize("is_live", [True, False])
def test_a_source_that_never_opens_raises(is_live: bool) -> None:
    with feeding(Script(SourceError("nobody answers"), is_live=is_live)) as feed:
        for _ in range(2):
            with pytest.raises(SourceError, match="nobody answers"):
                frame_of(feed)
        assert feed.state is State.ENDED
        assert len(feed.source.opened) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("play", [Event(), [Event()]])
def test_a_source_that_never_gives_a_frame_raises(
    play: Event | list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE + ".OPENING", 0.1)
    with feeding(Script(play)) as feed:
        with pytest.raises(SourceError, match="script gives no picture"):
            frame_of(feed)
        assert feed.state is State.ENDED


def test_a_live_source_that_ends_before_its_first_frame_raises() -> None:
    with feeding(Script([None])) as feed, pytest.raises(SourceError, match="no picture any more"):
        frame_of(feed)


@pytest.mark.parametrize("is_live", [True, False])
def test_a_damaged_frame_is_raised_and_the_next_follows(is_live: bool) -> None:
    first, second, end = Event(), Event(), Event()
    steps = [1, first, ImageError("torn"), second, 2, end]
    with feeding(Script(steps, is_live=is_live)) as feed:
        assert gray(frame_of(feed)) == 1
        first.set()
        with pytest.raises(ImageError, match="torn"):
            frame_of(feed)
        second.set()
        frame = frame_of(feed)
        assert (gray(frame), frame.number) == (2, 1)


@pytest.mark.parametrize("shape", [(4, 6, 2), (0, 6, 3), (4,)])
def test_a_frame_that_is_no_image_counts_as_damaged(shape: tuple[int, ...]) -> None:
    steps = [np.zeros(shape, np.uint8), 2]
    with feeding(Script(steps, is_live=False)) as feed:
        with pytest.raises(ImageError, match="not an image"):
            frame_of(feed)
        assert gray(frame_of(feed)) == 2


@pytest.mark.usefixtures("short_delays")
def test_a_live_source_that_hangs_after_a_damaged_frame_is_opened_again() -> None:
    hung, end = Event(), Event()
    with feeding(Script([1, ImageError("torn"), hung], [2, end]), patience=SOON) as feed:
        with pytest.raises(ImageError, match="torn"):
            grays(feed)
        assert gray(frame_of(feed)) == 2


@pytest.mark.usefixtures("short_delays")
def test_a_live_source_that_fails_after_a_damaged_frame_is_opened_again() -> None:
    end = Event()
    with feeding(Script([1, ImageError("torn"), None], [2, end])) as feed:
        with pytest.raises(ImageError, match="torn"):
            grays(feed)
        assert gray(frame_of(feed)) == 2


def test_a_damaged_first_image_waits_for_a_late_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitlens.capture.feed.OPENING", SOON)
    with feeding(Script([ImageError("torn"), 2, None], is_live=False)) as feed:
        time.sleep(3 * SOON)
        with pytest.raises(ImageError, match="torn"):
            frame_of(feed)
        assert gray(frame_of(feed)) == 2


@pytest.mark.usefixtures("short_delays")
def test_a_reader_that_pauses_loses_nothing_of_a_file_without_places() -> None:
    script = Script(range(10), is_live=False)
    with feeding(script, patience=SOON) as feed:
        assert gray(frame_of(feed)) == 0
        until(lambda: feed.captured == 2)
        time.sleep(4 * SOON)
        assert grays(feed) == list(range(1, 10))
        assert len(script.opened) == 1


def test_a_file_ends_after_its_last_frame() -> None:
    script = Script([1, 2, 3], is_live=False, rate=500)
    with feeding(script) as feed:
        assert grays(feed) == [1, 2, 3]
        before = time.monotonic()
        assert feed.next(10 * DEADLINE) is None
        assert time.monotonic() - before < DEADLINE
        assert feed.reason == ""
        assert (len(script.opened), script.closed) == (1, 1)


def test_a_file_that_fails_raises_after_its_last_frame() -> None:
    script = Script([1, 2, SourceError("torn")], is_live=False, rate=500)
    with feeding(script) as feed:
        assert [gray(frame_of(feed)) for _ in range(2)] == [1, 2]
        with pytest.raises(SourceError, match="torn"):
            frame_of(feed)
        assert has_ended(feed)
        assert script.closed == 1


@pytest.mark.parametrize("fast", [True, False])
def test_a_loop_begins_again_and_time_goes_on(fast: bool) -> None:
    script = Script([1, 2, 3], is_live=False, rate=200)
    with feeding(script, loop=True, fast=fast) as feed:
        frames = [frame_of(feed) for _ in range(8)]
        assert [gray(frame) for frame in frames] == [1, 2, 3, 1, 2, 3, 1, 2]
        assert [frame.number for frame in frames] == list(range(8))
        assert [frame.time for frame in frames] == pytest.approx(np.arange(8) / 200)
    assert len(script.opened) == script.closed >= 3  # it may be one ahead


def test_a_loop_of_nothing_ends() -> None:
    script = Script([], is_live=False)
    with feeding(script, loop=True) as feed:
        assert grays(feed) == []
        assert len(script.opened) == script.closed == 1


def test_a_loop_of_damaged_frames_alone_ends() -> None:
    script = Script([ImageError("torn")], is_live=False, rate=1000)
    with feeding(script, loop=True) as feed:
        with pytest.raises(ImageError, match="torn"):
            frame_of(feed)
        until(lambda: feed.next(0.01) is None and has_ended(feed))


def test_a_camera_is_never_read_frame_by_frame_even_if_fast() -> None:
    steps = [1, Event(), 2, 3, 4, Event()]
    script = Script(steps)
    with feeding(script, fast=True) as feed:
        frame_of(feed)
        steps[1].set()
        until(lambda: feed.captured == 4)
        assert frame_of(feed).number == 3
        steps[-1].set()


def test_frames_of_a_file_come_when_they_are_due() -> None:
    before = time.monotonic()
    with feeding(Script(range(6), is_live=False, rate=25)) as feed:
        frames = [frame_of(feed) for _ in range(6)]
        for number, frame in enumerate(frames):
            assert frame.time == pytest.approx(number / 25)
            assert frame.captured - before > number / 25 - 0.001
        until(lambda: feed.next(0.01) is None and has_ended(feed))
        # The last one is left as long as all others.
        assert time.monotonic() - before > 6 / 25 - 0.001


def test_time_and_number_of_live_frames_begin_with_the_first() -> None:
    steps = [Event(), 1, Event(), 2, Event()]
    with feeding(Script(steps)) as feed:
        time.sleep(0.05)
        frames = []
        for step in steps[:3:2]:
            assert isinstance(step, Event)
            time.sleep(0.05)
            step.set()
            frames.append(frame_of(feed))
    assert [frame.number for frame in frames] == [0, 1]
    assert frames[0].time == 0
    assert frames[1].time == frames[1].captured - frames[0].captured >= 0.05
    assert frames[1].captured <= time.monotonic()


@pytest.mark.parametrize(("given", "name"), [("", "script"), ("page.png", "page.png")])
def test_a_frame_has_the_name_of_its_file_or_source(given: str, name: str) -> None:
    with feeding(Script([1], is_live=False, frame_name=given)) as feed:
        assert frame_of(feed).name == name


def test_a_feed_says_what_its_source_gives() -> None:
    with feeding(Script([1, Event()], rate=12.5)) as feed:
        frame_of(feed)
        assert (feed.description, feed.rate, feed.state) == ("2 steps", 12.5, State.RUNNING)


@pytest.mark.parametrize(
    "script",
    [
        Script(range(100), is_live=False),  # waits until a frame is taken
        Script(range(100), is_live=False, rate=0.001),  # waits until a frame is due
        Script([1], is_live=False, rate=0.001),  # waits until the last frame was seen
    ],
)
def test_closing_ends_the_thread_and_lets_go_of_the_source(script: Script) -> None:
    feed = Feed(script)
    until(lambda: feed.captured)
    feed.close()
    assert not capture_threads()
    assert script.closed == 1
    assert feed.next(DEADLINE) is None
    assert feed.state is State.ENDED
    feed.close()


def test_closing_leaves_a_thread_that_hangs() -> None:
    script = Script([1, Event(), 2])
    feed = Feed(script, patience=SOON)
    frame_of(feed)
    feed.close()
    assert len(capture_threads()) == 1
    assert script.closed == 0
    script.release()
    until(lambda: script.closed == 1)
    assert (feed.captured, feed.state) == (1, State.ENDED)


@pytest.mark.usefixtures("short_delays")
def test_nothing_is_opened_after_closing() -> None:
    script = Script([1, None])
    feed = Feed(script)
    until(lambda: feed.state is State.LOST)
    feed.close()
    assert feed.next(0.1) is None
    assert len(script.opened) == 1
    assert has_ended(feed)
