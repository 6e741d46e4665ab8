"""How fast a live reading is: rates, age of the frames, share of a core."""

import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from digitlens.capture.feed import Feed

SPAN = 2.0
"""Seconds over which rates are taken."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What was measured over a span of time.

    Attributes:
        captured, processed: frames a second that came, and that were read.
        dropped: frames that came and were not read, in all.
        age_ms: median age of a frame when it had been read, in milliseconds.
        cpu: CPU seconds of the whole process a second: 1 is one core.
    """

    captured: float
    processed: float
    dropped: int
    age_ms: float
    cpu: float

    def __str__(self) -> str:
        return (
            f"captured {self.captured:.1f}/s, read {self.processed:.1f}/s, dropped {self.dropped}, "
            f"age {self.age_ms:.1f} ms, CPU {self.cpu:.2f} of a core"
        )


class _Moment(NamedTuple):
    time: float
    cpu: float
    captured: int
    processed: int
    age_ms: float


class Meter:
    """Measures while frames are read."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._first = self._now(0, 0.0)
        self._moments = deque([self._first])

    def count(self, age_ms: float) -> None:
        """Take notice of a frame that was read, `age_ms` milliseconds after it came."""
        newest = self._now(self._moments[-1].processed + 1, age_ms)
        self._moments.append(newest)
        while newest.time - self._moments[0].time > SPAN and len(self._moments) > 2:
            self._moments.popleft()

    def recent(self) -> Stats:
        """Give the figures of the last `SPAN` seconds."""
        return self._since(self._moments[0])

    def overall(self) -> Stats:
        """Give the figures since the beginning; the age is that of the last `SPAN` seconds."""
        return self._since(self._first)

    def _now(self, processed: int, age_ms: float) -> _Moment:
        now = time.monotonic(), time.process_time()
        return _Moment(*now, self._feed.captured, processed, age_ms)

    def _since(self, start: _Moment) -> Stats:
        end = self._now(self._moments[-1].processed, 0.0)
        seconds = max(end.time - start.time, 1e-9)
        ages = sorted(moment.age_ms for moment in self._moments)
        return Stats(
            captured=(end.captured - start.captured) / seconds,
            processed=(end.processed - start.processed) / seconds,
            dropped=self._feed.dropped,
            age_ms=ages[len(ages) // 2],
            cpu=(end.cpu - start.cpu) / seconds,
        )
