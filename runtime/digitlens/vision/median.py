"""Medians of a few numbers, for which numpy takes many times as long as Python."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """Give the least of `values`, at least one, that with those below has half of the weight."""
    pairs = sorted(zip(values, weights, strict=True))
    total = list(accumulate(weight for _, weight in pairs))
    return pairs[bisect_left(total, total[-1] / 2)][0]
