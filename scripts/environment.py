"""The environment that the other scripts run in. Standard library only.

As a script it makes the development environment and prints the path of its Python.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
EVERYTHING = "dev"
"""The extra that includes all others."""

CONSTRAINTS = ROOT / "constraints.txt"


def python_with(extra: str) -> Path:
    """Install digitlens with `extra` and give the Python that has it.

    That is the Python of the active virtual environment, else of `.venv`, which is made. What is
    installed already is left alone until pyproject.toml or constraints.txt change.
    """
    if sys.version_info < OLDEST_PYTHON:
        have, need = (".".join(map(str, v)) for v in (sys.version_info[:2], OLDEST_PYTHON))
        stop(f"Python {have} is too old: run this with Python {need} or newer")
    is_active = sys.prefix != sys.base_prefix
    folder = Path(sys.prefix) if is_active else ROOT / ".venv"
    python = Path(sys.executable) if is_active else python_in(folder)
    if not python.exists():
        make(folder)
    if not _has(folder, extra) and not _has(folder, EVERYTHING):
        _install(python, extra)
        _stamp(folder, extra).write_text(_state(extra))
    return python


def stop(message: str) -> None:
    """Print one line and exit with 2."""
    say("Error: " + message)
    sys.exit(2)


def say(message: str) -> None:
    """Print a line that is no result."""
    print(message, file=sys.stderr, flush=True)


def python_in(folder: Path) -> Path:
    """Give the Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make(folder: Path) -> None:
    """Make an environment, or exit with 2."""
    say(f"making {folder}")
    try:
        import ensurepip  # noqa: F401
        import venv

        venv.create(folder, with_pip=True)
    except (ImportError, subprocess.CalledProcessError):
        stop("Python has no venv module: install it (on Debian: apt install python3-venv)")
    except OSError as error:
        stop(f"{folder} cannot be made ({error.strerror}): make room there or change its rights")


def _install(python: Path, extra: str) -> None:
    say(f"installing digitlens[{extra}] for {python}; the first time this takes some minutes")
    install(python, "-e", f"{ROOT}[{extra}]")


def install(python: Path, *what: str) -> None:
    """Let pip install something, in the versions that are tested together, or exit with 2."""
    pip(python, "install", "-c", str(CONSTRAINTS), *what)


def wheel(folder: Path) -> Path:
    """Build the wheel of this checkout into an empty folder, or exit with 2."""
    pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def pip(python: Path, command: str, *arguments: str) -> None:
    """Let the pip of an environment do something, or exit with 2 and what it says is wrong."""
    start = [str(python), "-m", "pip"]
    if not _works(*start, "--version") and not _works(str(python), "-m", "ensurepip"):
        stop(f"{python} has no pip: install it there, or remove that environment")
    words = [*start, command, "--quiet", "--disable-pip-version-check", *arguments]
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        lines = [line.strip() for line in result.stdout.splitlines()]
        errors = [line for line in lines if line.startswith("ERROR: ")]
        reason = (errors or lines or ["pip failed"])[-1]
        stop(f"pip could not {command} ({reason}): check the network, then run this again")


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _has(folder: Path, extra: str) -> bool:
    stamp = _stamp(folder, extra)
    return stamp.exists() and stamp.read_text() == _state(extra)


def _stamp(folder: Path, extra: str) -> Path:
    return folder / f"digitlens-{extra}.sha256"


def _state(extra: str) -> str:
    digest = hashlib.sha256(f"{ROOT}[{extra}]".encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(python_with(EVERYTHING))
