"""What was counted and measured, as Prometheus reads it.

The text format is that of prometheus.io/docs/instrumenting/exposition_formats.
"""

import threading
from bisect import bisect_left
from collections import Counter

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the buckets of every latency, in seconds; a last one takes what is above."""

_COUNTERS = {
    "digitlens_frames_total": "Frames that were read live.",
    "digitlens_frames_sent_total": "Frames that were sent to viewers.",
    "digitlens_readings_total": "Images that were read, by who asked.",
    "digitlens_errors_total": "What could not be done, by kind.",
}
_LATENCIES = {
    "digitlens_frame_age_seconds": "Age of a live frame when it had been read.",
    "digitlens_read_seconds": "Time from a decoded image to its reading.",
}
_GAUGES = {"digitlens_viewers": "Who watches the live picture now."}


class Metrics:
    """Counters, latencies and gauges; every thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._buckets = {name: [0] * (len(BOUNDS) + 1) for name in _LATENCIES}
        self._sums = dict.fromkeys(_LATENCIES, 0.0)
        self._gauges = dict.fromkeys(_GAUGES, 0)

    def count(self, name: str, label: str = "") -> None:
        """Add one to a counter; `label` is such as `by="api"`."""
        assert name in _COUNTERS, name
        with self._lock:
            self._counts[name, label] += 1

    def observe(self, name: str, seconds: float) -> None:
        """Add a latency."""
        with self._lock:
            self._buckets[name][bisect_left(BOUNDS, seconds)] += 1
            self._sums[name] += seconds

    def set(self, name: str, value: int) -> None:
        """Set a gauge."""
        assert name in _GAUGES, name
        self._gauges[name] = value

    def text(self) -> str:
        """Write all of them."""
        with self._lock:
            lines = [*self._counter_lines(), *self._latency_lines()]
        for name, words in _GAUGES.items():
            lines += [*_head(name, words, "gauge"), f"{name} {self._gauges[name]}"]
        return "\n".join(lines) + "\n"

    def _counter_lines(self) -> list[str]:
        lines = []
        for name, words in _COUNTERS.items():
            lines += _head(name, words, "counter")
            found = {label: n for (each, label), n in self._counts.items() if each == name}
            for label, number in sorted((found or {"": 0}).items()):
                lines.append(f"{name}{{{label}}} {number}" if label else f"{name} {number}")
        return lines

    def _latency_lines(self) -> list[str]:
        lines = []
        for name, words in _LATENCIES.items():
            lines += _head(name, words, "histogram")
            total = 0
            for bound, number in zip((*BOUNDS, "+Inf"), self._buckets[name], strict=True):
                total += number
                lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
            lines += [f"{name}_sum {self._sums[name]:.6f}", f"{name}_count {total}"]
        return lines


def _head(name: str, words: str, kind: str) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
