"""The benchmark of `digitlens batch`."""

import os
import re
import subprocess
import sys

from command import ROOT

SCRIPT = ROOT / "scripts" / "bench_batch.py"


def test_it_measures_all_inputs_and_engines_beside_their_ceilings() -> None:
    cores = len(os.sched_getaffinity(0))
    command = [sys.executable, str(SCRIPT), "--count", str(15_000 * cores), "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    rates, memory = done.stdout.split("\n\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rates.splitlines()[2:]]
    assert [row[0] for row in rows] == [
        "onnxruntime", "cv2.imdecode", "glyphs", "array", "tar", "files", "array, Ray", "tar, Ray",
        "Reader",
    ]  # fmt: skip
    steps = 1 if cores == 1 else 2
    for row in rows[:-1]:
        assert all(float(cell.replace(",", "")) > 0 for cell in row[1 : steps + 1])
    assert [float(value) > 50 for value in re.findall(r"\| (\d+) \|$", memory, re.M)] == [True] * 3
