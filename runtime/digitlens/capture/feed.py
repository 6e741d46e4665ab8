"""The thread between a source and whoever looks at its frames.

Of a live source it keeps the newest frame alone, so that nobody sees an old one; of a file it
keeps every frame until it is taken. A live source that falls silent is closed and opened again.
"""

import atexit
import math
import threading
import time
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from digitlens import sources
from digitlens.capture.source import USUAL_RATE, Capture, Shot, Source
from digitlens.errors import ImageError, SourceError

PATIENCE = 2.0
"""Seconds without a frame after which a live source counts as lost."""
OPENING = 12.0
"""Seconds until the first frame after which opening a source counts as failed."""
FIRST_DELAY, LAST_DELAY = 0.5, 10.0
"""Seconds until a lost source is opened again; they double with every failure."""
MAX_STUCK = 3
"""Threads that may hang in a driver; with more of them nothing is opened until one comes back."""
_TICK = 0.1
_LATE = 0.1
"""Seconds by which a file may be late and still catch up."""


class State(Enum):
    """What a feed is doing."""

    OPENING = "opening"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a source.

    Attributes:
        image: uint8 `[h, w, 3]`, blue, green, red.
        number: counts every frame that the source gave, from 0; dropped ones leave gaps.
        time: seconds since the source's first frame; in a file, its place there.
        captured: `time.monotonic()` when it came.
        name: of the source, or of the image file.
    """

    image: NDArray[np.uint8]
    number: int
    time: float
    captured: float
    name: str


class Feed:
    """Frames of a source, which a thread reads.

    Args:
        source: what is opened, at once.
        fast: take the frames of a file or of the test card as fast as they are asked for, instead
            of at their own rate.
        loop: begin a source that ends again.
        patience: seconds without a frame after which a live source counts as lost.

    Attributes:
        state: what it is doing.
        description: what the source really gives.
        rate: its frames a second, as far as it knows.
        captured, dropped: how many frames came, and how many of them nobody took.
        reason: why no frames come, empty while they do.
    """

    def __init__(
        self,
        source: Source,
        *,
        fast: bool = False,
        loop: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self.source, self.fast, self.loop, self.patience = source, fast, loop, patience
        self.state, self.description, self.rate = State.OPENING, "", USUAL_RATE
        self.captured = self.dropped = 0
        self._condition = threading.Condition()
        self._slot: Frame | ImageError | None = None
        self._error: Exception | None = None
        self.reason, self._delay, self._retry = "", FIRST_DELAY, 0.0
        self._first = self._offset = self._last = 0.0
        self._worker: _Worker | None = None
        self._is_live = False
        self._stuck: list[_Worker] = []
        atexit.register(self.close)  # a thread that reads while Python ends aborts the process
        self._launch()

    def next(self, timeout: float) -> Frame | None:
        """Wait for a frame that nobody has taken yet.

        Gives None if none comes within `timeout` seconds, or ever: see `state`.

        Raises:
            ImageError: one frame is damaged; the next may be taken.
            SourceError: the source never gave a frame, or a file cannot be read on.
        """
        deadline = time.monotonic() + timeout
        with self._condition:
            while True:
                self._supervise()
                taken, self._slot = self._slot, None
                if taken is not None:
                    self._condition.notify_all()
                    if isinstance(taken, ImageError):
                        raise taken
                    return taken
                if self._error:
                    raise self._error
                left = deadline - time.monotonic()
                if left <= 0 or self.state is State.ENDED:
                    return None
                self._condition.wait(min(left, _TICK))

    @property
    def has_ended(self) -> bool:
        """Whether no frame comes any more, and none waits."""
        with self._condition:
            return self.state is State.ENDED and self._slot is None

    @property
    def trouble(self) -> str:
        """Why no frames come, and when the source is opened again; empty while they come."""
        left = math.ceil(self._retry - time.monotonic())
        when = f"in {left} s" if left > 0 else "now"
        return f"{self.reason}; trying again {when}" if self.reason else ""

    def close(self) -> None:
        """Stop the thread and let go of the source; a thread that hangs is left behind."""
        atexit.unregister(self.close)
        with self._condition:
            worker, self._worker = self._worker, None
            self.state, self._slot = State.ENDED, None
            self._condition.notify_all()
        if worker:
            worker.join(self.patience)

    def _launch(self) -> None:
        self.state, self._worker = State.OPENING, _Worker(self)
        self._worker.start()

    def _supervise(self) -> None:
        now = time.monotonic()
        if self.state is State.LOST:
            self._stuck = [worker for worker in self._stuck if worker.is_alive()]
            if now >= self._retry and len(self._stuck) <= MAX_STUCK:
                self._launch()
        elif self._worker and now - self._worker.heard > self._worker.patience:
            self._stuck.append(self._worker)
            self._lose(SourceError(f"{self.source.name} gives no picture"))

    def _lose(self, error: Exception) -> None:
        self._worker = None
        if not self.captured:
            self._error, self.state = error, State.ENDED
            return
        self.state, self.reason = State.LOST, str(error)
        self._retry = time.monotonic() + self._delay
        self._delay = min(2 * self._delay, LAST_DELAY)

    def _frame(self, shot: Shot) -> Frame:
        now = time.monotonic()
        if not self.captured:
            self._first = now
        self._last = now - self._first if shot.place is None else self._offset + shot.place
        self.captured += 1
        name = shot.name or self.source.name
        return Frame(shot.image, self.captured - 1, self._last, now, name)


class _Worker(threading.Thread):
    """Opens a source and reads it until it ends, fails, or nobody wants the worker any more.

    It hands everything over under the feed's lock, and only while the feed still has it: one that
    hung in a driver and comes back late changes nothing.
    """

    def __init__(self, feed: Feed) -> None:
        super().__init__(name="digitlens-capture", daemon=True)
        self.feed = feed
        self.heard, self.patience = time.monotonic(), OPENING
        self._start: float | None = None

    def run(self) -> None:
        """Read the source."""
        feed, error = self.feed, None
        try:
            while self._play() and feed.loop:
                pass
        except Exception as caught:  # a source may be the user's own, and raise anything
            error = caught
        with feed._condition:
            if feed._worker is self:
                if error and feed._is_live:
                    feed._lose(error)
                else:
                    feed._error, feed.state = error, State.ENDED
                feed._condition.notify_all()

    def _play(self) -> bool:
        """Read the source once; tell whether there was a frame, and more are wanted."""
        capture, count = self.feed.source.open(), 0
        try:
            self._announce(capture)
            while True:
                shot = _shot(capture)
                self.heard = time.monotonic()
                if shot is None and capture.is_live:
                    raise SourceError(f"{self.feed.source.name} gives no picture any more")
                if shot is None:
                    return self._show_last(capture) and count > 0
                if not self._hand_over(shot):
                    return False
                count += isinstance(shot, Shot)
        finally:
            capture.close()

    def _announce(self, capture: Capture) -> None:
        feed = self.feed
        with feed._condition:
            if feed._worker is self:
                feed.description, feed.rate = capture.description, capture.rate
                feed._is_live = capture.is_live
                feed._offset = feed._last + 1 / capture.rate if feed.captured else 0.0
        self._start = None

    def _hand_over(self, shot: Shot | ImageError) -> bool:
        """Put a shot where the feed's next frame is taken; tell whether more are wanted."""
        feed = self.feed
        comes_by_itself = feed._is_live and isinstance(shot, Shot) and shot.place is None
        keeps_all = not feed._is_live or (feed.fast and not comes_by_itself)
        with feed._condition:
            feed._condition.wait_for(lambda: feed._worker is not self, self._delay(shot))
            feed._condition.wait_for(
                lambda: feed._worker is not self or not keeps_all or feed._slot is None
            )
            if feed._worker is not self:
                return False
            feed.dropped += isinstance(feed._slot, Frame)
            feed._slot = shot if isinstance(shot, ImageError) else feed._frame(shot)
            feed.state, feed._delay, feed.reason = State.RUNNING, FIRST_DELAY, ""
            if keeps_all or isinstance(shot, Shot):
                # What waits to be taken, or is due at a place, comes late without being lost.
                self.patience = feed.patience if comes_by_itself else math.inf
            self.heard = time.monotonic()
            feed._condition.notify_all()
        return True

    def _show_last(self, capture: Capture) -> bool:
        """Leave the last frame as long as all others; tell whether more are wanted."""
        feed = self.feed
        with feed._condition:
            period = 0.0 if feed.fast else 1 / capture.rate
            return not feed._condition.wait_for(lambda: feed._worker is not self, period)

    def _delay(self, shot: Shot | ImageError) -> float:
        """Give the seconds until a frame is due; one that is late shifts all that follow."""
        if self.feed.fast or isinstance(shot, ImageError) or shot.place is None:
            return 0.0
        now = time.monotonic()
        latest = now - shot.place
        self._start = latest if self._start is None else max(self._start, latest - _LATE)
        return self._start + shot.place - now


def _shot(capture: Capture) -> Shot | ImageError | None:
    """Read a frame, in colour; one that is damaged or no image at all is given as its error."""
    try:
        shot = capture.read()
        return shot and shot._replace(image=sources.to_bgr(shot.image))
    except ImageError as error:
        return error
