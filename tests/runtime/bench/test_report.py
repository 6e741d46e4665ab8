import json
from pathlib import Path

import pytest

from digitlens.bench.report import SCHEMA, alike
from digitlens.bench.row import FAILED, PLAIN, TAPS
from digitlens.errors import UsageError
from measured import CPU, EVEN, failed, latency, report, row

SLOW, SLOWER = (tuple(factor * us for us in EVEN) for factor in (3, 9))


def test_a_report_is_right_where_all_rows_are() -> None:
    assert report(row(), row(batch=8)).ok
    assert not report(row(), failed(FAILED, "no luck")).ok


def test_json_has_no_numbers_that_json_lacks() -> None:
    one = row()
    one.max_error = float("inf")
    text = json.dumps(report(one, failed(FAILED, "x")).to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["schema"] == SCHEMA
    assert found["rows"][0]["max_error"] is None
    assert found["rows"][0]["memory_mb"] == {"empty": 50.0, "steady": 64.2, "peak": 71.9}
    assert found["rows"][1]["latency_us"] is None
    assert (found["rows"][1]["device"], found["rows"][1]["python"]) == (None, None)


def test_throughput_cpu_and_spread_are_over_all_rounds() -> None:
    (found,) = report(row((100, 100, 100, 100, 200), batch=8, cpu=1.5)).to_dict()["rows"]
    assert found["throughput_per_s"] == pytest.approx(15 * 8 / (3 * 600e-6), abs=0.01)
    assert found["cpu_s_per_s"] == 1.5
    assert found["spread"] == 1
    assert found["queries"] == 15
    assert found["rounds_p50_us"] == [100, 100, 100, 100, 200]


def test_the_single_stream_figure_is_that_of_one_image_back_to_back_for_long_enough() -> None:
    long, short, few = [60_000.0] * 400, [50_000.0] * 360, [200_000.0] * 120
    rows = [row(long), row(short), row(few), row(long, batch=8), row(long, pace=30.0)]
    rows.append(failed(FAILED, "x"))
    for is_mlperf, expected in ((True, [60_000, *[None] * 5]), (False, [None] * 6)):
        found = report(*rows, is_mlperf=is_mlperf).to_dict()["rows"]
        assert [each["mlperf_single_stream_p90_us"] for each in found] == expected


def test_raw_times_are_written_by_way_and_round(tmp_path: Path) -> None:
    path = tmp_path / "raw.json"
    report(row(EVEN), row(pace=30.0), failed(FAILED, "x")).write_raw(path)
    found = json.loads(path.read_text())
    assert found["schema"] == SCHEMA
    assert [set(each["latency_us"]) for each in found["rows"]] == [
        {"plain", "taps", "bound"},
        {"plain"},
        set(),
    ]
    assert found["rows"][0]["latency_us"]["plain"] == [[us] * 3 for us in EVEN]
    assert (found["rows"][0]["provider"], found["rows"][2]["status"]) == (CPU, FAILED)


def test_raw_times_need_a_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        report(row()).write_raw(tmp_path)


def test_neighbours_in_speed_that_overlap_are_alike() -> None:
    a, b, c, d = row(SLOWER), row(SLOW), row((301, 302, 303, 304, 330)), row(EVEN)
    assert alike([a, b, c, d, failed(FAILED, "x")]) == [[c, b]]
    assert alike([a]) == alike([]) == []


@pytest.mark.parametrize("ways", [1, 2, 3, 5])
def test_sets_begin_with_the_fastest_by_median_however_many_ways_they_are_called(ways: int) -> None:
    # By their fastest rounds, c would stand between a and b, which overlap.
    a, b, c = row((10, 20, 30, 40, 50)), row((12, 22, 32, 42, 52)), row((11, 60, 61, 62, 63))
    for each in (a, b, c):
        extra = {f"{TAPS}{i}": latency(EVEN) for i in range(ways - 1)}
        each.latency = {PLAIN: each.latency[PLAIN], **extra}
    assert alike([c, b, a]) == [[a, b, c]]
