"""100,000 images on one machine: complete, in bounded memory, and the same after every kill."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from batching import by_source, manifest, png, tree, write_tar
from child import run
from command import Digitlens
from digitlens_train.mnist import Mnist

COUNT, SHARD = 100_000, 5000
pytestmark = pytest.mark.full_mnist


@pytest.fixture(scope="module")
def images(full_mnist: Mnist) -> np.ndarray:
    """All 70,000 of MNIST, and the first 30,000 once more."""
    found = np.concatenate([full_mnist.train.images.numpy(), full_mnist.valid.images.numpy()])
    return np.concatenate([found, found[: COUNT - len(found)]])


@pytest.fixture(scope="module")
def labels(full_mnist: Mnist) -> np.ndarray:
    found = np.concatenate([full_mnist.train.labels.numpy(), full_mnist.valid.labels.numpy()])
    return np.concatenate([found, found[: COUNT - len(found)]])


@pytest.fixture(scope="module")
def tars(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray) -> Path:
    """They, as PNG, in tar files of 5,000."""
    folder = tmp_path_factory.mktemp("tars")
    for start in range(0, COUNT, SHARD):
        members = [
            (f"{number:06d}.png", png(images[number])) for number in range(start, start + SHARD)
        ]
        write_tar(folder / f"mnist-{start:06d}.tar", members)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tars: Path, digitlens: Digitlens) -> Path:
    """What an undisturbed run makes of them."""
    output = tars.parent / "undisturbed"
    result = digitlens("batch", tars, "-o", output)
    assert result.status == 0, result.err
    return output


def test_all_of_them_are_read_once_and_well(
    undisturbed: Path, tars: Path, labels: np.ndarray
) -> None:
    texts = by_source(undisturbed)
    assert len(texts) == COUNT
    counts = manifest(undisturbed)["counts"]
    assert counts["shards"] == COUNT / SHARD
    assert counts["images"] == counts["readings"] == COUNT
    right = 0
    for number, label in enumerate(labels.tolist()):
        tar = f"mnist-{number // SHARD * SHARD:06d}.tar"
        right += texts[f"{tars}/{tar}#{number:06d}.png"] == str(label)
    assert right / COUNT > 0.97  # those that are not sure count as wrong


def test_however_it_is_killed_the_next_run_ends_with_the_same_bytes(
    undisturbed: Path, tars: Path, digitlens: Digitlens
) -> None:
    output = tars.parent / "killed"
    moments = random.Random(2)
    complete = 0
    for _ in range(5):
        command = [sys.executable, "-m", "digitlens", "batch", str(tars), "-o", str(output)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
        wanted = complete + moments.randrange(3)
        is_starting = wanted == complete
        while (complete := len(list(output.glob("receipts/shard-*")))) < wanted:
            time.sleep(0.01)
        time.sleep(moments.uniform(0.3, 0.6) if is_starting else moments.uniform(0, 0.1))
        assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        complete = len(list(output.glob("receipts/shard-*")))
    assert 0 < complete < 20
    result = digitlens("batch", tars, "-o", output)
    assert result.status == 0
    assert f"; {complete} of 20 shards were there" in result.err
    assert tree(output) == tree(undisturbed)


def test_memory_does_not_grow_with_the_input(tmp_path: Path, images: np.ndarray) -> None:
    peaks = []
    for count in (10_000, COUNT):
        np.save(tmp_path / f"{count}.npy", images[:count])
        command = [sys.executable, "-m", "digitlens", "batch", str(tmp_path / f"{count}.npy")]
        finished = run([*command, "-o", str(tmp_path / f"{count}")])
        assert finished.status == 0, finished.err
        peaks.append(finished.peak_mb)
    assert peaks[1] < peaks[0] + 10
