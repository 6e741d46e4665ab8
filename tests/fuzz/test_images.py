"""3,000 image files that are damaged or lie: each is read or refused, in time and in little memory.

They go through the command, in child processes, many in each.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from child import Finished, run
from command import Digitlens, assert_one_line_error
from mutate import mutated, valid

COUNT, BATCHES = 3000, 12
EACH = COUNT // BATCHES
SECONDS = 120.0
"""For 250 files, which take two or three; so that a file that takes for ever fails the test."""
PEAK_MB = 1500.0
"""64 megapixels of 16 bits with alpha take 0.5 GB decoded, and as much again on their way."""
COMMAND = (sys.executable, "-m", "digitlens")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def files(page: np.ndarray) -> list[tuple[str, bytes]]:
    return list(mutated(valid(page), COUNT, seed=1))


def written(files: list[tuple[str, bytes]], folder: Path, start: int = 0) -> None:
    for number, (suffix, content) in enumerate(files, start):
        (folder / f"{number}{suffix}").write_bytes(content)


def assert_each_is_read_or_refused(finished: Finished, folder: Path) -> tuple[int, int]:
    """Hold `classify --format json` to one object for every file, and give how many were which."""
    lines = [json.loads(line) for line in finished.out.splitlines()]
    names = {Path(line["source"]).name for line in lines}
    missing = sorted({path.name for path in folder.iterdir()} - names)
    assert missing == [], f"status {finished.status} at {missing[0]}: {finished.err[-1000:]}"
    errors = [line["error"] for line in lines if "error" in line]
    assert all(error and "\n" not in error and "Traceback" not in error for error in errors)
    assert "Traceback" not in finished.err
    assert finished.status == (1 if errors else 0)
    assert finished.peak_mb < PEAK_MB
    return len(lines) - len(errors), len(errors)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_file_is_read_or_refused(
    batch: int, files: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    start = batch * EACH
    written(files[start : start + EACH], tmp_path, start)
    command = [*COMMAND, "classify", str(tmp_path), "--format", "json"]
    read, refused = assert_each_is_read_or_refused(run(command, seconds=SECONDS), tmp_path)
    assert read > EACH / 10
    assert refused > EACH / 10


def test_every_valid_kind_of_file_is_read_but_floating_point(
    page: np.ndarray, tmp_path: Path
) -> None:
    written(valid(page), tmp_path)
    command = [*COMMAND, "classify", str(tmp_path), "--format", "json"]
    finished = run(command, seconds=SECONDS)
    _, refused = assert_each_is_read_or_refused(finished, tmp_path)
    errors = [line for line in finished.out.splitlines() if '"error"' in line]
    assert refused == 1, errors
    assert "float32" in errors[0]


def test_what_is_drawn_of_them_fails_no_worse(
    files: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    written(files[:60], folder)
    drawn = ["--explain", str(tmp_path / "why"), "--maps", str(tmp_path / "maps")]
    command = [*COMMAND, "classify", str(folder), "--format", "json", *drawn]
    read, _ = assert_each_is_read_or_refused(run(command, seconds=SECONDS), folder)
    assert len(list((tmp_path / "why").iterdir())) == read


@pytest.mark.parametrize("size", [0x7FFFFFF0, 0xFFFFFFF0])
def test_a_chunk_that_promises_gigabytes_is_refused_before_they_are_set_aside(
    size: int, tmp_path: Path, digitlens: Digitlens
) -> None:
    content = next(content for suffix, content in valid(np.zeros((84, 180, 3), np.uint8)))
    assert content.startswith(PNG)
    end = content.index(b"IDAT") - 4
    path = tmp_path / "large.png"
    path.write_bytes(content[:end] + size.to_bytes(4, "big") + content[end + 4 :])
    finished = run([*COMMAND, "maps", str(path), "-o", str(tmp_path / "maps.png")])
    assert finished.status == 1
    assert finished.peak_mb < 300
    result = digitlens("maps", path, "-o", tmp_path / "maps.png")
    assert_one_line_error(result, 1, "large.png", "PNG data is truncated")
