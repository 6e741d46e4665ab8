import subprocess
import sys

from command import ROOT


def test_every_size_and_number_of_digits_is_measured() -> None:
    script = [sys.executable, str(ROOT / "scripts/bench_camera.py")]
    done = subprocess.run(
        [*script, "--rounds", "1", "--seconds", "0.05"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    stages, *rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert stages == ["capture", "foreground", "glyphs", "infer", "score", "track", "draw", "rest"]
    assert [row[0] for row in rows[::3]] == ["640x480", "1280x720", "1920x1080"]
    for row in rows:
        plain, drawn = float(row[2]), float(row[3])
        assert plain > 0
        assert drawn > 0
        assert all(float(took) > 0 for took in row[8:-1])
