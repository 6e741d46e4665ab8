import json
import subprocess
import sys

import pytest

from command import ROOT

SCRIPT = [sys.executable, str(ROOT / "scripts/bench_live.py"), "--frames", "70"]
COLUMNS = ["noise", "frames", "contradicted", "lag", "flicker", "unsure", "missing"]


def bench_live(*options: str) -> str:
    done = subprocess.run([*SCRIPT, *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_live_readings_are_honest_prompt_and_calm() -> None:
    rows = json.loads(bench_live("--format", "json"))
    assert [list(row) for row in rows] == [COLUMNS] * 2
    assert [(row["noise"], row["frames"]) for row in rows] == [(4, 70), (16, 70)]
    for row in rows:  # the first digit fades in frames 44 to 59
        assert row["contradicted"] <= 1
        assert -8 <= row["lag"] <= 6
        assert row["flicker"] == 0
        assert row["unsure"] < 1
        assert row["missing"] < 5


def test_the_table_has_the_same_figures() -> None:
    header, row = bench_live("--noise", "4").splitlines()
    assert header.split() == COLUMNS
    figures = [float(word) for word in row.split() if word != "%"]
    again = json.loads(bench_live("--noise", "4", "--format", "json"))[0]
    assert figures == pytest.approx(list(again.values()))
