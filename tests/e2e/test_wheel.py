"""The wheel on a device: an empty environment, the four dependencies, no PyTorch."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import cv2
import pytest

from command import ROOT, Result


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and its base dependencies alone."""
    folder = tmp_path_factory.mktemp("device")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True)
    (wheel,) = folder.glob("digitlens-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, str(wheel)], check=True)
    return python


def call(python: Path, *arguments: object, cwd: Path) -> Result:
    command = [str(python.with_name("digitlens")), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    return Result(done.returncode, done.stdout, done.stderr)


def test_only_the_base_dependencies_are_there(device: Path) -> None:
    listed = subprocess.run(
        [str(device), "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert {"digitlens", "numpy", "onnxruntime", "opencv-python", "click"} <= names
    assert not names & {"torch", "torchvision", "onnx", "matplotlib", "pillow", "scipy"}


def test_the_wheel_holds_what_is_no_python(device: Path) -> None:
    (wheel,) = device.parents[2].glob("digitlens-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"digitlens_train/report.html", "digitlens/models/lenet5.onnx"} <= names
    assert "digitlens/capture/tiles.png" in names
    static = ROOT / "runtime" / "digitlens" / "serve" / "static"
    assert {f"digitlens/serve/static/{path.name}" for path in static.iterdir()} <= names


def test_it_classifies_and_draws(device: Path, photo: Path, tmp_path: Path) -> None:
    result = call(device, "classify", photo, "--format", "json", cwd=tmp_path)
    assert result.status == 0, result.err
    assert json.loads(result.out)["text"] == "12345\n67890"
    result = call(device, "maps", photo, cwd=tmp_path)
    assert result.status == 0, result.err
    assert cv2.imread(str(tmp_path / "photo-maps.png")).shape[1] == 1280
    assert call(device, "doctor", cwd=tmp_path).status == 0
    live = call(device, "camera", "test:", "--no-window", "--frames", 4, cwd=tmp_path)
    assert "1234 / 5678 / 90" in live.out


def test_what_needs_an_extra_there_names_it(device: Path, tmp_path: Path) -> None:
    for command, extra in (
        ("train", "train"),
        ("export run", "export"),
        ("serve", "serve"),
        ("batch . -o out", "batch"),
    ):
        result = call(device, *command.split(), cwd=tmp_path)
        assert result.status == 2
        assert f'pip install "digitlens[{extra}]"' in result.err
        assert len(result.err.splitlines()) == 1


def test_the_packaged_model_comes_with_its_card_and_its_run(device: Path, tmp_path: Path) -> None:
    code = (
        "from digitlens.model_file import PACKAGED as p\n"
        "card = p.with_suffix('.md').read_text()\n"
        "import re\n"
        "for name in re.findall(r'\\((lenet5/\\S+)\\)', card): assert (p.parent / name).exists()\n"
        "assert (p.with_suffix('') / 'metrics.json').exists()\n"
    )
    subprocess.run([str(device), "-c", code], check=True, cwd=tmp_path)
