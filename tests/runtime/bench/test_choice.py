import pytest

from digitlens.bench.choice import candidates, choose
from digitlens.bench.row import FAILED, NOT_INSTALLED, PEER, PIPELINE
from digitlens.errors import DigitlensError
from digitlens.pick import Pick
from measured import CPU, CUDA, EVEN, failed, report, row

FAST = tuple(us / 2 for us in EVEN)


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, (1,)),
        (2, (1, 2)),
        (3, (1, 2, 3)),
        (4, (1, 2, 4)),
        (6, (1, 2, 4, 6)),
        (8, (1, 2, 4, 8)),
        (128, (1, 2, 4, 8, 16, 32, 64, 128)),
    ],
)
def test_powers_of_two_and_all_cores_are_tried(cores: int, expected: tuple[int, ...]) -> None:
    assert candidates(cores) == expected


def test_the_fastest_wins_where_it_can_be_told_apart_whatever_it_takes() -> None:
    found = choose(report(row(cpu=0.5), row(FAST, provider=CUDA, threads=4, cpu=4)))
    assert found == Pick(CUDA, 4, 51)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_rows_that_are_alike_the_one_with_the_least_cpu_time_wins(turn: int) -> None:
    a_little_slower = tuple(us + 1 for us in EVEN)
    rows = [row(EVEN, threads=4, cpu=4), row(a_little_slower, cpu=1), row(EVEN, threads=2, cpu=2)]
    assert choose(report(*rows[::turn])) == Pick(CPU, 1, 103)


def test_cpu_time_counts_by_call_and_not_by_second() -> None:
    busy, idle = row((100, 100, 101, 101, 140)), row((139, 140, 141, 142, 143), threads=2)
    busy.latency["plain"].cpu_s = 1.0 * busy.latency["plain"].elapsed_s
    idle.latency["plain"].cpu_s = 0.9 * idle.latency["plain"].elapsed_s
    assert choose(report(busy, idle)).threads == 1


@pytest.mark.parametrize(
    "other",
    [
        row(FAST, python="/other/bin/python"),
        row(FAST, pace=30.0),
        row(FAST, batch=8),
        row(FAST, kind=PIPELINE),
        row(FAST, kind=PEER, provider="OpenCV DNN"),
        failed(FAILED, "no luck"),
    ],
    ids=["other Python", "paced", "batch", "pipeline", "peer", "failed"],
)
def test_other_rows_never_win(other: object) -> None:
    assert choose(report(other, row())) == Pick(CPU, 1, 102)


def test_a_row_with_a_wrong_result_never_wins_though_it_was_measured() -> None:
    wrong = row(FAST, provider=CUDA)
    wrong.status = "wrong result"
    assert choose(report(wrong, row())).provider == CPU


def test_nothing_to_pick_from_is_one_line_with_the_reasons() -> None:
    rows = [failed(FAILED, "no luck"), failed(FAILED, "no luck"), failed(NOT_INSTALLED, "get it")]
    with pytest.raises(DigitlensError, match=r"\(no luck; get it\).*doctor") as error:
        choose(report(*rows))
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 1


@pytest.mark.parametrize("rows", [[], [row(batch=8)], [row(pace=30.0)]])
def test_nothing_of_the_right_kind_is_told(rows: list[object]) -> None:
    with pytest.raises(DigitlensError, match="no row has a batch of one, back to back"):
        choose(report(*rows))
