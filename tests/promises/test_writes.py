"""Nothing is written but what was asked for: no cache, no settings, no log, no lock.

What bench and batch keep in the folder for temporary files is gone at their end.
"""

import re
import shutil
from pathlib import Path

import pytest

from tracing import COMMAND, calls, on_read_only_disks

pytestmark = pytest.mark.tracing

COMMANDS = {
    "classify photo.png": (),
    "classify photo.png --explain why --maps maps": ("why", "maps"),
    "maps photo.png --output maps.png": ("maps.png",),
    "camera test: --no-window --frames 20 --record clip.mp4": ("clip.mp4",),
    "camera photo.png --no-window --format json": (),
    "bench --no-pipeline --batch 1 --pace max --queries 5 --seconds 0 --raw raw.json": (
        "raw.json",
    ),
    "batch photo.png --output out": ("out",),
    "doctor": (),
}
"""With the files and folders that each was asked for."""

NO_FILES = ("/dev/null", "/dev/tty", "/proc/self/", "/dev/shm/")
"""What is no file on a disk: devices, the process's own memory, memory that processes share."""

CHANGES = re.compile(
    r"(?:open|openat|creat)\(.*(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE)"
    r"|(?:mkdir|mknod|symlink|link|unlink|rename|rmdir|truncate|f?chmod|f?chown)(?:at2?)?\("
)
PATHS = re.compile(r'(?:<([^>]*)>, )?"([^"]*)"')
"""Paths as strace shows them, perhaps with the folder that they start from."""


def changed(lines: list[str], folder: Path) -> set[Path]:
    """Give the paths that system calls changed with success, from strace's lines."""
    changes = [line for line in lines if CHANGES.match(line) and " = -1 " not in line]
    found = [(base or folder, name) for line in changes for base, name in PATHS.findall(line)]
    return {Path(base, name).resolve() for base, name in found if not name.startswith(NO_FILES)}


@pytest.fixture
def folder(tmp_path: Path, photo: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    shutil.move(photo, folder)
    return folder


@pytest.fixture
def empty_home(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a user without any file; Python's own .pyc are pip's to make."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "XDG_CACHE_HOME": "",
        "XDG_CONFIG_HOME": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def is_asked_for(path: Path, asked: tuple[str, ...], folder: Path) -> bool:
    """Tell whether a path is what was asked for, or the file beside it before it is moved there."""
    is_temporary = re.fullmatch(r"\.[0-9a-f]{16}(\.\w+)?", path.name) is not None
    if is_temporary and path.parent == folder:
        return bool(asked)
    return bool({path, *path.parents} & {folder / name for name in asked})


@pytest.mark.parametrize("command", COMMANDS)
def test_it_changes_only_what_it_was_asked_for(
    command: str, folder: Path, empty_home: dict[str, str]
) -> None:
    lines = calls([*COMMAND, *command.split()], "%file", folder, **empty_home)
    assert lines
    others = {
        path
        for path in changed(lines, folder)
        if not is_asked_for(path, COMMANDS[command], folder)
        and not path.is_relative_to(empty_home["TMPDIR"])
    }
    assert others == set()
    assert {path.name for path in folder.iterdir()} == {"photo.png", *COMMANDS[command]}
    for name in ("HOME", "TMPDIR"):
        assert list(Path(empty_home[name]).iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_it_works_where_nothing_else_can_be_written(
    command: str, folder: Path, empty_home: dict[str, str]
) -> None:
    result = on_read_only_disks([*COMMAND, *command.split()], folder, **empty_home)
    assert result.status == 0, result.err
    assert {path.name for path in folder.iterdir()} == {"photo.png", *COMMANDS[command]}


def test_elsewhere_is_read_only_there(
    folder: Path, tmp_path: Path, empty_home: dict[str, str]
) -> None:
    assert on_read_only_disks(["touch", "inside"], folder, **empty_home).status == 0
    result = on_read_only_disks(["touch", tmp_path / "outside"], folder, **empty_home)
    assert "Read-only" in result.err


def test_what_onnxruntime_writes_by_itself_would_be_seen(
    folder: Path, empty_home: dict[str, str]
) -> None:
    """It keeps a data base of events in the user's cache unless it is told not to."""
    loud = empty_home | {"ORT_DISABLE_TELEMETRY": ""}
    lines = calls([COMMAND[0], "-c", "import onnxruntime"], "%file", folder, **loud)
    assert any(Path(loud["HOME"]) in path.parents for path in changed(lines, folder))
