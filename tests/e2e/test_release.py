"""What is released: a wheel and an sdist, the same bytes wherever they are built."""

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import digitlens
from command import ROOT

LARGEST_WHEEL = 1_500_000
NAME = f"digitlens-{digitlens.__version__}"
WHEEL, SDIST = f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"


def run(*arguments: object, folder: Path, umask: int = -1) -> str:
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, umask=umask)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(source: Path, target: Path, umask: int = -1) -> Path:
    """Build the sdist, and the wheel from it, without a network."""
    run("build", "--no-isolation", "--outdir", target, source, folder=target, umask=umask)
    assert {path.name for path in target.iterdir()} == {WHEEL, SDIST}
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def unpacked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built / SDIST) as sdist:
        sdist.extractall(folder, filter="data")
    return folder / NAME


def test_what_is_built_of_the_sdist_elsewhere_is_the_same_to_the_byte(
    built: Path, unpacked: Path, tmp_path: Path
) -> None:
    again = build(unpacked, tmp_path, umask=0o077)
    for name in (WHEEL, SDIST):
        assert (again / name).read_bytes() == (built / name).read_bytes(), name


def test_the_checks_of_the_index_pass(built: Path) -> None:
    files = sorted(built.iterdir())
    assert run("twine", "check", "--strict", *files, folder=ROOT).count("PASSED") == 2
    run("check_wheel_contents", built / WHEEL, folder=ROOT)


def test_the_wheel_is_small_and_holds_the_packages_alone(built: Path) -> None:
    assert (built / WHEEL).stat().st_size < LARGEST_WHEEL
    with zipfile.ZipFile(built / WHEEL) as wheel:
        names = wheel.namelist()
        entry_points = wheel.read(f"{NAME}.dist-info/entry_points.txt").decode()
        fields = email.message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))
    tops = {"digitlens", "digitlens_train", "digitlens_export"}
    assert {name.partition("/")[0] for name in names} == tops | {f"{NAME}.dist-info"}
    assert all(f"{top}/py.typed" in names for top in tops)
    assert f"{NAME}.dist-info/licenses/LICENSE" in names
    assert "digitlens = digitlens.cli:main" in entry_points
    assert fields["Version"] == digitlens.__version__
    bare = [each for each in fields.get_all("Requires-Dist", []) if "extra" not in each]
    names_of = {each.partition(">")[0] for each in bare}
    assert names_of == {"click", "numpy", "onnxruntime", "opencv-python"}


def test_the_sdist_holds_what_one_needs_to_change_and_to_test_it(unpacked: Path) -> None:
    for path in ("tests/conftest.py", "scripts/test.py", "docs/index.md", "mkdocs.yml",
                 "constraints.txt", "CHANGELOG.md", "SECURITY.md", ".ci/run"):  # fmt: skip
        assert (unpacked / path).exists(), path
    environment = {**os.environ, "PYTHONPATH": ""}
    command = [sys.executable, "-m", "pytest", "-q", "tests/runtime/vision/test_foreground.py"]
    done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_changelog_begins_with_this_version() -> None:
    headings = [
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line[:3] == "## "
    ]
    assert headings[0] == f"## {digitlens.__version__}"
