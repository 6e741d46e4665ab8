"""SIGKILL at random moments leaves no half file under a final name: a hundred kills in all."""

import json
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import forked
from digitlens.image_header import parse
from digitlens.session import Session
from digitlens_train.run import Run

KILLS = 20
COMMANDS = {
    "train": "train --epochs 2 --limit 400 --device cpu --out new",
    "export": "export run -o lenet5.onnx",
    "record": "camera test: --no-window --frames 30 --record clip.mp4 --fast",
    "report": "report run -o report.html",
    "bench": "bench --no-pipeline --batch 1 --pace max --queries 5 --seconds 0 --raw raw.json "
    "--plot plot.png",
}


def plays(path: Path) -> bool:
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    promised, frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0
    while video.read()[0]:
        frames += 1
    return frames == promised > 0


def is_png(path: Path) -> bool:
    content = path.read_bytes()
    header, image = parse(content), cv2.imdecode(np.frombuffer(content, np.uint8), -1)
    return image.shape[:2] == (header.height, header.width) and content.endswith(b"IEND\xaeB`\x82")


IS_WHOLE: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text()),
    ".png": is_png,
    ".safetensors": load_file,
    ".pt": lambda path: torch.load(path, weights_only=True),
    ".onnx": lambda path: Session(path).contract.proof["passed"],
    ".html": lambda path: path.read_text().rstrip().endswith("</html>"),
    ".mp4": plays,
}


def results(folder: Path) -> list[Path]:
    """List the files that stand under a final name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [
        path
        for path in files
        if not path.name.startswith(".") and path.name not in (forked.OUT, forked.ERR)
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_kill_leaves_the_old_file_or_the_new_one(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(run.folder)
    command = COMMANDS[name].split()
    forked.start(["--version"], tmp_path).join()  # imports the libraries
    start = time.monotonic()
    forked.start(command, tmp_path).join()
    took = time.monotonic() - start
    expected = {path.name for path in results(tmp_path)}
    assert expected, (tmp_path / forked.ERR).read_text()
    moments, killed = random.Random(name), 0
    for _ in range(KILLS):
        if name == "train":  # a finished run is not trained again
            shutil.rmtree(tmp_path / "new", ignore_errors=True)
        process = forked.start(command, tmp_path)
        process.join(moments.uniform(0.1, 1) * took)
        killed += process.is_alive()
        process.kill()
        process.join()
        for path in results(tmp_path):
            assert IS_WHOLE[path.suffix](path), path
        if name != "train":
            assert {path.name for path in results(tmp_path)} == expected
    assert killed > KILLS / 2
