"""Whether `digitlens camera` stays as it is for a long time; Linux.

    python scripts/soak_camera.py
    python scripts/soak_camera.py --minutes 1 --window

Runs the command on the test card, 640×480 at 30 frames a second, and looks at its process once a
second: memory, threads and open files, and the age of its frames. Ends with 1 if after a warm-up
memory grows by more than 5 MB, the number of threads or files changes, or frames get older.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import click

ALLOWED_MB = 5.0
WARM_UP = 0.2
"""Share of the time after which nothing may grow any more."""
OLDER = 1.5
"""How many times older frames of the last quarter may be than of the first, on a shared machine."""


@dataclass(frozen=True)
class Sight:
    """What a process has at a moment."""

    memory_mb: float
    threads: int
    files: int
    age_ms: float
    frame: int


def look(process: int, ages: list[float], frame: int) -> Sight:
    """Look at a process from outside."""
    folder = Path(f"/proc/{process}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return Sight(
        memory_mb=int(status["VmRSS"].split()[0]) * 1024 / 1e6,
        threads=int(status["Threads"]),
        files=len(list((folder / "fd").iterdir())),
        age_ms=median(ages),
        frame=frame,
    )


def watch(seconds: float, *, has_window: bool) -> list[Sight]:
    """Run the command for some time and look at it once a second."""
    command = [sys.executable, "-m", "digitlens", "camera", "test:", "--format", "json"]
    command += [] if has_window else ["--no-window"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    sights: list[Sight] = []
    ages: list[float] = []
    due = end = 0.0
    for line in process.stdout:
        reading, now = json.loads(line), time.monotonic()
        ages.append(reading["age_ms"])
        if not end:
            due, end = now + 1, now + seconds
        if now >= due:
            sights.append(look(process.pid, ages, reading["frame"]))
            ages, due = [], due + 1
        if now >= end:
            break
    process.terminate()
    process.communicate()
    if process.returncode or not end:
        raise click.ClickException(f"digitlens camera ended with status {process.returncode}")
    return sights


def complaints(sights: list[Sight]) -> list[str]:
    """Say what did not stay as it was."""
    steady = sights[round(len(sights) * WARM_UP) :]
    quarter = max(len(steady) // 4, 1)
    first, last = steady[:quarter], steady[-quarter:]
    found = []
    grown = mean(s.memory_mb for s in last) - mean(s.memory_mb for s in first)
    if grown > ALLOWED_MB:
        found.append(f"memory grew by {grown:.1f} MB")
    for name in ("threads", "files"):
        counts = sorted({getattr(sight, name) for sight in steady})
        if len(counts) > 1:
            found.append(f"the number of {name} went from {counts[0]} to {counts[-1]}")
    before, after = (median(sight.age_ms for sight in part) for part in (first, last))
    if after > OLDER * before + 5:
        found.append(f"frames got older, from {before:.1f} to {after:.1f} ms")
    return found


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--window", "has_window", is_flag=True, help="With a window, on a screen.")
def main(minutes: float, has_window: bool) -> None:
    """Run, print and judge."""
    sights = watch(60 * minutes, has_window=has_window)
    step = max(len(sights) // 10, 1)
    click.echo("second  memory MB  threads  files  age ms   frame")
    for second, sight in enumerate(sights, 1):
        if second % step == 0:
            click.echo(
                f"{second:>6}{sight.memory_mb:>11.1f}{sight.threads:>9}{sight.files:>7}"
                f"{sight.age_ms:>8.1f}{sight.frame:>8}"
            )
    found = complaints(sights)
    for complaint in found:
        click.echo(complaint, err=True)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
