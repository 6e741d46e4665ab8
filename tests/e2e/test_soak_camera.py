import os
import subprocess
import sys
from dataclasses import replace

import pytest

from command import ROOT
from screen import Screen
from soak_camera import Sight, complaints

STEADY = [Sight(memory_mb=120, threads=4, files=7, age_ms=6, frame=30 * n) for n in range(60)]


@pytest.mark.screen
def test_a_minute_with_a_window_leaves_memory_threads_and_files_as_they_are(
    screen: Screen,
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/soak_camera.py"), "--minutes", "1", "--window"],
        env={**os.environ, "DISPLAY": screen.display},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 11


def test_what_grows_is_told() -> None:
    assert complaints(STEADY) == []
    growing = [replace(s, memory_mb=120 + n / 5) for n, s in enumerate(STEADY)]
    assert complaints(growing)[0].startswith("memory grew by")
    leaking = [replace(s, threads=4 + n // 40, files=7 + n // 50) for n, s in enumerate(STEADY)]
    assert [word.split()[3] for word in complaints(leaking)] == ["threads", "files"]
    late = [replace(s, age_ms=6 + n) for n, s in enumerate(STEADY)]
    assert "older" in complaints(late)[0]
    warming = [replace(s, memory_mb=120 - 50 * (n < 5)) for n, s in enumerate(STEADY)]
    assert complaints(warming) == []
