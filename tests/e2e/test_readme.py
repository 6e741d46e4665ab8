"""Every example of the README and of the commands' help, run in one folder, in order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import cv2
import numpy as np
import pytest

from command import OFFLINE, ROOT
from digitlens.cli import COMMANDS, cli

README = (ROOT / "README.md").read_text()
TABLE = re.findall(r"^\| `(\w+)` \|.*\| `(digitlens [^`]+)` \|$", README, re.M)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, page: np.ndarray) -> Path:
    """A folder as the examples have it: photo.png, and scans/ with two images."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "scans").mkdir()
    for name in ("photo.png", "scans/1.png", "scans/2.png"):
        cv2.imwrite(str(folder / name), page)
    return folder


def run_in(folder: Path, command: str) -> str:
    environment = {name: v for name, v in os.environ.items() if name != "DIGITLENS_DATA"} | OFFLINE
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def examples_of(name: str) -> list[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.epilog is not None
    return command.epilog.partition(":")[2].split(";")


def test_the_table_has_every_command_with_an_example_of_it() -> None:
    assert [name for name, _ in TABLE] == list(COMMANDS)
    assert all(example.startswith(f"digitlens {name}") for name, example in TABLE)


def test_every_example_of_the_table_and_of_the_help_works(folder: Path) -> None:
    for name, example in TABLE:
        run_in(folder, example)
        for other in examples_of(name):
            run_in(folder, other)
    for path in ("runs/classic/lenet5.onnx", "lenet5.onnx", "photo-maps.png", "maps.png"):
        assert (folder / path).exists()


def test_the_python_example_works(folder: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    (folder / "example.py").write_text(code)
    printed = run_in(folder, "python example.py")
    assert printed.startswith("12345\n67890\n1 ")
    assert printed.endswith("(10, 6, 28, 28)\n")


def test_the_live_example_works(folder: Path) -> None:
    (code,) = re.findall(r"```py\n(.*?)```", README, re.S)
    (folder / "live.py").write_text(code)
    lines = run_in(folder, "python live.py").splitlines()
    assert lines[0] == "0.0  []"
    assert any(line.endswith("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]") for line in lines)


def test_the_figures_of_the_packaged_model_are_what_doctor_prints(folder: Path) -> None:
    printed = run_in(folder, "digitlens doctor")
    section = README.partition("## The packaged model")[2].partition("##")[0]
    for figure in (r"([\d.]+) % of", r"more than (\S+),", r"file \| ([\d,]+) bytes"):
        (value,) = re.findall(figure, section)
        assert value in printed


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
    for script in re.findall(r"scripts/\w+\.py", README):
        assert (ROOT / script).exists()
