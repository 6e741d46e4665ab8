import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from digitlens.bench import environment
from digitlens.bench.environment import Moment, describe, now, others, usable_cores, warnings

FIT = {"governor": "performance", "on_battery": False}
START = Moment(time=100, busy=1000, ours=10, load=0.0)


def later(busy: float = 0, ours: float = 0, seconds: float = 10) -> Moment:
    return replace(START, time=100 + seconds, busy=1000 + busy, ours=10 + ours)


def test_the_machine_is_described() -> None:
    found = describe()
    assert found["cores"] == os.cpu_count()
    assert found["usable_cores"] == usable_cores()
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert found["processor"]
    assert found["on_battery"] in (None, True, False)
    for name in ("digitlens", "python", "numpy", "opencv", "onnxruntime"):
        assert found[name][0].isdigit()
    assert "\n" not in found["processor"]


def test_time_of_all_programs_and_of_ours_grows() -> None:
    before = now()
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    after = now()
    assert before.busy is not None
    assert after.busy is not None
    assert after.busy - before.busy > 0.05
    assert after.ours - before.ours > 0.05
    assert after.time > before.time
    assert before.load is not None
    assert before.load >= 0
    # A machine cannot have been busy for longer than it has been running on all cores.
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert after.busy <= uptime * (os.cpu_count() or 1) * 1.05


def test_waiting_and_idle_time_is_not_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    counts = [tick * seconds for seconds in (1, 2, 4, 1000, 2000, 8, 16, 32, 64, 128)]
    line = f"cpu  {' '.join(map(str, counts))}\ncpu0 9 9 9 9 9 9 9 9 9 9\n"
    (tmp_path / "stat").write_text(line)
    monkeypatch.setattr(environment, "Path", lambda _: tmp_path / "stat")
    assert now().busy == 1 + 2 + 4 + 8 + 16 + 32
    (tmp_path / "stat").write_text("cpu  1 2 3 4\n")
    assert now().busy is None
    (tmp_path / "stat").unlink()
    assert now().busy is None


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (later(busy=20, ours=15), 0.5),
        (later(busy=20, ours=20), 0),
        (later(busy=20, ours=21), 0),
        (later(busy=30, ours=0, seconds=20), 1.5),
        (replace(later(), busy=None), None),
    ],
)
def test_others_kept_busy_what_we_did_not(after: Moment, expected: float | None) -> None:
    assert others(START, after) == pytest.approx(expected)


def test_others_are_unknown_where_the_system_does_not_tell() -> None:
    assert others(replace(START, busy=None), later()) is None


def test_a_fit_machine_has_no_warnings() -> None:
    assert warnings(FIT, START, later(busy=10, ours=10)) == []
    unknown = {"governor": None, "on_battery": None}
    assert warnings(unknown, START, later(busy=11, ours=10)) == []
    # With the counters, an old load average says nothing.
    assert warnings(FIT, replace(START, load=9.0), later()) == []


@pytest.mark.parametrize(
    ("described", "before", "after", "words"),
    [
        ({"governor": "powersave"}, START, later(), ["powersave", "cpupower frequency-set"]),
        ({"governor": "conservative"}, START, later(), ["conservative", "cpupower"]),
        ({"on_battery": True}, START, later(), ["battery", "plug it in"]),
        ({}, START, later(busy=1000), ["kept 100.00 cores busy", "measure again"]),
        (
            {},
            Moment(100, None, 10, 50.0),
            Moment(110, None, 10, 50.0),
            ["load average was 50.00", "end other programs"],
        ),
    ],
)
def test_what_makes_a_machine_unfit_is_told_with_its_remedy(
    described: dict[str, object], before: Moment, after: Moment, words: list[str]
) -> None:
    (found,) = warnings(FIT | described, before, after)
    assert all(word in found for word in words)
    assert "\n" not in found


def test_all_reasons_are_told() -> None:
    described = {"governor": "powersave", "on_battery": True}
    assert len(warnings(described, START, later(busy=1000))) == 3


def test_nothing_is_told_of_a_load_that_is_unknown() -> None:
    before = Moment(100, None, 10, None)
    assert warnings(FIT, before, replace(before, time=110)) == []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], None),
        (["Full"], False),
        (["Charging", "Discharging"], True),
        (["Not charging", "Unknown"], False),
    ],
)
def test_a_battery_that_is_drained_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, states: list[str], expected: bool | None
) -> None:
    (tmp_path / "AC").mkdir()
    (tmp_path / "AC" / "status").write_text("Discharging\n")
    for number, state in enumerate(states):
        (tmp_path / f"BAT{number}").mkdir()
        (tmp_path / f"BAT{number}" / "status").write_text(state + "\n")
    monkeypatch.setattr(environment, "_SUPPLIES", tmp_path)
    assert describe()["on_battery"] is expected


def test_the_governor_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "_CPU", tmp_path)
    assert describe()["governor"] is None
    (tmp_path / "scaling_governor").write_text("powersave\n")
    assert describe()["governor"] == "powersave"


def test_only_cores_that_may_be_used_count() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert usable_cores() == len(allowed)
