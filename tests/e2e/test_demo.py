"""The demo as a newcomer without a network runs it, but for the installation."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2

from command import ROOT, offline
from waiting import until


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), "--quick", "--out", str(folder)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=offline(), start_new_session=True, **pipes)


def demo(folder: Path) -> str:
    process = start(folder)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def test_it_does_everything_once_though_interrupted_and_says_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    interrupted = start(folder)
    until((folder / "run" / "resume.pt").exists, "an epoch is done")
    os.killpg(interrupted.pid, signal.SIGKILL)
    assert "5,000 digits" in interrupted.communicate()[0]
    said = demo(folder)
    assert "resumed" in said
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
