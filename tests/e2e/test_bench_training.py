"""The benchmark of training, as far as one epoch."""

import json
import os
import subprocess
import sys

import pytest

from command import ROOT, offline
from digitlens_train.mnist import Mnist

SCRIPT = ROOT / "scripts" / "bench_training.py"


def bench(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--epochs", "1", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.full_mnist
def test_it_measures_what_it_says(full_mnist: Mnist) -> None:
    environment = os.environ | {"DIGITLENS_DATA": str(full_mnist.folder)}
    done = bench(environment, "--recipe", "quick", "--format", "json")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert (record["contender"], record["epochs"]) == ("quick", 1)
    assert record["accuracy"] > 0.97
    assert record["seconds_to_target"] is None or record["accuracy"] >= 0.9873
    # One epoch of 59,000 images: the pass alone is shorter than all of it.
    assert 59_000 / record["images_per_second"] < record["seconds_per_epoch"] == record["seconds"]
    assert 0 < record["of_limit"] < 1
    assert record["peak_memory_mb"] > 100


def test_without_all_of_mnist_it_says_so_in_one_line() -> None:
    done = bench(offline(), "--recipe", "quick")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("Error: all of MNIST is needed")
    assert done.stdout == ""
