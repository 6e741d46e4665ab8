import time

import numpy as np
import pytest

from digitlens.vision import segmentation
from digitlens.vision.component import Component
from digitlens.vision.foreground import Layer
from digitlens.vision.segmentation import segment

LAYER = Layer(np.zeros((1, 1), np.uint8), 0)


def box(left: int, right: int, top: int = 0, bottom: int = 10) -> Component:
    return Component(left, top, np.ones((bottom - top, right - left), np.uint8), 0, LAYER)


def test_a_whole_is_preferred_to_halves_that_score_less() -> None:
    candidates = [box(0, 20), box(0, 10), box(10, 20)]
    assert segment(candidates, np.array([0.9, 0.8, 0.8]), 0.5) == [0]
    assert sorted(segment(candidates, np.array([0.6, 0.8, 0.9]), 0.5)) == [1, 2]


def test_nothing_below_the_threshold_is_chosen_or_excludes() -> None:
    candidates = [box(0, 20), box(5, 15)]
    assert segment(candidates, np.array([0.5, 0.6]), 0.5) == [1]
    assert segment(candidates, np.array([0.1, 0.2]), 0.5) == []
    assert segment([], np.zeros(0), 0.5) == []


def test_a_candidate_around_another_does_not_exclude_it() -> None:
    frame = np.ones((40, 40), np.uint8)
    frame[3:-3, 3:-3] = 0
    candidates = [Component(0, 0, frame, 0, LAYER), box(10, 30, 10, 30)]
    assert sorted(segment(candidates, np.array([0.9, 0.9]), 0.5)) == [0, 1]


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    starts = random.integers(0, 60, 12)
    candidates = [
        box(s, s + int(w)) for s, w in zip(starts, random.integers(5, 30, 12), strict=True)
    ]
    scores = random.uniform(0.4, 1, 12)

    def worth(numbers: list[int]) -> float:
        return sum((scores[n] - 0.5) * candidates[n].area for n in numbers)

    def fits(numbers: list[int]) -> bool:
        return all(
            candidates[a].overlap(candidates[b])
            <= segmentation.COMMON * min(candidates[a].area, candidates[b].area)
            for a in numbers
            for b in numbers
            if a < b
        )

    sets = ([n for n in range(12) if bits >> n & 1] for bits in range(1 << 12))
    best = max(worth(numbers) for numbers in sets if fits(numbers))
    chosen = segment(candidates, scores, 0.5)
    assert fits(chosen)
    assert worth(chosen) == pytest.approx(best)


def test_a_large_tangle_ends_in_time() -> None:
    random = np.random.default_rng(0)
    candidates = [
        box(int(x), int(x) + 30, int(y), int(y) + 30) for x, y in random.integers(0, 150, (400, 2))
    ]
    start = time.process_time()
    chosen = segment(candidates, random.uniform(0.5, 1, 400), 0.5)
    assert chosen
    assert time.process_time() - start < 20
