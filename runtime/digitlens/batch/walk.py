"""Walks a tree of files in order; of a local one, never has all names in memory."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from typing import NamedTuple

from pyarrow import fs

from digitlens.batch import storage
from digitlens.batch.kind import kind_of
from digitlens.batch.pattern import Pattern, Places, begin, follow

UNREADABLE = -1
"""The size of what cannot be listed: it stands for a file, and is an error when read."""

Names = tuple[str, ...]


class Entry(NamedTuple):
    """One name in a folder."""

    name: bytes
    is_folder: bool
    size: int
    time_ns: int


class Root(NamedTuple):
    """A folder that is walked, the pattern of what is looked for in it, and what is left out."""

    system: fs.FileSystem
    path: str
    pattern: Pattern
    output: str


class Walk:
    """Walks a tree, depth first, each folder in order, on disk where it is large.

    SQLite keeps the names of the folders that are open in a temporary database, which spills
    from memory to a file of its own. A walk that is not sorted keeps none, and is for a look.
    """

    def __init__(self, root: Root, is_sorted: bool) -> None:
        self.root, self.is_sorted = root, is_sorted
        self.numbers = count()
        self.names: sqlite3.Connection

    def entries(self) -> Iterator[tuple[Names, Entry]]:
        """Give the files that match, each with its names from the root on.

        A folder that cannot be listed stands for itself, if something in it might match.
        """
        if not self.is_sorted:
            yield from self._entries()
            return
        with closing(_names_in_folders()) as self.names:
            yield from self._entries()

    def _entries(self) -> Iterator[tuple[Names, Entry]]:
        pattern, end = self.root.pattern, len(self.root.pattern)
        start = begin(pattern)
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
            reached = follow(name, reached_above, pattern)
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


def _names_in_folders() -> sqlite3.Connection:
    """Make the temporary database for the names in the folders that are open."""
    names = sqlite3.connect("", isolation_level=None)
    names.execute(
        "CREATE TABLE entry (folder INTEGER, name BLOB, is_folder INTEGER, size INTEGER,"
        " time_ns INTEGER, PRIMARY KEY (folder, name)) WITHOUT ROWID"
    )
    names.execute("BEGIN")
    return names


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
        elif each.is_symlink():
            yield Entry(name, False, UNREADABLE, 0)
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
