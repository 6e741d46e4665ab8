"""Segmentation: the candidates without common ink that explain a frame best."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Component

COMMON = 0.12
"""Share of the smaller one's pixels from which two candidates exclude each other."""
MAX_STATES = 5000
"""Partial solutions that are looked at in one cluster of candidates; beyond, the best go first."""


def segment(
    candidates: Sequence[Component], scores: NDArray[np.floating], threshold: float
) -> list[int]:
    """Return the numbers of non-overlapping candidates with the highest sum of scores.

    Each counts by how far its score, 0…1, is above `threshold`, times its area: an explanation is
    as good as the mean score of the ink in it, so that halves do not outweigh their whole.
    """
    good = [number for number in range(len(candidates)) if scores[number] > threshold]
    good.sort(key=lambda number: (candidates[number].left, candidates[number].top))
    worth = [(float(scores[number]) - threshold) * candidates[number].area for number in good]
    excluded = _excluded([candidates[number] for number in good])
    chosen: list[int] = []
    for cluster in _clusters(excluded):
        chosen += _best(cluster, excluded, worth)
    return [good[index] for index in chosen]


def _excluded(candidates: Sequence[Component]) -> list[int]:
    """Return for each candidate those that it excludes, as a set of bits."""
    excluded = [0] * len(candidates)
    if not candidates:
        return excluded
    left, top, right, bottom = np.array([(c.left, c.top, c.right, c.bottom) for c in candidates]).T[
        ..., np.newaxis
    ]
    meets = (left < right.T) & (right > left.T) & (top < bottom.T) & (bottom > top.T)
    for number, other in np.argwhere(np.tril(meets, -1)).tolist():
        one, two = candidates[number], candidates[other]
        if one.overlap(two) > COMMON * min(one.area, two.area):
            excluded[number] |= 1 << other
            excluded[other] |= 1 << number
    return excluded


def _clusters(excluded: Sequence[int]) -> list[int]:
    """Return the connected sets of candidates, as sets of bits."""
    left, clusters = (1 << len(excluded)) - 1, []
    while left:
        cluster = frontier = left & -left
        while frontier:
            low = frontier & -frontier
            new = excluded[low.bit_length() - 1] & ~cluster
            cluster |= new
            frontier = (frontier ^ low) | new
        clusters.append(cluster)
        left &= ~cluster
    return clusters


def _best(cluster: int, excluded: Sequence[int], worth: Sequence[float]) -> list[int]:
    """Return the best set without conflicts: exact, or greedy for a large tangle."""
    known: dict[int, tuple[float, int]] = {0: (0.0, 0)}

    def solve(left: int) -> tuple[float, int]:
        if left in known:
            return known[left]
        if len(known) > MAX_STATES:
            raise OverflowError
        low = left & -left
        number = low.bit_length() - 1
        total, taken = solve(left & ~low & ~excluded[number])
        best = total + worth[number], taken | low
        if excluded[number] & left:
            best = max(best, solve(left & ~low), key=lambda each: each[0])
        known[left] = best
        return best

    try:
        taken = solve(cluster)[1]
    except (OverflowError, RecursionError):
        taken = _greedy(cluster, excluded, worth)
    return _members(taken)


def _greedy(cluster: int, excluded: Sequence[int], worth: Sequence[float]) -> int:
    taken = 0
    for number in sorted(_members(cluster), key=lambda number: -worth[number]):
        if not excluded[number] & taken:
            taken |= 1 << number
    return taken


def _members(bits: int) -> list[int]:
    return [number for number in range(bits.bit_length()) if bits >> number & 1]
