"""The benchmark of what digitlens costs a device."""

import re
import subprocess
import sys

from command import ROOT

SCRIPT = ROOT / "scripts" / "bench_device.py"


def test_a_device_needs_no_pytorch_a_third_of_its_start_and_half_of_its_memory() -> None:
    command = [sys.executable, str(SCRIPT), "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+) \|", done.stdout, re.M))
    assert {"digitlens", "click", "numpy", "onnxruntime", "opencv-python"} <= rows.keys()
    assert not {"torch", "torchvision", "onnx", "matplotlib", "pillow"} & rows.keys()
    assert float(rows["all of it"]) < 0.5 * float(
        rows[next(name for name in rows if name.startswith("torch "))]
    )
    ((start, memory),) = re.findall(r"^\| share \| ([\d.]+) \| ([\d.]+) \|$", done.stdout, re.M)
    assert float(start) <= 0.33
    assert float(memory) <= 0.5
