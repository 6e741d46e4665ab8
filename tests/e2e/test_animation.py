"""The README's animation."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from command import ROOT

LARGEST = 2_000_000


def test_it_is_drawn_anew_as_it_is_there(tmp_path: Path) -> None:
    target = tmp_path / "camera.gif"
    command = [sys.executable, str(ROOT / "scripts" / "animation.py"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with Image.open(target) as drawn, Image.open(ROOT / "docs" / "camera.gif") as kept:
        assert drawn.size == kept.size
        assert drawn.n_frames == kept.n_frames > 20
        for number in range(drawn.n_frames):
            drawn.seek(number)
            kept.seek(number)
            now, then = (np.asarray(each.convert("RGB"), np.int16) for each in (drawn, kept))
            assert np.abs(now - then).mean() < 3
    assert (ROOT / "docs" / "camera.gif").stat().st_size < LARGEST
