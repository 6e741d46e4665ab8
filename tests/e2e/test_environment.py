"""What the set-up says where something is missing: one line, with the way out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command import ROOT

TOO_OLD = "import sys; sys.version_info = (3, 9, 2)"
NO_VENV = "import sys; sys.modules['ensurepip'] = None; sys.prefix = sys.base_prefix"
NOT_WRITABLE = "import sys; sys.prefix = sys.base_prefix"


def set_up(before: str, root: Path) -> subprocess.CompletedProcess[str]:
    code = f"""
{before}
sys.path.insert(0, {str(ROOT / "scripts")!r})
from pathlib import Path
import environment
environment.ROOT = Path({str(root)!r})
environment.python_with("dev")
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("before", "reason", "way_out"),
    [
        (TOO_OLD, "Python 3.9 is too old", "Python 3.11 or newer"),
        (NO_VENV, "no venv module", "apt install python3-venv"),
        (NOT_WRITABLE, "cannot be made", "make room"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, before: str, reason: str, way_out: str
) -> None:
    root = tmp_path / "file"
    if before == NOT_WRITABLE:
        root.write_text("in the way")
    done = set_up(before, root)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert reason in last
    assert way_out in last
    assert "Traceback" not in done.stderr


def test_without_a_network_pip_s_failure_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["a-package-that-must-be-fetched"]\n[project]\nname = "x"\n'
    )
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "scripts")!r})
from pathlib import Path
import environment
environment.ROOT = Path({str(tmp_path)!r})
environment._install(Path(sys.executable), "dev")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | offline
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: pip could not install (ERROR: ")
    assert "check the network" in done.stderr.splitlines()[-1]
