"""The files that inputs stand for, one by one."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from digitlens.batch import pattern, storage
from digitlens.batch.pattern import Pattern
from digitlens.batch.walk import Root, Walk
from digitlens.errors import NotFoundError, UsageError


class Input(NamedTuple):
    """What the user named.

    Attributes:
        name: as it may be shown.
        place: the absolute path or the URI that it means; of a path with a pattern, the folder.
        wanted: what is looked for there; None for all, or where an address has the pattern.
    """

    name: str
    place: str
    wanted: Pattern | None = None

    @classmethod
    def of(cls, given: str) -> "Input":
        """Take an INPUT of the command line; a path that is there is no pattern."""
        parts = pattern.split(given)
        if parts is None or storage.is_uri(given) or os.path.lexists(given):
            return cls(storage.display(given), storage.absolute(given))
        folder, wanted = parts
        return cls(given, storage.absolute(folder or "."), wanted)


@dataclass(frozen=True, slots=True)
class File:
    """A file to read.

    Attributes:
        source: its name in the results, as the user named its INPUT.
        place: an absolute path or a URI of its file system, for `storage.resolve`.
        path: its path there.
        size: in bytes.
        time_ns: when it was changed last, in nanoseconds since 1970.
    """

    source: str
    place: str
    path: str
    size: int
    time_ns: int


def check(inputs: tuple[Input, ...], output: str) -> None:
    """Look at what can be looked at before any work.

    Raises:
        NotFoundError: an input stands for no file.
        UsageError: its file system cannot be reached, or it is no regular file.
    """
    for each in inputs:
        if next(_files(each, output, is_sorted=False), None) is None:
            raise NotFoundError(
                f"{each.name or 'an empty input'}: no image, .tar, .parquet, .npy, .npz or IDX "
                "file there; check the path"
            )


def files(inputs: tuple[Input, ...], output: str) -> Iterator[File]:
    """Give the files of inputs in order, each folder sorted by the bytes of its names.

    Args:
        inputs: files, folders, or patterns with `*`, `**`, and in paths `?` and `[…]`.
        output: where results are written, left out where it lies in a folder that is walked.

    Raises:
        UsageError: as `check` does.
    """
    for each in inputs:
        yield from _files(each, output)


def size(inputs: tuple[Input, ...], output: str) -> int:
    """Give the bytes of all files of inputs, without the cost of their order.

    Raises:
        UsageError: as `check` does.
    """
    return sum(
        max(file.size, 0) for each in inputs for file in _files(each, output, is_sorted=False)
    )


def _files(given: Input, output: str, *, is_sorted: bool = True) -> Iterator[File]:
    try:
        yield from _listed_files(given, output, is_sorted)
    except (OSError, pa.ArrowException) as error:
        reason = storage.reason_of(error)
        raise UsageError(f"{given.name}: cannot be listed ({reason})") from error
    except sqlite3.Error as error:
        raise UsageError(
            f"{given.name}: cannot be sorted ({error}): make room in TMPDIR"
        ) from error


def _listed_files(given: Input, output: str, is_sorted: bool) -> Iterator[File]:
    name, place, wanted = given
    if not name:
        return
    system, path = storage.resolve(place)
    info = system.get_file_info(storage.encoded(path))
    prefix = f"{name.rstrip('/')}/"
    if wanted is not None:
        prefix = (pattern.split(name) or ("", ()))[0]
    elif info.type == fs.FileType.Unknown:
        raise UsageError(f"{name} is no regular file: name a file, a folder or a pattern")
    elif info.type == fs.FileType.File:
        yield File(valid(name), place, path, info.size or 0, info.mtime_ns or 0)
        return
    elif info.type == fs.FileType.Directory:
        wanted = pattern.ALL
    else:
        here, there = pattern.split(name), pattern.split(path)
        if here is None or there is None:
            return
        prefix, (path, wanted) = here[0], there
    root = Root(system, path.rstrip("/"), wanted, output)
    for names, entry in Walk(root, is_sorted).entries():
        inner = "/".join(names)
        yield File(valid(prefix + inner), place, f"{root.path}/{inner}", entry.size, entry.time_ns)


def valid(name: str) -> str:
    """Make a name UTF-8 that need not be."""
    return name.encode("utf-8", "backslashreplace").decode()
