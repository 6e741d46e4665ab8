"""The unit for systemd: it is valid, may do little, and what it starts serves."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from command import ROOT
from examples import serve_in

UNIT = ROOT / "docs" / "digitlens.service"
MOST = 20
"""Tenths of systemd's exposure level, 0 to 10, of which 2 is well protected."""

pytestmark = pytest.mark.systemd


def started() -> str:
    """Give the command that the unit starts."""
    (line,) = (each for each in UNIT.read_text().splitlines() if each.startswith("ExecStart="))
    return line.removeprefix("ExecStart=")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is here."""
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace(shlex.split(started())[0], sys.executable))
    return path


def test_systemd_takes_it(unit: Path) -> None:
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(unit) not in done.stderr


def test_it_may_do_little(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={MOST}", str(unit)]
    done = subprocess.run([*command, "--no-pager"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Overall exposure level" in done.stdout


def test_what_it_starts_serves(tmp_path: Path) -> None:
    program, *arguments = shlex.split(started())
    assert Path(program).name == "digitlens"
    serve_in(tmp_path, shlex.join(["digitlens", *arguments]).replace(" 0 ", " test: "))
