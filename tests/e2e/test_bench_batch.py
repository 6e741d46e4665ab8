"""The benchmark of `digitlens batch`."""

import os
import re
import subprocess
import sys

from command import ROOT

SCRIPT = ROOT / "scripts" / "bench_batch.py"


def test_it_measures_all_inputs_and_engines_beside_their_ceilings() -> None:
    cores = len(os.sched_getaffinity(0))
    options = ["--count", str(1000 * cores), "--shard", "500", "--rounds", "1", "--seconds", "0.2"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    rates, memory = done.stdout.split("\n\n")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rates.splitlines()[2:]]
    names = ["onnxruntime", "cv2.imdecode", "glyphs", "array", "tar", "files", "Reader"]
    assert [row[0] for row in rows] == [*names, "array, Ray", "tar, Ray"]
    heads = [cell.strip() for cell in rates.splitlines()[0].split("|")[1:-1]]
    for row in rows:
        of_row = {
            head: float(cell.replace(",", ""))
            for head, cell in zip(heads, row, strict=True)
            if cell and head
        }
        assert len(of_row) >= 5
        fast = [value for head, value in of_row.items() if head.startswith("images/s")]
        assert fast
        assert min(fast) > 0  # shares and hours round to 0 where a rate is an outlier
    assert [float(value) > 50 for value in re.findall(r"\| (\d+) \|$", memory, re.M)] == [True] * 3
