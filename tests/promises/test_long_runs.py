"""100,000 images in one process leave its memory as it was, and several threads share a reader."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from digitlens import Reader

COUNT = 100_000
WARM = 20_000
"""Images after which memory may grow no more: by then every cache is full."""
ALLOWED_MB = 5.0


def memory_mb(process: int) -> float:
    """Give the memory that a process has in RAM, as Linux counts it."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_a_hundred_thousand_images_in_one_process_keep_its_memory_flat(
    tmp_path: Path, digits: list[np.ndarray]
) -> None:
    suffixes = (".png", ".jpg", ".bmp", ".webp", ".tif")
    files = {label: tmp_path / f"{label}{suffixes[label % 5]}" for label in range(10)}
    for label, file in files.items():
        cv2.imwrite(str(file), digits[label])
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(COUNT):
        file = files[number % 10]
        os.link(file, folder / f"{number}{file.suffix}")
    command = [sys.executable, "-m", "digitlens", "classify", str(folder), "--format", "json"]
    right, memory = 0, []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            right += json.loads(line)["text"] == str(number % 10)
            if number % 1000 == 999:
                memory.append(memory_mb(process.pid))
    assert process.returncode == 0
    assert right > 0.9 * COUNT  # JPEG and WebP change some digits, always the same
    warm = memory[WARM // 1000]
    assert max(memory[WARM // 1000 :]) < warm + ALLOWED_MB


def test_threads_that_share_a_reader_read_what_one_thread_reads(page: np.ndarray) -> None:
    reader = Reader()
    images = [np.ascontiguousarray(np.roll(page, 12 * step, axis=1)) for step in range(12)] * 4
    alone = [reader.read(image, taps=True) for image in images]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda image: reader.read(image, taps=True), images))
    for one, other in zip(alone, together, strict=True):
        assert one.text
        assert one.text == other.text
        assert [digit.box for digit in one.digits] == [digit.box for digit in other.digits]
        for name, tap in one.taps.items():
            assert np.array_equal(tap, other.taps[name]), name
