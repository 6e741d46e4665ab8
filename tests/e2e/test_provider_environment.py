"""Environments for other builds of onnxruntime: made once, and what is wrong is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command import ROOT
from provider_environment import python_with_packages

SCRIPT = ROOT / "scripts" / "provider_environment.py"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["onnxruntime-openvino", "-U"]])
def test_packages_must_be_named(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: name packages, such as onnxruntime-openvino\n"


def test_what_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / ".venv-onnxruntime-ep-some"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.write_text("this is left as it is")
    packages = ["onnxruntime", "onnxruntime-ep-some"]
    (folder / "packages.txt").write_text("\n".join(packages))
    assert python_with_packages(packages, tmp_path) == python
    assert python.read_text() == "this is left as it is"


def test_what_could_not_be_installed_does_not_count_as_there(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "scripts")!r})
from pathlib import Path
from provider_environment import python_with_packages
python_with_packages(["onnxruntime-some"], Path({str(tmp_path)!r}))
"""
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | offline
    )
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: pip could not install (ERROR: ")
    assert "check the network" in last
    folder = tmp_path / ".venv-onnxruntime-some"
    assert (folder / "bin" / "python").exists()
    assert not (folder / "packages.txt").exists()
