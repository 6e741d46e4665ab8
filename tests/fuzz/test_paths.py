"""Paths that are odd, and files that are none: each ends soon, with its status and one line."""

import json
import os
import shutil
import socket
import sys
from pathlib import Path

import pytest

from child import run
from command import Digitlens, Result, assert_one_line_error

ODD_NAMES = (
    "with spaces.png",
    "tab\tand\nnewline.png",
    "émöji 🙂.png",
    "-starts-with-a-dash.png",
    "--format.png",
    "n" * 251 + ".png",
    "back\\slash'\"`$(x);&.png",
    "%s%d{0}.png",
    b"not-utf-8-\xff\xfe.png",
)
COMMANDS = ("classify", "maps", "camera --no-window")
SECONDS = 60.0


def made(kind: str, folder: Path) -> Path:
    """Make something that is no image file, and give its path."""
    path = folder / f"{kind}.png"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as each:
            each.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "broken-link":
        path.symlink_to("nowhere.png")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind.startswith("dev"):
        return Path("/", *kind.split("-"))
    elif kind == "text":
        path.write_text("hello")
    elif kind == "empty":
        path.touch()
    return path


def called(command: str, path: str | bytes | Path, *more: str) -> Result:
    """Run a command on a path within a limit, with no input to wait for."""
    words = [sys.executable, "-m", "digitlens", *command.split(), *more, "--", os.fsdecode(path)]
    finished = run(words, seconds=SECONDS)
    assert finished.peak_mb < 500
    return Result(finished.status, finished.out, finished.err)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_a_name(name: str | bytes, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    path = os.path.join(os.fsencode(folder), os.fsencode(name))  # noqa: PTH118
    shutil.copy(os.fsencode(photo), path)
    for asked in (path, os.fsencode(folder)):
        result = called("classify --format json", asked)
        assert result.status == 0, result.err
        (line,) = result.out.splitlines()
        assert json.loads(line)["text"] == "12345\n67890"
        assert os.fsencode(json.loads(line)["source"]) == path
    result = called("classify", path)
    assert len(result.out.splitlines()) == 1
    result = called("maps", path, "--output", str(tmp_path / "maps.png"))
    assert result.status == 0, result.err
    assert (tmp_path / "maps.png").exists()


@pytest.mark.parametrize(
    "kind",
    ["fifo", "socket", "broken-link", "loop", "dev-null", "dev-zero", "text", "empty", "missing"],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_image_ends_with_one_line(command: str, kind: str, tmp_path: Path) -> None:
    result = called(command, made(kind, tmp_path))
    assert result.status in (1, 2)
    assert_one_line_error(result, result.status)
    if kind in ("missing", "broken-link"):
        assert result.status == 2


@pytest.mark.parametrize("kind", ["fifo", "socket", "dev-zero", "dev-null", "text", "folder"])
@pytest.mark.parametrize("command", ["doctor --model", "classify photo.png --model"])
def test_what_is_no_model_ends_with_one_line(command: str, kind: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "digitlens", *command.split(), str(made(kind, tmp_path))]
    finished = run(words, seconds=SECONDS)
    assert finished.status == 1
    assert "Traceback" not in finished.err
    if command.startswith("classify"):
        assert_one_line_error(Result(1, finished.out, finished.err), 1)


def test_a_folder_is_read_whatever_else_lies_in_it(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    (folder / "inner.png").mkdir(parents=True)
    shutil.copy(photo, folder / "inner.png" / "photo.png")
    for kind in ("fifo", "socket", "broken-link", "loop", "text"):
        made(kind, folder)
    (folder / "dir-loop").symlink_to(folder)
    result = called("classify --format json", folder)
    lines = {Path(line["source"]).name: line for line in map(json.loads, result.out.splitlines())}
    assert lines.keys() == {"photo.png", "text.png"}
    assert lines["photo.png"]["text"] == "12345\n67890"
    assert "not an image" in lines["text.png"]["error"]
    assert result.status == 1


def test_files_that_go_while_a_folder_is_read_are_told(photo: Path, tmp_path: Path) -> None:
    for number in range(3):
        shutil.copy(photo, tmp_path / f"{number}.png")
    script = (
        "import os, sys\n"
        "from digitlens import sources\n"
        "files = sources.image_files\n"
        "def then_remove(folder):\n"
        "    found = files(folder)\n"
        "    os.remove(found[1])\n"
        "    return found\n"
        "sources.image_files = then_remove\n"
        "from digitlens.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    finished = run([sys.executable, "-c", script, "classify", str(tmp_path), "--format", "json"])
    texts = ["error" in json.loads(line) for line in finished.out.splitlines()]
    assert texts == [False, True, False, False]
    assert finished.status == 2


def test_what_may_not_be_looked_at_is_told_and_the_rest_is_read(
    photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "scans"
    for name in ("ok", "unlisted", "unsearched"):
        (folder / name).mkdir(parents=True)
        shutil.copy(photo, folder / name / "1.png")
    (folder / "unlisted").chmod(0)
    (folder / "unsearched").chmod(0o600)
    # Root may look anywhere, unless it gives that right up.
    limits = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] * (os.geteuid() == 0)
    command = [*limits, sys.executable, "-m", "digitlens"]
    result = run([*command, "classify", str(folder), str(photo), "--format", "json"])
    found = [json.loads(line) for line in result.out.splitlines()]
    assert [each.get("text") for each in found] == ["12345\n67890", None, None, "12345\n67890"]
    assert all("Permission denied" in found[number]["error"] for number in (1, 2))
    assert (result.status, result.err) == (1, "")
    locked = str(folder / "unsearched" / "model.onnx")
    for words in (
        ["camera", "test:", "--no-window", "--record", locked + ".mp4"],
        ["bench", "--quick", "--raw", locked],
    ):
        refused = run([*command, *words])
        assert len(refused.err.splitlines()) == 1, refused.err
        assert locked in refused.err
        assert "; choose another" in refused.err
        assert refused.status == 2
    looked = run([*command, "doctor", "--model", locked])
    assert looked.status == 1
    assert "cannot be read (Permission denied): name an ONNX file" in looked.out
    for path in (folder / "unlisted", folder / "unsearched"):
        path.chmod(0o700)


def test_an_empty_path_and_a_full_disk_end_with_one_line(photo: Path, digitlens: Digitlens) -> None:
    assert_one_line_error(digitlens("classify", ""), 2, "empty path")
    finished = run(["sh", "-c", f"{sys.executable} -m digitlens classify {photo} > /dev/full"])
    assert finished.status == 1
    assert len(finished.err.splitlines()) == 1
    assert finished.err.startswith("Error: ")
    result = called("maps", photo, "--output", "/dev/full")
    assert_one_line_error(result, 2, "/dev/full")
