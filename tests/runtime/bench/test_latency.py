from itertools import combinations

import numpy as np
import pytest

from digitlens.bench.latency import Latency, spread, told_apart

RANDOM = np.random.default_rng(0)
ROUNDS = [RANDOM.integers(1_000, 9_000_000, size).tolist() for size in (1, 2, 7, 400, 1024)]


def test_percentiles_are_numpys_over_all_rounds_in_microseconds() -> None:
    latency = Latency()
    for times in ROUNDS:
        latency.add(times, 0, 0)
    us = np.concatenate(ROUNDS) / 1000
    shares = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p99.9": 99.9}
    expected = {
        "min": us.min(),
        **{name: np.percentile(us, share) for name, share in shares.items()},
        "mean": us.mean(),
        "std": us.std(),
        "max": us.max(),
    }
    assert latency.to_dict() == pytest.approx(expected, abs=0.001)
    assert list(latency.to_dict())[:2] == ["min", "p50"]
    assert latency.queries == us.size


def test_a_known_round_gives_known_numbers() -> None:
    latency = Latency()
    latency.add([1000, 2000, 3000, 4000], 0, 0)
    found = latency.to_dict()
    assert (found["min"], found["p50"], found["mean"], found["max"]) == (1, 2.5, 2.5, 4)
    assert found["p90"] == 3.7


def test_a_single_call_is_all_of_its_percentiles() -> None:
    latency = Latency()
    latency.add([1234], 0, 0)
    assert set(latency.to_dict().values()) == {1.234, 0.0}
    assert latency.to_dict()["std"] == 0


def test_time_adds_up_over_the_rounds_and_medians_stay_apart() -> None:
    latency = Latency()
    latency.add([3000, 1000, 2000], elapsed_s=1.5, cpu_s=0.5)
    latency.add([10_000, 20_000], elapsed_s=2.5, cpu_s=1.0)
    assert (latency.elapsed_s, latency.cpu_s) == (4.0, 1.5)
    assert latency.medians() == [2.0, 15.0]


def test_spread_is_the_range_as_a_share_of_the_median() -> None:
    assert spread([90, 100, 110, 95, 105]) == pytest.approx(0.2)
    assert spread([7, 7, 7]) == 0
    assert spread([5]) == 0


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3], [4, 5, 6], True),
        ([1, 2, 3], [3, 4, 5], False),
        ([1, 2, 3], [2.999, 4, 5], False),
        ([1, 9], [2, 3], False),
        ([1, 2], [1, 2], False),
        ([100], [102.9], False),
        ([100], [103.1], True),
        ([100, 101, 102], [103, 104, 104], False),
    ],
)
def test_rows_are_told_apart_where_no_rounds_overlap_and_medians_differ_by_3_percent(
    first: list[float], second: list[float], expected: bool
) -> None:
    assert told_apart(first, second) is expected
    assert told_apart(second, first) is expected


def test_two_of_the_252_orders_of_ten_rounds_are_told_apart() -> None:
    orders = list(combinations(range(10), 5))
    apart = [
        told_apart(chosen, [each for each in range(10) if each not in chosen]) for chosen in orders
    ]
    assert (len(apart), sum(apart)) == (252, 2)
