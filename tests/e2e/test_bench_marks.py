"""The script that draws frames, underlines and boxes into photos."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import ROOT
from digitlens import Digit, Reader
from digitlens.capture.test_card import Card

SCRIPT = ROOT / "scripts" / "bench_marks.py"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A photo that is read exactly, and one whose label is wrong."""
    card = Card(640, 480, digits=2)
    cv2.imwrite(str(tmp_path / "right.png"), card.frame(0))
    cv2.imwrite(str(tmp_path / "wrong.png"), card.frame(0))
    entries = [
        {"file": f"{name}.png", "kind": "photo", "labels": labels, "origin": name}
        for name, labels in (("right", [1, 2]), ("wrong", [3, 4]))
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    return tmp_path


def test_marks_are_drawn_into_exactly_read_photos(photos: Path) -> None:
    done = run(photos, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert {mark: result["photos"] for mark, result in record.items()} == {
        "frame": 1, "underline": 1, "box": 1,
    }  # fmt: skip
    assert all(result["exact"] == 1 for result in record.values())


def test_a_folder_without_manifest_is_a_usage_error(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert "no manifest.json" in done.stderr


def test_marks_that_would_cross_a_digit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import bench_marks

    frame = Card(640, 480, digits=2).frame(0)
    digits = Reader().read(frame).digits
    drawn = bench_marks.marked(frame, digits, "box")
    assert drawn is not None
    assert np.count_nonzero(drawn != frame) > 100
    assert bench_marks.marked(frame, [*digits, _beside(digits[0])], "box") is None


def _beside(digit: Digit) -> Digit:
    from dataclasses import replace

    x, y, width, height = digit.box
    return replace(digit, box=(x + width + 2, y, width, height))
