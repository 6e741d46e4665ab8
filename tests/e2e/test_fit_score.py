"""The scripts that fit the score and say what to expect of unseen pictures, on a few pages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from command import ROOT
from digitlens.vision.score import Score


def run(*command: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made pages as a folder of pictures: every stratum is an origin."""
    folder = tmp_path_factory.mktemp("pictures")
    strata = ("single", "row", "sums", "crop", "canvas", "blank", "texture")
    names = [word for name in strata for word in ("--stratum", name)]
    run("scripts/bench_pages.py", "--seed", 5, "--count", 2, *names, "--write", folder)
    return folder


def test_a_fitted_score_is_written_and_loaded(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "score.npz"
    printed = run("scripts/fit_score.py", "--pages", 21, pictures, "-o", out)
    assert f"{out.stat().st_size:,} bytes" in printed
    score = Score.load(out)
    assert len(score.own.leaf) > 0
    assert score.weights_sha256 == Score.load().weights_sha256


def test_cross_validation_prints_figures_beside_those_on_all(pictures: Path) -> None:
    command = ("scripts/cross_validate.py", pictures, "--pages", 21)
    record = json.loads(run(*command, "--format", "json"))
    assert {"cross-validated", "fitted to all", "made pages only", "sure"} == set(record)
    for column in ("cross-validated", "fitted to all", "made pages only"):
        for figure in record[column].values():
            assert 0 <= figure["low"] <= figure["exact"] <= figure["high"] <= 1
    wrong = [each["coverage"] for each in record["sure"]]
    assert wrong == sorted(wrong, reverse=True)
