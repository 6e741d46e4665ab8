"""The benchmark of photos: its figures, on pictures whose answers are known."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import ROOT
from photo_score import Answer, Given, Picture, coverage_curve, score

SCRIPTS = ROOT / "scripts"


def answer(labels: str, read: str, *, scattered: bool = False, origin: str = "a") -> Answer:
    """Score `read`, in which a letter is an unsure digit: a for 0, b for 1, and so on."""
    picture = Picture("x.png", "photo", tuple(map(int, labels)), scattered, origin)
    digits = tuple(
        Given(int(c), confidence=0.99)
        if c.isdigit()
        else Given(ord(c) - 97, sure=False, confidence=0.6)
        for c in read
    )
    return Answer(picture, digits, 0.5, 2.0)


@pytest.mark.parametrize(
    ("labels", "read", "scattered", "exact", "right"),
    [
        ("123", "123", False, True, 3),
        ("123", "12c", False, False, 2),
        ("123", "12d", False, False, 3),
        ("123", "1723", False, False, 3),
        ("1212", "2121", False, False, 3),
        ("123", "321", False, False, 1),
        ("123", "321", True, True, 3),
        ("123", "3213", True, False, 3),
        ("", "", False, True, 0),
        ("", "7", False, False, 0),
    ],
)
def test_an_answer_is_exact_or_right_in_part(
    labels: str, read: str, scattered: bool, exact: bool, right: int
) -> None:
    given = answer(labels, read, scattered=scattered)
    assert given.is_exact == exact
    assert sum(given.right) == right


def test_a_score_counts_sure_digits_and_averages_over_origins() -> None:
    given = [answer("12", "12"), answer("12", "1d"), answer("34", "35", origin="b")]
    found = score(given)
    assert found.exact == pytest.approx(1 / 3)
    assert found.exact_by_origin == pytest.approx(0.25)
    assert (found.recall, found.precision) == pytest.approx((4 / 6, 4 / 6))
    assert found.wrong_sure == pytest.approx(1 / 5)
    assert found.coverage == pytest.approx(5 / 6)
    assert found.ms_per_megapixel == pytest.approx(250)
    low, high = coverage_curve(given, (0.5, 0.9))
    assert (low.coverage, low.accuracy) == pytest.approx((1, 4 / 6))
    assert (high.coverage, high.accuracy) == pytest.approx((5 / 6, 4 / 5))
    assert score([answer("", "7"), answer("", "")]).false_sure == 0.5


@pytest.fixture
def folder(page: np.ndarray, tmp_path: Path) -> Path:
    """One photo that is read, labelled right once and wrong once."""
    cv2.imwrite(str(tmp_path / "page.png"), page)
    entry = {"file": "page.png", "kind": "photo", "layout": "grid", "origin": "a"}
    labels = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], [1, 2, 3])
    entries = [entry | {"labels": digits} for digits in labels]
    (tmp_path / "manifest.json").write_text(json.dumps(entries))
    return tmp_path


def test_it_measures_a_folder_and_draws_what_was_wrong(folder: Path) -> None:
    command = [sys.executable, str(SCRIPTS / "bench_photos.py"), str(folder), "--format", "json"]
    done = subprocess.run(
        [*command, "--sheet", str(folder / "wrong.png"), "--peers"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    ours = record["scores"]["digitlens"]["photo"]
    assert (ours["pictures"], ours["exact"]) == (2, 0.5)
    assert set(record["scores"]) >= {"digitlens", "tutorial", "tutorial, fitted"}
    assert record["curve"][0]["coverage"] > 1
    assert cv2.imread(str(folder / "wrong.png")).shape == (300, 4 * 360, 3)


def test_pictures_without_digits_give_hardly_a_sure_one(tmp_path: Path) -> None:
    make = [sys.executable, str(SCRIPTS / "no_digits.py"), str(tmp_path)]
    assert subprocess.run(make, check=True, capture_output=True, text=True).stdout.startswith("200")
    bench = [sys.executable, str(SCRIPTS / "bench_photos.py"), str(tmp_path), "--format", "json"]
    done = subprocess.run(bench, check=True, capture_output=True, text=True, timeout=300)
    none = json.loads(done.stdout)["scores"]["digitlens"]["none"]
    assert none["pictures"] == 200
    assert none["false_sure"] <= 0.1
