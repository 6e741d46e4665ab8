import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from command import ROOT
from digitlens.bench.plot import draw
from digitlens.bench.row import FAILED, PIPELINE
from digitlens.errors import UsageError
from measured import CUDA, EVEN, failed, report, row

FASTER = tuple(us / 7 for us in EVEN)


def test_a_picture_grows_with_its_rows(tmp_path: Path) -> None:
    few, many = tmp_path / "few.png", tmp_path / "many.png"
    rows = [
        row(FASTER if provider == CUDA else EVEN, batch=batch, threads=threads, provider=provider)
        for provider in ("CPUExecutionProvider", CUDA)
        for batch in (1, 8, 32)
        for threads in (1, 2)
    ]
    draw(report(row()), few)
    draw(report(*rows, row(pace=30.0), row(kind=PIPELINE), failed(FAILED, "x")), many)
    small, large = cv2.imread(str(few)), cv2.imread(str(many))
    assert small.shape[1] == large.shape[1]
    assert small.shape[0] < large.shape[0]
    assert small.std() > 5


@pytest.mark.parametrize(
    "found",
    [
        report(failed(FAILED, "x")),
        report(row(pace=30.0)),
        report(row(kind=PIPELINE)),
        report(row([5.0] * 5)),
    ],
    ids=["failed", "paced", "pipeline", "always the same"],
)
def test_any_report_can_be_drawn(tmp_path: Path, found: object) -> None:
    draw(found, tmp_path / "plot.png")
    assert cv2.imread(str(tmp_path / "plot.png")) is not None


def test_a_picture_needs_a_place_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        draw(report(row()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_module_says_so() -> None:
    code = """
import sys
sys.modules["matplotlib"] = None
sys.path.append("tests")
from digitlens.bench import plot
from measured import report, row
try:
    plot.draw(report(row()), "plot.png")
except ModuleNotFoundError as error:
    print(error.name)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split(".")[0].strip() == "matplotlib"
