"""How fast `digitlens camera` is, stage by stage, on one core.

    python scripts/bench_camera.py

The test card in three sizes with 1, 10 and 40 digits, read by the very loop of the command in a
process that is kept on one core. `plain` is frames a second as fast as it goes without maps,
`drawn` with the picture of the window for every frame, its panel and the maps of conv1, conv2 and
conv3; nothing is put on a screen. The rounds of all rows take turns, and a figure is the median of
its rounds. Stages are milliseconds a frame; `rest` is the Python between them. Ages are those of
frames when they had been read, at a camera's 30 frames a second.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from itertools import product
from statistics import median
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import click
import cv2
import numpy as np

import digitlens
from digitlens.capture.test_card import Card
from digitlens.live import view
from digitlens.live.stage import Stage
from digitlens.live.tracker import Tracker
from digitlens.session import Session
from digitlens.vision import mnist_format, search
from digitlens.vision.component import Component
from digitlens.vision.score import Score

SIZES = ((640, 480), (1280, 720), (1920, 1080))
DIGITS = (1, 10, 40)
STAGES: dict[str, list[tuple[Any, str]]] = {
    "capture": [(Card, "frame")],
    "foreground": [(search, "separate")],
    "glyphs": [(Component, "soft"), (mnist_format, "mnist_image"), (mnist_format, "glyph")],
    "infer": [(Session, "run")],
    "score": [(Score, "__call__")],
    "track": [(Tracker, "steady")],
    "draw": [(view, "draw")],
}
"""The functions that a stage consists of, each with the place in which it is looked up."""
WARM_UP = 10

P, R = ParamSpec("P"), TypeVar("R")
Case = tuple[tuple[int, int], int]


@contextmanager
def timed() -> Iterator[Counter[str]]:
    """Add up the seconds that each stage takes."""
    seconds: Counter[str] = Counter()

    def wrapped(stage: str, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*arguments: P.args, **options: P.kwargs) -> R:
            start = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                seconds[stage] += time.perf_counter() - start

        return call

    with ExitStack() as patches:
        for stage, places in STAGES.items():
            for owner, name in places:
                function = wrapped(stage, getattr(owner, name))
                patches.enter_context(patch.object(owner, name, function))
        yield seconds


def measure(case: Case, seconds: float, *, draws: bool, fast: bool = True) -> dict[str, float]:
    """Read the test card for some time; give frames a second, stages in ms and ages in ms."""
    (width, height), digits = case
    ages: list[float] = []
    source = digitlens.watch(f"test:{digits}", width=width, height=height, fast=fast)
    with timed() as stages, source as watched:
        stage, size = Stage(watched.reader), view.usual_size(width, height)
        start = time.perf_counter()
        for number, live in enumerate(watched):
            if draws:
                view.draw(stage.scene(live, []), *size)
            if number == WARM_UP:
                start, ages = time.perf_counter(), []
                stages.clear()
            ages.append(live.age_ms)
            took = time.perf_counter() - start
            if number > WARM_UP and took > seconds:
                break
    frames = len(ages) - 1
    figures = {name: 1000 * stages[name] / frames for name in STAGES}
    figures["rest"] = 1000 * took / frames - sum(figures.values())
    p50, p99 = np.percentile(ages, [50, 99])
    return figures | {"rate": frames / took, "p50": float(p50), "p99": float(p99)}


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=1.0, show_default=True, help="Of each round.")
def main(rounds: int, seconds: float) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cases = list(product(SIZES, DIGITS))
    found: dict[tuple[Case, str], list[dict[str, float]]] = {}
    for _ in range(rounds):
        for case in cases:
            plain = measure(case, seconds, draws=False)
            drawn = measure(case, seconds, draws=True)
            aged = measure(case, seconds, draws=False, fast=False)
            for kind, figures in (("plain", plain), ("drawn", drawn), ("aged", aged)):
                found.setdefault((case, kind), []).append(figures)
    stages = [*STAGES, "rest"]
    click.echo(f"{'':<14}digits   plain   drawn   age p50     p99   ms a frame, drawn:")
    click.echo(" " * 55 + "".join(f"{name:>12}" for name in stages))
    for case in cases:
        (width, height), digits = case

        def middle(kind: str, name: str, case: Case = case) -> float:
            return median(figures[name] for figures in found[case, kind])

        line = f"{f'{width}x{height}':<14}{digits:>6}"
        line += f"{middle('plain', 'rate'):>8.0f}{middle('drawn', 'rate'):>8.0f}"
        line += f"{middle('aged', 'p50'):>7.1f} ms{middle('aged', 'p99'):>6.1f} ms"
        click.echo(line + "".join(f"{middle('drawn', name):>12.2f}" for name in stages))


if __name__ == "__main__":
    main()
