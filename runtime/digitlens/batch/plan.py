"""Shards: the pieces that the input falls into, always the same ones for the same input."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from digitlens.batch import arrays, inputs, table
from digitlens.batch.inputs import File
from digitlens.batch.job import Job
from digitlens.batch.kind import Kind, kind_of
from digitlens.errors import DataError

SHARD_BYTES = 8 << 20
"""Encoded images that are gathered into one shard, so that a few large ones too keep all busy."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Input that is read as one and written as one.

    Attributes:
        number: its place in the input, from 0.
        kind: of its files.
        files: several images, or one file of another kind.
        start, stop: which images of an array, or row groups of a Parquet file; None for all.
        share: of its files' bytes, 0…1.
    """

    number: int
    kind: Kind
    files: tuple[File, ...]
    start: int = 0
    stop: int | None = None
    share: float = 1.0

    @property
    def name(self) -> str:
        """What its files are called in the output."""
        return f"shard-{self.number:06d}"

    @property
    def size(self) -> int:
        """Its share of the input in bytes."""
        return int(self.share * sum(max(file.size, 0) for file in self.files))

    def fingerprint(self, job: Job) -> str:
        """Give a SHA-256 that changes when the job or one of the files does."""
        digest = hashlib.sha256(json.dumps(job.description, sort_keys=True).encode())
        digest.update(f"{self.kind} {self.start} {self.stop}".encode())
        for file in self.files:
            digest.update(ascii((file.source, file.path, file.size, file.time_ns)).encode())
        return digest.hexdigest()


def shards(job: Job) -> Iterator[Shard]:
    """Cut the input of a job into shards, in order, without ever knowing all of it.

    Images are gathered, an array or a Parquet file is cut, and a tar or npz file is one shard,
    since what is in the middle of it is found by reading all before.

    Raises:
        UsageError, SourceError: an input cannot be listed or reached.
    """
    number = gathered = 0
    images: list[File] = []
    for file in inputs.files(job.inputs, job.output):
        kind = kind_of(file.path) or "image"
        if kind == "image":
            images.append(file)
            gathered += file.size
            if len(images) == job.shard_size or gathered >= SHARD_BYTES:
                yield Shard(number, kind, tuple(images))
                number, images, gathered = number + 1, [], 0
            continue
        for start, stop, share in _cuts(file, kind, job.shard_size):
            yield Shard(number, kind, (file,), start, stop, share)
            number += 1
    if images:
        yield Shard(number, "image", tuple(images))


def _cuts(file: File, kind: Kind, size: int) -> Iterator[tuple[int, int | None, float]]:
    """Give starts, stops and shares of a file; of a damaged one, one that is found so later."""
    try:
        if kind == "parquet":
            bounds = table.cuts(file, size, SHARD_BYTES)
        else:
            bounds = arrays.cuts(file, size) if kind in ("npy", "idx") else []
    except DataError:
        bounds = []
    total = bounds[-1][1] if bounds else 0
    for start, stop in bounds:
        yield start, stop, (stop - start) / total
    if not bounds:
        yield 0, None, 1.0
