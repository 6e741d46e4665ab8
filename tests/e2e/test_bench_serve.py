"""The benchmark of the server, and the script that takes its pictures."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from command import ROOT

pytestmark = pytest.mark.browser


def test_it_measures_viewers_drawing_and_clients() -> None:
    script = [sys.executable, str(ROOT / "scripts/bench_serve.py")]
    done = subprocess.run([*script, "--seconds", "1"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    live, drawing, reading = done.stdout.split("\n\n")
    rows = [line.split() for line in live.splitlines()[1:]]
    assert [row[0] for row in rows] == ["1", "3", "5", "10"]
    assert all(float(row[1]) > 1 for row in rows)
    assert re.match(r"drawing: read after \d+ ms, 99 % within \d+ ms$", drawing)
    rows = [line.split() for line in reading.splitlines()[1:]]
    assert [row[0] for row in rows] == ["1", "16", "loop"]
    assert all(float(row[1]) > 1 for row in rows)


def test_pictures_of_all_views_are_taken(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "scripts/screenshot_serve.py"), str(tmp_path)]
    subprocess.run(script, check=True, timeout=300)
    sizes = {path.name: cv2.imread(str(path)).shape[1::-1] for path in tmp_path.iterdir()}
    desk = {f"serve-{view}.jpg": (1280, 900) for view in ("live", "draw", "photo", "network")}
    assert sizes == desk | {"serve-phone.jpg": (1440, 780)}
