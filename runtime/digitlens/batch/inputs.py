"""The files that INPUTs stand for, one by one: a million names are never in memory together."""

import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
from typing import NamedTuple

import pyarrow as pa
from pyarrow import fs

from digitlens.batch import storage
from digitlens.batch.kind import kind_of
from digitlens.errors import NotFoundError, UsageError

UNREADABLE = -1
"""The size of a folder that cannot be listed: it stands for a file, and is an error when read."""


class Input(NamedTuple):
    """What the user named, as it may be shown, and the absolute path or the URI that it means."""

    name: str
    place: str

    @classmethod
    def of(cls, given: str) -> "Input":
        """Take an INPUT of the command line."""
        return cls(storage.display(given), storage.absolute(given))


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


class Entry(NamedTuple):
    """One name in a folder."""

    name: bytes
    is_folder: bool
    size: int
    time_ns: int


def check(inputs: tuple[Input, ...], output: str) -> None:
    """Look at what can be looked at before any work.

    Raises:
        NotFoundError: an input stands for no file.
        UsageError: its file system cannot be reached, or it is no regular file.
    """
    for each in inputs:
        if next(files((each,), output), None) is None:
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
        try:
            yield from _files(each, output)
        except (OSError, pa.ArrowException) as error:
            reason = storage.reason_of(error)
            raise UsageError(f"{each.name}: cannot be listed ({reason})") from error


def _files(given: Input, output: str) -> Iterator[File]:
    name, place = given
    if not name:
        return
    system, path = storage.resolve(place)
    info = system.get_file_info(storage.encoded(path))
    if info.type == fs.FileType.Unknown:
        raise UsageError(f"{name} is no regular file: name a file, a folder or a pattern")
    if info.type == fs.FileType.File:
        yield File(valid(name), place, path, info.size or 0, info.mtime_ns or 0)
    elif info.type == fs.FileType.Directory:
        root = _Root(system, place, path.rstrip("/"), f"{name.rstrip('/')}/", output)
        yield from _found(root, None)
    elif (start := _pattern_start(path)) is not None:
        prefix = name[: _pattern_start(name)]
        pattern = tuple(part for part in path[start:].split("/") if part)
        yield from _found(_Root(system, place, path[:start].rstrip("/"), prefix, output), pattern)


class _Root(NamedTuple):
    """A folder that is walked, what stands before its names in the results, and what is not."""

    system: fs.FileSystem
    place: str
    path: str
    prefix: str
    output: str


def _found(root: _Root, pattern: tuple[str, ...] | None) -> Iterator[File]:
    """Give the files below a root that match the pattern, if there is one."""
    for names, entry in _Walk(root, pattern).entries():
        is_input = entry.size == UNREADABLE or kind_of(names[-1]) is not None
        if is_input and (pattern is None or _matches(names, pattern)):
            inner = "/".join(names)
            source = valid(root.prefix + inner)
            yield File(source, root.place, f"{root.path}/{inner}", entry.size, entry.time_ns)


class _Walk:
    """Walks a tree, depth first, each folder in order, on disk where it is large.

    SQLite keeps the names of the folders that are open in a temporary database, which spills
    from memory to a file of its own.
    """

    def __init__(self, root: _Root, pattern: tuple[str, ...] | None) -> None:
        self.root = root
        self.depth = None if pattern is None or "**" in pattern else len(pattern)
        system, path = storage.resolve(root.output)
        self.left_out = path.rstrip("/") if system == root.system else None
        self.numbers = count()
        self.names = sqlite3.connect("", isolation_level=None)
        self.names.execute(
            "CREATE TABLE entry (folder INTEGER, name BLOB, is_folder INTEGER, size INTEGER,"
            " time_ns INTEGER, PRIMARY KEY (folder, name)) WITHOUT ROWID"
        )
        self.names.execute("BEGIN")

    def entries(self, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Entry]]:
        """Give the files in the folder with these names, and below, each with its names."""
        path, number = "/".join((self.root.path, *above)), next(self.numbers)
        rows = ((number, *entry) for entry in _listed(self.root.system, path or "/"))
        try:
            self.names.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
        except (FileNotFoundError, NotADirectoryError):
            return
        except PermissionError:
            if not above:
                raise
            yield above, Entry(b"", False, UNREADABLE, 0)
            return
        query = "SELECT name, is_folder, size, time_ns FROM entry WHERE folder = ? ORDER BY name"
        for row in self.names.execute(query, (number,)):
            entry = Entry(*row)
            names = (*above, os.fsdecode(entry.name))
            if not entry.is_folder:
                yield names, entry
            elif f"{path}/{names[-1]}" != self.left_out and len(names) != self.depth:
                yield from self.entries(names)
        self.names.execute("DELETE FROM entry WHERE folder = ?", (number,))


def _listed(system: fs.FileSystem, folder: str) -> Iterator[Entry]:
    """List a folder without hidden names; links to folders are not followed."""
    if storage.is_local(system):
        with os.scandir(folder) as found:
            for each in found:
                if each.name.startswith("."):
                    continue
                if each.is_dir(follow_symlinks=False):
                    yield Entry(os.fsencode(each.name), True, 0, 0)
                elif each.is_file():
                    status = each.stat()
                    yield Entry(os.fsencode(each.name), False, status.st_size, status.st_mtime_ns)
        return
    for info in system.get_file_info(fs.FileSelector(folder)):
        if not info.base_name.startswith("."):
            is_folder = info.type == fs.FileType.Directory
            yield Entry(info.base_name.encode(), is_folder, info.size or 0, info.mtime_ns or 0)


def _pattern_start(path: str) -> int | None:
    """Give where the first name begins that is a pattern."""
    first = re.search(r"[*?[]", path)
    return path.rfind("/", 0, first.start()) + 1 if first else None


def valid(name: str) -> str:
    """Make a name UTF-8 that need not be."""
    return name.encode("utf-8", "backslashreplace").decode()


def _matches(names: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        return _matches(names, pattern[1:]) or (bool(names) and _matches(names[1:], pattern))
    return bool(names) and fnmatchcase(names[0], pattern[0]) and _matches(names[1:], pattern[1:])
