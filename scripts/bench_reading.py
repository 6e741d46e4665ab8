"""How long one picture takes to read, and how well isolated digits of another kind are read.

    python scripts/bench_reading.py

One thread. The picture is paper of 640×480 pixels with ten of MNIST's digits; beside it stands
onnxruntime alone on the same ten glyphs, and the same picture in other sizes. The other digits are
the 1,797 of scikit-learn's load_digits (Alpaydin and Kaynak's optdigits, 8×8 pixels), enlarged
twelvefold and read as photos.
"""

import time
from collections.abc import Callable
from functools import partial

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from digitlens import Reader
from digitlens.contract import PROBABILITIES
from digitlens.vision.candidates import find
from digitlens.vision.foreground import separate
from digitlens_train.mnist import load_subset

ROUNDS = 200
SIZES = [(640, 480), (1280, 960), (2560, 1920), (5120, 3840), (9248, 6936)]


def page() -> NDArray[np.uint8]:
    """Draw ten digits in two rows on paper: uint8 `[480, 640, 3]`."""
    split, random = load_subset().valid, np.random.default_rng(0)
    paper = np.linspace(225, 160, 640) * np.ones((480, 1))
    for label in range(10):
        image = split.images[split.labels == label][1].numpy()
        large = cv2.resize(image, (90, 90), interpolation=cv2.INTER_CUBIC)
        top, left = 80 + 200 * (label // 5), 40 + 118 * (label % 5)
        paper[top : top + 90, left : left + 90] *= 1 - large / 255 * 0.7
    paper += random.normal(0, 2, paper.shape)
    gray = np.clip(paper, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR), np.uint8)


def milliseconds(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Give the median time of a call, after one to warm up."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def other_digits(reader: Reader) -> tuple[float, float]:
    """Give the share of optdigits read right, and of those read right and sure."""
    data = load_digits()
    right = sure = 0
    for image, label in zip(data.images, data.target, strict=True):
        ink = cv2.resize(image * (230 / 16), (96, 96), interpolation=cv2.INTER_CUBIC)
        sheet = cv2.copyMakeBorder(ink, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=0)
        digits = reader.read(np.clip(245 - sheet, 0, 255).astype(np.uint8)).digits
        hit = [digit.label for digit in digits] == [label]
        right += hit
        sure += hit and digits[0].sure
    return right / len(data.target), sure / len(data.target)


@click.command(help=__doc__)
def main() -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    reader, frame = Reader(), page()
    glyphs = np.array([digit.glyph for digit in reader.read(frame).digits])
    foreground = separate(frame)
    click.echo(f"640x480, {len(glyphs)} digits, median of {ROUNDS}")
    for name, call in {
        "read": lambda: reader.read(frame),
        "  of that, foreground": lambda: separate(frame),
        "  of that, candidates": lambda: find(foreground, reader.glyphs),
        "onnxruntime alone": lambda: reader.session.run(glyphs, [PROBABILITIES]),
    }.items():
        click.echo(f"{name:<20}{milliseconds(call):>8.2f} ms")
    for width, height in SIZES:
        scaled = cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC)
        took, size = milliseconds(partial(reader.read, scaled), 9), width * height
        click.echo(f"{width}x{height:<12}{took:>9.1f} ms  {took / size * 1e6:>6.1f} ms/megapixel")
    right, sure = other_digits(reader)
    click.echo(f"optdigits: {right:.1%} right, {sure:.1%} right and sure")


if __name__ == "__main__":
    main()
