"""One source for all who watch: it is opened, read and encoded once, while anybody looks."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from digitlens.capture.feed import State
from digitlens.errors import DigitlensError, ImageError
from digitlens.live.meter import Stats
from digitlens.live.watch import Watch
from digitlens.reading import LiveReading
from digitlens.serve import packet
from digitlens.serve.metrics import Metrics

_log = logging.getLogger(__name__)

MAX_VIEWERS = 32
"""Who may watch at once."""
LINGER = 2.0
"""Seconds for which the source stays open after the last viewer has left, as in a reload."""
RETRY = 3.0
"""Seconds until a source that could not be opened is tried again."""
_TICK = 0.1
_LET_GO = 0.5
"""Seconds that the end waits for a source that hangs."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A frame as all viewers get it.

    Attributes:
        number: counts pictures since the server began, from 1.
        reading: what was read in it, and the frame.
        jpeg: the frame, at most `packet.MAX_SIDE` wide and high.
        captured: when it came, in seconds since 1970.
        stats: rates and ages of the last seconds.
    """

    number: int
    reading: LiveReading
    jpeg: bytes
    captured: float
    stats: Stats


@dataclass(frozen=True, slots=True)
class Status:
    """What the source is doing, and what is wrong with it or else what it gives."""

    state: str
    message: str = ""


ASLEEP = Status("asleep")
FAILED = "failed"
"""A state that a feed does not have: the source cannot be opened, and is tried again."""


class Broadcast:
    """Reads a source in a thread of its own, and tells everybody who watches.

    Args:
        open_watch: opens the source.
        metrics: where frames are counted.
        always: read also while nobody watches.

    Attributes:
        newest: the newest picture, or None.
        status: what the source is doing.
    """

    def __init__(
        self, open_watch: Callable[[], Watch], metrics: Metrics, *, always: bool = False
    ) -> None:
        self.newest: Picture | None = None
        self.status = ASLEEP
        self._open_watch, self._metrics, self._always = open_watch, metrics, always
        self._viewers: set[asyncio.Event] = set()
        self._condition = threading.Condition()
        self._is_closed = self._is_rewound = False
        self._left = -LINGER
        self._count = 0
        self._thread = threading.Thread(target=self._run, name="digitlens-live", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin, from within the loop in which viewers are told."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """End; a source that hangs is left behind."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
        await asyncio.to_thread(self._thread.join, _LET_GO)

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Keep the source open; the event that is given is set now, and whenever there is news."""
        news = asyncio.Event()
        news.set()
        with self._condition:
            self._viewers.add(news)
            self._condition.notify_all()
        try:
            yield news
        finally:
            with self._condition:
                self._viewers.remove(news)
                self._left = time.monotonic()

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def rewind(self) -> None:
        """Begin a source again that has ended, or failed."""
        with self._condition:
            self._is_rewound = True
            self._condition.notify_all()

    @property
    def _is_wanted(self) -> bool:
        is_watched = self._viewers or time.monotonic() - self._left < LINGER
        return not self._is_closed and bool(self._always or is_watched)

    def _run(self) -> None:
        while not self._is_closed:
            with self._condition:
                self._condition.wait_for(lambda: self._is_wanted or self._is_closed)
            self._read()
            self._tell(ASLEEP)

    def _read(self) -> None:
        """Read the source until it ends and is not wanted again."""
        while self._is_wanted:
            try:
                with self._open_watch() as watch:
                    self._tell(Status(State.OPENING.value, watch.feed.source.name))
                    damage = self._follow(watch)
                    name = watch.feed.source.name
            except Exception as error:  # a source may raise anything, and the thread goes on
                if not isinstance(error, DigitlensError | OSError):
                    _log.exception("the live picture stopped")
                self._metrics.count("digitlens_errors_total", 'kind="source"')
                self._tell(Status(FAILED, str(error)))
                self._rest(RETRY)
            else:
                words = f"{name} has ended; {damage}" if damage else f"{name} has ended"
                self._tell(Status(State.ENDED.value, words))
                self._rest()

    def _rest(self, seconds: float = float("inf")) -> None:
        """Wait for somebody who wants the source from its beginning, or for time to go by."""
        until = time.monotonic() + seconds
        with self._condition:
            self._is_rewound = False
            while self._is_wanted and not self._is_rewound and time.monotonic() < until:
                self._condition.wait(_TICK)

    def _follow(self, watch: Watch) -> str:
        """Read until the source ends or nobody wants it; give what was wrong with an image last."""
        damage = ""
        while self._is_wanted:
            try:
                reading = watch.next(_TICK)
            except ImageError as error:
                self._metrics.count("digitlens_errors_total", 'kind="image"')
                damage = str(error)
                self._tell(Status(State.RUNNING.value, damage))
                continue
            if reading:
                self._publish(reading, watch)
            elif watch.has_ended:
                break
            elif trouble := watch.feed.trouble:
                self._tell(Status(State.LOST.value, trouble))
        return damage

    def _publish(self, reading: LiveReading, watch: Watch) -> None:
        self._count += 1
        captured = time.time() - reading.age_ms / 1000
        stats = watch.meter.recent()
        picture = Picture(self._count, reading, packet.jpeg(reading.image), captured, stats)
        self._metrics.count("digitlens_frames_total")
        self._metrics.count("digitlens_readings_total", 'by="live"')
        self._metrics.observe("digitlens_frame_age_seconds", reading.age_ms / 1000)
        self._metrics.observe("digitlens_read_seconds", reading.elapsed_ms / 1000)
        description = f"{watch.feed.source.name} gives {watch.feed.description}"
        self._tell(Status(State.RUNNING.value, description), picture)

    def _tell(self, status: Status, picture: Picture | None = None) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop ends without asking threads
            self._loop.call_soon_threadsafe(self._announce, status, picture)

    def _announce(self, status: Status, picture: Picture | None) -> None:
        if status == ASLEEP or status.state in (State.OPENING.value, FAILED):
            self.newest = None  # nobody is to take it for what is there now
        self.status, self.newest = status, picture or self.newest
        for news in self._viewers:
            news.set()
