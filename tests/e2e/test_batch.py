"""`digitlens batch` as a user runs it, and its output as others read it."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from batching import by_source, manifest, png, rows, tree, write_tar
from benchmark import assert_gone, children, processes_with
from command import Digitlens, assert_one_line_error

READINGS = ["source", "width", "height", "text", "digits"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digits: list, page: np.ndarray) -> Path:
    """A photo, digits in a tar file, and a file that is no image."""
    folder = tmp_path_factory.mktemp("batch") / "scans"
    folder.mkdir()
    cv2.imwrite(str(folder / "page.png"), page)
    (folder / "broken.jpg").write_text("broken")
    write_tar(folder / "digits.tar", [(f"{n}.png", png(image)) for n, image in enumerate(digits)])
    return folder


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def output(request: pytest.FixtureRequest, folder: Path, digitlens: Digitlens) -> Path:
    """What the command makes of the folder."""
    output = folder.parent / request.param
    command = ("batch", "scans", "--output", request.param, "--format", request.param)
    result = digitlens(*command, "--workers", 1, cwd=folder.parent)
    assert result.status == 1
    assert result.out == ""
    assert result.err.startswith("12 images: 11 read, 1 could not be, ")
    assert len(result.err.splitlines()) == 1
    return output


def test_the_rows_are_those_of_classify(output: Path, folder: Path, digitlens: Digitlens) -> None:
    found = {row["source"]: row for row in rows(output)}
    line = digitlens("classify", "scans/page.png", "--format", "json", cwd=folder.parent).out
    expected = json.loads(line)
    del expected["elapsed_ms"]
    assert found["scans/page.png"] == expected
    assert [found[f"scans/digits.tar#{n}.png"]["text"] for n in range(10)] == list("0123456789")
    assert rows(output, "errors") == [
        {
            "source": "scans/broken.jpg",
            "error": "not an image: neither PNG, JPEG, BMP, WebP, GIF nor TIFF",
        }
    ]
    assert manifest(output)["counts"]["images"] == 12


def test_pandas_reads_it(output: Path) -> None:
    if output.name == "parquet":
        readings, errors = pd.read_parquet(output / "readings"), pd.read_parquet(output / "errors")
    else:
        readings, errors = (
            pd.concat(pd.read_json(path, lines=True) for path in (output / what).iterdir())
            for what in ("readings", "errors")
        )
    page = readings.set_index("source").loc["scans/page.png"]
    assert page.text == "12345\n67890"
    assert page.digits[3]["label"] == 4
    assert list(page.digits[3]["box"])[2] > 10
    assert list(readings.columns) == READINGS
    assert list(errors.source) == ["scans/broken.jpg"]


def test_polars_reads_it(output: Path) -> None:
    scan = pl.scan_parquet if output.name == "parquet" else pl.scan_ndjson
    pattern = f"{output}/readings/*.{output.name}"
    readings = scan(pattern).collect()
    assert readings.columns == READINGS
    sure = readings.explode("digits").unnest("digits").filter(pl.col("sure"))
    assert sure.height == 20
    assert sorted(sure["label"].unique()) == list(range(10))
    assert scan(f"{output}/errors/*.{output.name}").collect()["source"].to_list() == [
        "scans/broken.jpg"
    ]


def test_duckdb_reads_it(output: Path) -> None:
    pattern = f"{output}/readings/*.{output.name}"
    found = duckdb.sql(
        f"SELECT text, len(digits), digits[4].label, digits[4].box[3] FROM '{pattern}' "
        "WHERE source = 'scans/page.png'"
    ).fetchall()[0]
    assert found[:3] == ("12345\n67890", 10, 4)
    assert found[3] > 10
    errors = duckdb.sql(f"SELECT source FROM '{output}/errors/*.{output.name}'").fetchall()
    assert errors == [("scans/broken.jpg",)]


def test_a_second_run_does_nothing_and_changes_nothing(
    output: Path, folder: Path, digitlens: Digitlens
) -> None:
    first = tree(output)
    command = ("batch", "scans", "-o", output.name, "--format", output.name)
    result = digitlens(*command, cwd=folder.parent)
    assert result.status == 1
    assert result.err.rstrip().endswith("; 2 of 2 shards were there")
    assert tree(output) == first


def test_what_is_wrong_is_one_line(folder: Path, tmp_path: Path, digitlens: Digitlens) -> None:
    def refused(*arguments: object, words: tuple[str, ...]) -> None:
        result = digitlens("batch", *arguments, cwd=tmp_path)
        assert_one_line_error(result, 2, *words)

    scans = str(folder)
    refused(scans, words=("--output",))
    refused("nope", "-o", "out", words=("nope", "check the path"))
    refused(scans, "nope/*.png", "-o", "out", words=("nope/*.png",))
    refused(scans, "-o", "out", "--cpus", 2, words=("--engine ray",))
    refused(scans, "-o", "", words=("an empty --output",))
    refused(scans, "-o", "n" * 300, words=("cannot write", "too long"))
    refused(
        scans,
        "-o",
        "out",
        "--min-confidence",
        "nan",
        words=("--min-confidence", "'nan' is no finite number"),
    )
    refused(scans, "-o", "out", "--workers", 0, words=("--workers",))
    refused(scans, "-o", "out", "--model", "nope.onnx", words=("nope.onnx",))
    refused(scans, "-o", "out", "--provider", "cuda", words=("cuda",))
    refused(scans, "-o", scans, words=("holds other files",))
    refused(scans, "-o", "/proc/out", words=("cannot write /proc/out",))
    refused("s3:/bucket", "-o", "out", words=("s3:/bucket",))
    refused("what://bucket", "-o", "out", words=("what://bucket",))
    assert not (tmp_path / "out").exists()
    address = ("--engine", "ray", "--address", "127.0.0.1:1")
    result = digitlens("batch", scans, "-o", "out", *address, cwd=tmp_path)
    assert_one_line_error(result, 1, "no Ray cluster at 127.0.0.1:1", "ray start --head")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, page: np.ndarray) -> Path:
    """Enough photos to be in the middle of them for a while."""
    folder = tmp_path_factory.mktemp("photos")
    large = png(np.tile(page, (1, 2, 1)))
    for number in range(400):
        (folder / f"{number:03d}.png").write_bytes(large)
    return folder


def start(photos: Path, output: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """Start the command, and wait until the first shard is complete."""
    words = ("batch", photos, "-o", output, "--shard-size", 20, *arguments)
    command = [sys.executable, "-m", "digitlens", *map(str, words)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list((output / "receipts").glob("shard-*")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def without_progress(errors: str) -> str:
    """Leave out the lines that tell how far it is, of which a slow machine prints some."""
    return "\n".join(line for line in errors.splitlines() if not line.endswith("/s]")).strip()


def workers(process: subprocess.Popen[bytes]) -> list[int]:
    mine = set(children(process.pid))
    return [pid for pid in processes_with("--multiprocessing-fork") if pid in mine]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_it_is_ended_its_workers_end_too(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: int
) -> None:
    output, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = start(photos, output)
    there = workers(process)
    assert len(there) >= len(os.sched_getaffinity(0))
    process.send_signal(how)
    _, errors = process.communicate(timeout=20)
    assert_gone(there)
    if how != signal.SIGKILL:
        assert process.returncode == 128 + how
        expected = "Error: interrupted" if how == signal.SIGINT else ""
        assert without_progress(errors.decode()) == expected
        assert not list(temporary.iterdir())
    assert manifest(output)["complete"] is False


def test_workers_that_are_killed_are_replaced(photos: Path, tmp_path: Path) -> None:
    process = start(photos, tmp_path / "out")
    os.kill(workers(process)[-1], signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert len(by_source(tmp_path / "out")) == 400


def test_a_worker_that_is_killed_before_it_has_begun_is_replaced(
    photos: Path, tmp_path: Path
) -> None:
    words = ("batch", photos, "-o", tmp_path / "out", "--workers", 2, "--shard-size", 20)
    command = [sys.executable, "-m", "digitlens", *map(str, words)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        for _ in range(2):
            deadline = time.monotonic() + 60
            while not (there := workers(process)):
                assert time.monotonic() < deadline
            os.kill(there[0], signal.SIGKILL)
            assert_gone(there[:1])
        process.communicate(timeout=120)
        assert process.returncode == 0
    assert len(by_source(tmp_path / "out")) == 400


def test_a_full_disk_is_one_line_and_the_next_run_finishes(
    photos: Path, tmp_path: Path, digitlens: Digitlens
) -> None:
    assert digitlens("batch", photos, "-o", tmp_path / "whole", "--shard-size", 20).status == 0
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", disk], check=True)
    try:
        result = digitlens("batch", photos, "-o", disk / "out", "--shard-size", 20)
        result = replace(result, err=without_progress(result.err))
        assert_one_line_error(result, 2, "No space left on device", "run the same again")
        complete = len(list((disk / "out" / "receipts").glob("*")))
        assert complete < 20
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        result = digitlens("batch", photos, "-o", disk / "out", "--shard-size", 20)
        assert result.status == 0
        assert f"; {complete} of 20 shards were there" in result.err
        assert tree(disk / "out") == tree(tmp_path / "whole")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_progress_is_a_bar_with_rate_and_time_left_on_a_terminal(
    photos: Path, tmp_path: Path
) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
    words = ("batch", photos, "-o", tmp_path / "out", "--shard-size", 10)
    command = [sys.executable, "-m", "digitlens", *map(str, words)]
    with subprocess.Popen(command, stderr=follower, stdout=subprocess.DEVNULL) as process:
        os.close(follower)
        shown = b""
        with suppress(OSError):  # the other end is closed
            while True:
                shown += os.read(leader, 4096)
        assert process.wait() == 0
    bars = shown.decode().split("\r")
    assert any(re.search(r"\d+%\|.*<00:\d\d, .*B/s, \d+ images, \d+/s\]", bar) for bar in bars)
