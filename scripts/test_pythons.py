"""Test the runtime as users have it: the wheel in an empty environment, on several Pythons.

    python scripts/test_pythons.py
    python scripts/test_pythons.py --oldest
    python scripts/test_pythons.py --suite sid

Pythons 3.11 to 3.14 are looked for on PATH and among those of pyenv and uv; `--suite` takes the
one of a Debian, which is made in `.SUITE`, as root with debootstrap. The wheel of this checkout is
installed with the extras batch, plot and serve, in the versions that are tested together, or with
`--oldest` in the oldest that pyproject.toml allows. Then tests/runtime is run, without PyTorch.
Ends with 1 where a test fails.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import click

import debian_root
from environment import CONSTRAINTS, ROOT, install, pip, python_in, say, wheel

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ("batch", "plot", "serve")
TOOLS = ("jsonschema", "onnx", "pillow", "playwright", "pytest")
"""What tests/runtime needs besides the runtime."""
TESTS = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "pythonpath=scripts tests",
         "-m", "not extras", "tests/runtime")  # fmt: skip


def oldest(*extras: str) -> list[str]:
    """Give what the runtime and extras of it require, each in the oldest version allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return [requirement.replace(">=", "==") for group in groups for requirement in group]


def newest(names: tuple[str, ...]) -> list[str]:
    """Give packages in the versions that are tested together."""
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", CONSTRAINTS.read_text(), re.M))
    return [f"{name}=={pinned[name]}" for name in names]


def pythons() -> dict[str, Path]:
    """Give the Pythons of this machine by version."""
    homes = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    homes += sorted(Path.home().glob(".pyenv/versions/3.*/bin"))
    homes += sorted(Path.home().glob(".local/share/uv/python/cpython-3.*/bin"))
    found: dict[str, Path] = {}
    for version in VERSIONS:
        for python in (home / f"python{version}" for home in homes):
            if version not in found and _answers(python):
                found[version] = python
    return found


def _answers(python: Path) -> bool:
    # pyenv's shims are there for versions that are not chosen, and fail
    command = [str(python), "-c", "import venv"]
    return python.exists() and not subprocess.run(command, capture_output=True).returncode


def prepare(python: Path, built: Path, is_oldest: bool) -> None:
    """Install the wheel, its extras and what the tests need into an environment."""
    if is_oldest:
        pip(python, "install", *oldest(*EXTRAS), *newest(TOOLS))
        pip(python, "install", "--no-deps", str(built))
    else:
        install(python, f"{built}[{','.join(EXTRAS)}]", *TOOLS)
    pip(python, "check")


def tested(built: Path, python: Path, is_oldest: bool) -> int:
    """Test a Python in an environment of its own; give pytest's exit status."""
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "venv"
        subprocess.run([str(python), "-m", "venv", str(made)], check=True)
        prepare(python_in(made), built, is_oldest)
        return run(python_in(made), is_oldest)


def run(python: Path, is_oldest: bool) -> int:
    """Run the tests of the runtime with an installed digitlens; give pytest's exit status."""
    without = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    warnings = ("-W", "default") if is_oldest else ()  # old libraries know that they are old
    command = [str(python), *TESTS, *warnings]
    return subprocess.run(command, cwd=ROOT, env=without, stdout=sys.stderr).returncode


def tested_in(suite: str, built: Path) -> dict[str, int]:
    """Test the Python of a Debian suite."""
    root = debian_root.make(ROOT / f".{suite}", suite, "amd64")
    python = root.install(f"{built}[{','.join(EXTRAS)}]", *TOOLS)
    done = root.run("env", "-C", debian_root.CHECKOUT, "PYTHONDONTWRITEBYTECODE=1", python, *TESTS)
    return {f"{root.python_version()} of Debian {suite}": done.returncode}


@click.command(help=__doc__)
@click.option("--oldest", "is_oldest", is_flag=True, help="The oldest versions that are allowed.")
@click.option("--suite", help="A suite of Debian, whose Python is tested in place of those here.")
@click.option("--only", type=click.Choice(VERSIONS), multiple=True, help="Test these alone.")
def main(is_oldest: bool, suite: str | None, only: tuple[str, ...]) -> None:
    """Build the wheel, test, and print what came out for each Python."""
    with tempfile.TemporaryDirectory() as name:
        built = wheel(Path(name))
        if suite:
            statuses = tested_in(suite, built)
        else:
            found = pythons()
            wanted = only or VERSIONS
            statuses = {v: tested(built, found[v], is_oldest) for v in wanted if v in found}
            for version in wanted:
                if version not in found:
                    say(f"Python {version} is not here: not tested")
    for version, status in statuses.items():
        click.echo(f"Python {version}: {'passed' if status == 0 else 'FAILED'}")
    sys.exit(any(statuses.values()) or not statuses)


if __name__ == "__main__":
    main()
