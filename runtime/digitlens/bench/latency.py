"""Raw times of single calls, and what can be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

LEAST_EFFECT = 0.03
"""Share by which medians must differ to be told apart."""

PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99.9": 99.9}


@dataclass(slots=True)
class Latency:
    """The times of one row's calls, by round.

    Attributes:
        rounds: whole nanoseconds of every call.
        elapsed_s, cpu_s: wall-clock time and CPU time of all threads over all rounds.
    """

    rounds: list[list[int]] = field(default_factory=list)
    elapsed_s: float = 0.0
    cpu_s: float = 0.0

    def add(self, latency_ns: list[int], elapsed_s: float, cpu_s: float) -> None:
        """Take the times of one more round."""
        self.rounds.append(latency_ns)
        self.elapsed_s += elapsed_s
        self.cpu_s += cpu_s

    @property
    def queries(self) -> int:
        """How many calls were timed."""
        return sum(map(len, self.rounds))

    def to_dict(self) -> dict[str, float]:
        """Give percentiles (interpolated linearly), extremes, mean and deviation in µs."""
        times = np.concatenate([np.array(times, np.float64) for times in self.rounds]) / 1000
        values = {name: np.percentile(times, share) for name, share in PERCENTILES.items()}
        values |= {"mean": times.mean(), "std": times.std()}
        values = {"min": times.min(), **values, "max": times.max()}
        return {name: round(float(value), 3) for name, value in values.items()}

    def medians(self) -> list[float]:
        """Give the median of every round in µs."""
        return [round(float(np.median(times)) / 1000, 3) for times in self.rounds]


def spread(medians: Sequence[float]) -> float:
    """Give the range of the rounds' medians as a share of their own median."""
    return (max(medians) - min(medians)) / median(medians)


def told_apart(first: Sequence[float], second: Sequence[float]) -> bool:
    """Tell whether every round of one was faster than every round of the other, by 3 % or more.

    Were rounds independent, five and five of equal rows would lie apart like this in 2 of 252
    cases (Mann and Whitney, 1947). They share a process, though, and processes of the very same
    setup were seen to differ by 1 to 2 % for as long as they live; hence `LEAST_EFFECT`.
    """
    fast, slow = sorted([first, second], key=median)
    return max(fast) < min(slow) and median(slow) >= median(fast) * (1 + LEAST_EFFECT)
