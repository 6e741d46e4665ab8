"""`digitlens batch --engine ray`: the same bytes, on one node, on two, and when one is lost."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from batching import manifest, png, tree, write_tar
from command import Digitlens, assert_one_line_error
from raylets import ACCESS, Cluster, cluster


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digits: list, page: np.ndarray) -> Path:
    """Photos, tar files, an array, and what cannot be read."""
    folder = tmp_path_factory.mktemp("ray") / "in"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.png").write_bytes(png(page))
    (folder / "broken.png").write_text("broken")
    np.save(folder / "digits.npy", np.stack(digits * 10))
    for number in range(3):
        members = [(f"{n}.png", png(image)) for n, image in enumerate(digits * 5)]
        write_tar(folder / f"{number}.tar", members)
    return folder


SETTINGS = ("--shard-size", 10)


@pytest.fixture(scope="module")
def local(folder: Path, digitlens: Digitlens) -> Path:
    """What the local engine makes of it."""
    result = digitlens("batch", "in", "-o", "local", *SETTINGS, cwd=folder.parent)
    assert result.status == 1
    return folder.parent / "local"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with cluster() as nodes:
        yield nodes


def test_ray_that_it_starts_itself_makes_the_same_bytes(
    folder: Path, local: Path, digitlens: Digitlens
) -> None:
    command = ("batch", "in", "-o", "alone", "--engine", "ray", "--cpus", 0.5)
    result = digitlens(*command, *SETTINGS, cwd=folder.parent)
    assert result.status == 1, result.err
    assert result.out == ""
    assert result.err.splitlines()[-1].startswith("291 images: 290 read, 1 could not be, ")
    assert tree(folder.parent / "alone") == tree(local)


def test_a_cluster_makes_the_same_bytes_though_one_of_its_nodes_is_lost(
    folder: Path, local: Path, nodes: Cluster
) -> None:
    output = folder.parent / "cluster"
    ray = ["--engine", "ray", "--address", nodes.address]
    words = ["batch", "in", "-o", "cluster", *map(str, SETTINGS), *ray]
    with subprocess.Popen(
        [sys.executable, "-m", "digitlens", *words],
        cwd=folder.parent,
        env=os.environ | ACCESS,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while len(list(output.glob("receipts/shard-*"))) < 3:
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.01)
        nodes.kill_second()
        assert len(list(output.glob("receipts/shard-*"))) < len(list(local.glob("receipts/*")))
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("291 images: 290 read, 1 could not be, ")
    assert "raylet" not in errors
    assert manifest(output)["complete"] is True
    assert tree(output) == tree(local)


def test_what_the_local_engine_began_ray_finishes(
    folder: Path, local: Path, digitlens: Digitlens, nodes: Cluster
) -> None:
    first = tree(local)
    for name in ("receipts/shard-000002.json", "readings/shard-000005.parquet"):
        (local / name).unlink()
    ray = ("--engine", "ray", "--address", nodes.address)
    result = digitlens("batch", "in", "-o", "local", *SETTINGS, *ray, cwd=folder.parent, env=ACCESS)
    assert result.status == 1, result.err
    assert "; 16 of 18 shards were there" in result.err
    assert tree(local) == first


def test_what_goes_wrong_on_a_cluster_is_one_line(
    folder: Path, digitlens: Digitlens, nodes: Cluster
) -> None:
    ray = ("--engine", "ray", "--address", nodes.address)

    def refused(status: int, *words: str, options: tuple[object, ...] = (), **access: str) -> None:
        command = ("batch", "in", "-o", "refused", *ray, *options)
        result = digitlens(*command, cwd=folder.parent, env=ACCESS | access)
        assert_one_line_error(result, status, *words)

    refused(1, "no node of the cluster has 1 CPU, 1 GPU", options=("--gpus", 1))
    refused(1, "no node of the cluster has 2 CPU", options=("--cpus", 2))
    refused(2, "the provider cuda", options=("--provider", "cuda"))
    refused(1, "no Ray cluster at", RAY_AUTH_TOKEN="w" * 64)
