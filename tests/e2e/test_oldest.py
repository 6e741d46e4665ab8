"""The oldest versions that pip may choose for the runtime and its extras: all works with them."""

import json
import subprocess
import venv
from pathlib import Path

import cv2
import pytest
from packaging.requirements import Requirement

import test_pythons
from command import ROOT, Digitlens, Result
from environment import python_in

OLDEST = test_pythons.oldest(*test_pythons.EXTRAS)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oldest") / "venv"
    venv.create(folder, with_pip=True)
    test_pythons.prepare(python_in(folder), ROOT, is_oldest=True)
    return python_in(folder)


def call(python: Path, *arguments: object, folder: Path) -> Result:
    command = [str(python), "-m", "digitlens", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    return Result(done.returncode, done.stdout, done.stderr)


def test_the_lower_bounds_are_versions(python: Path) -> None:
    listed = [str(python), "-m", "pip", "list", "--format", "json"]
    found = json.loads(subprocess.run(listed, capture_output=True).stdout)
    installed = {each["name"]: each["version"] for each in found}
    assert len(OLDEST) == 10
    for oldest in map(Requirement, OLDEST):
        assert str(oldest.specifier).startswith("==")
        assert oldest.specifier.contains(installed[oldest.name]), oldest


def test_the_tests_of_the_runtime_pass(python: Path) -> None:
    assert test_pythons.run(python, is_oldest=True) == 0


def test_readings_and_outputs_are_those_of_the_newest(
    python: Path, photo: Path, tmp_path: Path, digitlens: Digitlens
) -> None:
    command = ("classify", photo, "--format", "json")
    old, new = call(python, *command, folder=tmp_path), digitlens(*command)
    assert old.status == 0, old.err
    olds, news = (json.loads(result.out) for result in (old, new))
    assert olds["text"] == news["text"] == "12345\n67890"
    for one, other in zip(olds["digits"], news["digits"], strict=True):
        assert one["box"] == other["box"]
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-4)


def test_every_other_command_works(python: Path, photo: Path, tmp_path: Path) -> None:
    for command in (
        "doctor",
        f"maps {photo} -o maps.png",
        f"classify {photo} --explain why --maps maps",
        "camera test: --no-window --frames 10 --record clip.mp4",
        "camera clip.mp4 --no-window",
        "bench --no-pipeline --batch 1 --queries 5 --seconds 0",
    ):
        result = call(python, *command.split(), folder=tmp_path)
        assert result.status == 0, f"{command}: {result.err}{result.out}"
    assert cv2.imread(str(tmp_path / "maps.png")).shape[1] == 1280
