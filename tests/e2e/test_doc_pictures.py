"""The pictures of the documentation whose truth is known."""

import subprocess
import sys
from pathlib import Path

import cv2

from command import ROOT


def test_doc_pictures_show_what_is_read_today(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "doc_pictures.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["camera-explain.png", "camera.png", "explain.png", "maps.png"]
    for name in names:
        drawn, kept = cv2.imread(str(tmp_path / name)), cv2.imread(str(ROOT / "docs" / name))
        assert drawn.shape == kept.shape
        assert cv2.absdiff(drawn, kept).mean() < 1, name
