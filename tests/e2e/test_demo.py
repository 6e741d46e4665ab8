"""The demo as a newcomer without a network runs it, but for the installation."""

import os
import subprocess
import sys
from pathlib import Path

import cv2

from command import OFFLINE, ROOT


def demo(folder: Path) -> str:
    environment = {name: v for name, v in os.environ.items() if name != "DIGITLENS_DATA"}
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--quick", "--out", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment | OFFLINE)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_it_does_everything_once_and_says_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    said = demo(folder)
    assert "5,000 digits" in said
    assert "proof passed" in said
    for path in ("maps.png", "maps", "run", "digits", "lenet5.onnx"):
        assert str(folder / path) in said
        assert (folder / path).exists()
    assert cv2.imread(str(folder / "maps.png")).shape[1] == 1280
    assert len(list((folder / "maps").iterdir())) == 20
    made = (folder / "lenet5.onnx").stat().st_mtime_ns
    assert said.count("there already") == 0
    again = demo(folder)
    assert again.count("there already") == 3
    assert (folder / "lenet5.onnx").stat().st_mtime_ns == made
