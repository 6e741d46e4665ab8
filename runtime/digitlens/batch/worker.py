"""Reads shards: the one place where the work of all engines is done."""

import socket
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from digitlens import sources
from digitlens.batch import arrays, columns, glyphs, images, table
from digitlens.batch.columns import Columns
from digitlens.batch.contents import Image, Stack, gathered
from digitlens.batch.glyphs import Glyphs
from digitlens.batch.job import Job, installed_versions
from digitlens.batch.output import Output
from digitlens.batch.plan import Shard
from digitlens.batch.results import Error, Summary
from digitlens.contract import MNIST_SIZE, PROBABILITIES
from digitlens.errors import DataError, DigitlensError, ImageError, UsageError
from digitlens.reader import Reader
from digitlens.reading import UNSURE, Reading

Rows = tuple[pa.Table | None, list[Error]]
"""What was read, if anything, with the schema `columns.READINGS`, and what could not be."""

_OUT_OF_RANGE = "not an image: it has values outside 0 to 1"


class Worker:
    """Reads one shard after the other, with one thread.

    Raises:
        UsageError: other versions are installed here than where the job was made, so that
            readings might differ; or the output cannot be written.
        ModelError: the model cannot be used.
    """

    def __init__(self, job: Job) -> None:
        _check_versions(job)
        cv2.setNumThreads(1)
        self.job = job
        self.output = Output(job)
        self.reader = Reader(
            job.model, provider=job.provider, min_confidence=job.min_confidence, threads=1
        )
        labels = self.reader.contract.labels
        self.labels = np.array(labels, np.int32)
        self.words = pa.array([*map(str, labels), UNSURE, ""])

    def __call__(self, shard: Shard) -> Summary:
        """Read a shard and write what was read, unless that was done before.

        Raises:
            UsageError: the output cannot be written, since the disk is full for example.
            SourceError: a file system elsewhere does not answer.
        """
        if done := self.output.summary(shard):
            return done
        with self.output.writing(shard) as results:
            try:
                for readings, errors in self._read(shard):
                    results.add(readings, errors)
            except DataError as error:
                results.add(None, [Error.of(shard.files[0].source, error)])
        return Summary(shard.number, shard.size, results.counts)

    def _read(self, shard: Shard) -> Iterator[Rows]:
        (first, *_), start, stop = shard.files, shard.start, shard.stop
        if shard.kind in ("npy", "idx"):
            yield from map(self._read_stack, arrays.stacks(first, start, stop))
        elif shard.kind == "npz":
            yield from map(self._read_stack, arrays.stacks_of_archive(first))
        elif shard.kind == "parquet":
            found = table.images(first, start, stop, self.job.column)
            yield from map(self._read_images, gathered(found))
        elif shard.kind == "tar":
            yield from map(self._read_images, gathered(images.of_tar(first)))
        else:
            yield from map(self._read_images, gathered(images.of_files(shard.files)))

    def _read_images(self, found: Sequence[Image]) -> Rows:
        """Read encoded images; those that are MNIST images are read together."""
        errors: list[Error] = []
        whole: dict[int, NDArray[np.uint8]] = {}
        searched: dict[int, Reading] = {}
        for number, image in enumerate(found):
            try:
                frame = _decoded(image)
            except (DataError, ImageError) as error:
                errors.append(Error.of(image.source, error))
                continue
            if frame.shape[:2] == (MNIST_SIZE, MNIST_SIZE):
                whole[number] = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
            else:
                searched[number] = self.reader.read(frame)
        tables = []
        if whole:
            names = [found[number].source for number in whole]
            tables.append(self._read_whole(names, np.stack([*whole.values()]))[0])
        if searched:
            names = [found[number].source for number in searched]
            tables.append(columns.of_readings(names, [*searched.values()]).table())
        order = np.argsort([*whole, *searched])
        return (pa.concat_tables(tables).take(order) if tables else None), errors

    def _read_stack(self, stack: Stack) -> Rows:
        """Read an array, in which there is nothing to find."""
        last = stack.first + len(stack.images)
        names = [f"{stack.source}{number}" for number in range(stack.first, last)]
        return self._read_whole(names, stack.images)

    def _read_whole(self, names: list[str], images: NDArray[Any]) -> Rows:
        """Read images each of which is one digit; see `glyphs.of`."""
        size, side = self.job.batch_size, images.shape[1]
        starts = range(0, len(images), size)
        guesses = [self._guess(glyphs.of(images[start : start + size])) for start in starts]
        best, confidences, is_blank, is_wrong = map(np.concatenate, zip(*guesses, strict=True))
        errors = [Error(names[number], _OUT_OF_RANGE) for number in np.flatnonzero(is_wrong)]
        if errors:
            right = np.flatnonzero(~is_wrong)
            names = [names[number] for number in right]
            best, confidences, is_blank = best[right], confidences[right], is_blank[right]
        least = max(self.reader.min_confidence, self.reader.min_score)
        sure, there = confidences >= least, ~is_blank
        unsure, nothing = len(self.words) - 2, len(self.words) - 1
        words = np.where(is_blank, nothing, np.where(sure, best, unsure))
        table = Columns(
            sources=names,
            texts=self.words.take(pa.array(words)),
            sizes=np.full((len(names), 2), side, np.int32),
            counts=there.astype(np.int32),
            labels=self.labels[best[there]],
            confidences=confidences[there].astype(np.float64),
            sure=sure[there],
            boxes=np.tile(np.array([0, 0, side, side], np.int32), (int(there.sum()), 1)),
        ).table()
        return table, errors

    def _guess(self, given: Glyphs) -> tuple[NDArray[Any], ...]:
        """Give the most probable outputs and their probabilities, and what is no digit."""
        probabilities = self.reader.session.run(given.values, [PROBABILITIES])[PROBABILITIES]
        return probabilities.argmax(1), probabilities.max(1), given.is_blank, given.is_wrong


def _decoded(image: Image) -> NDArray[np.uint8]:
    if isinstance(image.content, DigitlensError):
        raise image.content
    return sources.decode(image.content)


def _check_versions(job: Job) -> None:
    installed = installed_versions()
    for name, wanted in job.versions.items():
        if (here := installed[name]) != wanted:
            raise UsageError(
                f"{socket.gethostname()} has {name} {here}, the job was made with {wanted}: "
                "install the same on all machines"
            )
