"""The benchmark of what a Session costs beyond onnxruntime."""

import re
import subprocess
import sys

import pytest

from command import ROOT

SCRIPT = ROOT / "scripts" / "bench_session.py"


def test_it_measures_both_in_one_run() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["probabilities", "all outputs"]
    for line in lines:
        bare, ours, overhead = map(float, re.findall(r"-?\d+\.\d+", line))
        assert bare > 0
        assert ours > 0
        # Each is a median of its own.
        assert overhead == pytest.approx(ours - bare, abs=0.3 * bare)
