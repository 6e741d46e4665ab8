"""The files that INPUTs stand for, one by one: a million names are never in memory together."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
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


Names = tuple[str, ...]
Places = set[int]


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
    name, place = given
    if not name:
        return
    system, path = storage.resolve(place)
    info = system.get_file_info(storage.encoded(path))
    if info.type == fs.FileType.Unknown:
        raise UsageError(f"{name} is no regular file: name a file, a folder or a pattern")
    if info.type == fs.FileType.File:
        yield File(valid(name), place, path, info.size or 0, info.mtime_ns or 0)
        return
    pattern: tuple[str, ...] = ("**",)
    prefix = f"{name.rstrip('/')}/"
    if info.type != fs.FileType.Directory:
        start = _pattern_start(path)
        if start is None:
            return
        pattern = tuple(part for part in path[start:].split("/") if part)
        path, prefix = path[:start], name[: _pattern_start(name)]
    root = _Root(system, path.rstrip("/"), pattern, output)
    for names, entry in _Walk(root, is_sorted).entries():
        inner = "/".join(names)
        yield File(valid(prefix + inner), place, f"{root.path}/{inner}", entry.size, entry.time_ns)


class _Root(NamedTuple):
    """A folder that is walked, the pattern of what is looked for in it, and what is left out."""

    system: fs.FileSystem
    path: str
    pattern: tuple[str, ...]
    output: str


class _Walk:
    """Walks a tree, depth first, each folder in order, on disk where it is large.

    SQLite keeps the names of the folders that are open in a temporary database, which spills
    from memory to a file of its own. A walk that is not sorted keeps none, and is for a look.
    """

    def __init__(self, root: _Root, is_sorted: bool) -> None:
        self.root, self.is_sorted = root, is_sorted
        self.numbers = count()
        self.names = sqlite3.connect("", isolation_level=None)
        self.names.execute(
            "CREATE TABLE entry (folder INTEGER, name BLOB, is_folder INTEGER, size INTEGER,"
            " time_ns INTEGER, PRIMARY KEY (folder, name)) WITHOUT ROWID"
        )
        self.names.execute("BEGIN")

    def entries(self) -> Iterator[tuple[Names, Entry]]:
        """Give the files that match, each with its names from the root on.

        A folder that cannot be listed stands for itself, if something in it might match.
        """
        pattern, end = self.root.pattern, len(self.root.pattern)
        start = _behind_stars({0}, pattern)
        open_folders: list[tuple[Names, Places, Iterator[Entry]]] = [((), start, self._folder(()))]
        while open_folders:
            above, reached_above, entries = open_folders[-1]
            try:
                entry = next(entries, None)
            except PermissionError:
                if not above:
                    raise
                entry = None
                yield above, Entry(b"", True, UNREADABLE, 0)
            if entry is None:
                open_folders.pop()
                continue
            name = os.fsdecode(entry.name)
            reached = _reached(name, reached_above, pattern)
            names = (*above, name)
            if entry.is_folder and any(place < end for place in reached):
                open_folders.append((names, reached, self._folder(names)))
            elif not entry.is_folder and end in reached and kind_of(name):
                yield names, entry

    def _folder(self, names: Names) -> Iterator[Entry]:
        """Give what is in a folder; nothing if it is not there any more."""
        path = "/".join((self.root.path, *names)) or "/"
        try:
            entries = _listed(self.root.system, path, self.root.output)
            yield from self._sorted(entries) if self.is_sorted else entries
        except (FileNotFoundError, NotADirectoryError):
            return

    def _sorted(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        number = next(self.numbers)
        rows = ((number, *entry) for entry in entries)
        self.names.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
        query = "SELECT name, is_folder, size, time_ns FROM entry WHERE folder = ? ORDER BY name"
        yield from (Entry(*row) for row in self.names.execute(query, (number,)))
        self.names.execute("DELETE FROM entry WHERE folder = ?", (number,))


def _listed(system: fs.FileSystem, folder: str, output: str) -> Iterator[Entry]:
    """List a folder without hidden names and the output; links to folders are not followed."""
    there, left_out = storage.resolve(output)
    if storage.is_local(system):
        is_output = _same_folder(left_out) if storage.is_local(there) else lambda _: False
        with os.scandir(folder) as found:
            for each in found:
                if not each.name.startswith("."):
                    yield from _local_entry(each, is_output)
        return
    for info in system.get_file_info(fs.FileSelector(folder)):
        is_output = there == system and info.path.rstrip("/") == left_out.rstrip("/")
        if not info.base_name.startswith(".") and not is_output:
            is_folder = info.type == fs.FileType.Directory
            yield Entry(info.base_name.encode(), is_folder, info.size or 0, info.mtime_ns or 0)


def _local_entry(
    each: os.DirEntry[str], is_output: Callable[[os.DirEntry[str]], bool]
) -> Iterator[Entry]:
    name = os.fsencode(each.name)
    try:
        if each.is_dir(follow_symlinks=False):
            if not is_output(each):
                yield Entry(name, True, 0, 0)
        elif each.is_file():
            status = each.stat()
            yield Entry(name, False, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return
    except OSError:  # a link that leads round, or to where we may not look
        yield Entry(name, False, UNREADABLE, 0)


def _same_folder(path: str) -> Callable[[os.DirEntry[str]], bool]:
    """Give what tells whether a folder is the one at `path`, by whatever name."""
    try:
        wanted = os.stat(path)  # noqa: PTH116, it may be no UTF-8
    except OSError:
        return lambda _: False
    return lambda each: each.inode() == wanted.st_ino and os.path.samestat(each.stat(), wanted)


def _pattern_start(path: str) -> int | None:
    """Give where the first name begins that is a pattern."""
    first = re.search(r"[*?[]", path)
    return path.rfind("/", 0, first.start()) + 1 if first else None


def valid(name: str) -> str:
    """Make a name UTF-8 that need not be."""
    return name.encode("utf-8", "backslashreplace").decode()


def _reached(name: str, places: Places, pattern: tuple[str, ...]) -> Places:
    """Give the places in a pattern that a name leads to from others; its end is a match."""
    after = set()
    for place in places:
        if place == len(pattern):
            continue
        if pattern[place] == "**":
            after.add(place)
        elif fnmatchcase(name, pattern[place]):
            after.add(place + 1)
    return _behind_stars(after, pattern)


def _behind_stars(places: Places, pattern: tuple[str, ...]) -> Places:
    """Add the places behind each `**`, which may stand for nothing."""
    for place in range(len(pattern)):
        if place in places and pattern[place] == "**":
            places.add(place + 1)
    return places
