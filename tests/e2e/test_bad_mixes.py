"""Packages that spoil each other, really installed: `digitlens doctor` names the way out."""

import json
import os
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest

from command import ROOT, Result

NO_SCREEN = ("DISPLAY", "WAYLAND_DISPLAY")


class Device:
    """An environment with the runtime from this checkout, that is spoilt and mended again."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / "bin" / "python"
        (self.packages,) = folder.glob("lib/python*/site-packages")
        self.pip("install", str(ROOT))

    def pip(self, command: str, *arguments: str) -> None:
        settings = ["-c", str(ROOT / "constraints.txt")] if command == "install" else ["--yes"]
        pip = [str(self.python), "-m", "pip", command, "--quiet", *settings, *arguments]
        subprocess.run(pip, check=True, capture_output=True)

    def run(self, *arguments: str) -> Result:
        environment = {name: value for name, value in os.environ.items() if name not in NO_SCREEN}
        command = [str(self.python), "-m", "digitlens", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        assert "Traceback" not in done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def doctor(self) -> tuple[int, list[dict[str, Any]]]:
        """Give the status of `digitlens doctor`, and the problems that have to do with packages."""
        result = self.run("doctor", "--format", "json")
        problems = json.loads(result.out)["problems"]
        return result.status, [p for p in problems if not p["what"].startswith("no ")]

    def refuses_to_read(self, photo: Path) -> bool:
        """Tell whether reading ends with one line that leads to the doctor."""
        result = self.run("classify", str(photo))
        lines = result.err.strip().splitlines()
        assert len(lines) <= 1, result.err
        return result.status == 2 and "digitlens doctor" in lines[0]


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return Device(tmp_path_factory.mktemp("device") / "venv")


def test_a_sound_environment_has_no_such_problem(device: Device) -> None:
    assert device.doctor() == (0, [])


def test_two_opencvs_and_what_is_left_of_them(device: Device, photo: Path) -> None:
    device.pip("install", "opencv-python-headless")
    status, (problem,) = device.doctor()
    assert status == 0
    assert "opencv-python and opencv-python-headless are installed" in problem["what"]
    assert "pip uninstall opencv-python opencv-python-headless" in problem["way_out"]
    device.pip("uninstall", "opencv-python-headless")
    status, (problem,) = device.doctor()
    assert status == 1
    assert problem["what"].startswith("opencv-python is installed, but its files are gone")
    assert problem["way_out"] == "pip install --force-reinstall --no-deps opencv-python"
    assert device.refuses_to_read(photo)
    device.pip(*problem["way_out"].split()[1:])
    assert device.doctor() == (0, [])


def test_the_headless_opencv_reads_and_opens_no_window(device: Device, photo: Path) -> None:
    device.pip("uninstall", "opencv-python")
    device.pip("install", "opencv-python-headless")
    assert device.doctor()[0] == 0
    assert device.run("classify", str(photo)).out.split("  ")[1] == "12345 / 67890"
    device.pip("uninstall", "opencv-python-headless")
    status, (problem,) = device.doctor()
    assert (status, problem["what"]) == (1, "opencv-python is not installed")
    assert device.refuses_to_read(photo)
    device.pip(*problem["way_out"].split()[1:])
    assert device.doctor() == (0, [])


def test_two_onnxruntimes_and_what_is_left_of_them(device: Device, photo: Path) -> None:
    device.pip("install", "onnxruntime-openvino")
    _, problems = device.doctor()
    assert "onnxruntime and onnxruntime-openvino are installed" in problems[0]["what"]
    device.pip("uninstall", "onnxruntime-openvino")
    status, (problem,) = device.doctor()
    assert status == 1
    assert problem["what"].startswith("onnxruntime is installed, but its files are gone")
    assert device.refuses_to_read(photo)
    device.pip(*problem["way_out"].split()[1:])
    assert device.doctor() == (0, [])


def test_a_library_of_the_system_that_is_missing(device: Device, photo: Path) -> None:
    """The loader finds no libGL where the name in the extension module is another."""
    (extension,) = (device.packages / "cv2").glob("cv2*.so")
    whole = extension.read_bytes()
    needed = next(n for n in (b"libGL.so.1\0", b"libc.so.6\0") if n in whole)
    try:
        extension.unlink()
        extension.write_bytes(whole.replace(needed, needed.replace(b"lib", b"LIB")))
        status, (problem,) = device.doctor()
        assert status == 1
        assert "opencv-python cannot be loaded" in problem["what"]
        assert "apt install libgl1 libglib2.0-0" in problem["way_out"]
        assert device.refuses_to_read(photo)
    finally:
        extension.write_bytes(whole)


def test_a_package_that_is_too_old(device: Device) -> None:
    device.pip("uninstall", "click")
    subprocess.run([str(device.python), "-m", "pip", "install", "-q", "click==8.1.8"], check=True)
    status, (problem,) = device.doctor()
    assert status == 1
    assert problem["what"] == "click 8.1.8 is older than 8.2.0"
    assert problem["way_out"] == 'pip install --upgrade "click>=8.2.0"'
    device.pip("install", "--upgrade", "click")
    assert device.doctor() == (0, [])
