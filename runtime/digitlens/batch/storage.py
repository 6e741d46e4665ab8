"""Where files are: local paths, and the file systems that pyarrow opens."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

import pyarrow as pa
from pyarrow import fs

from digitlens.errors import (
    DataError,
    DigitlensError,
    SourceError,
    UnreadableError,
    UsageError,
)

BUFFER = 1 << 20
"""Bytes that are asked of a file system at once."""


@lru_cache(maxsize=64)
def resolve(place: str) -> tuple[fs.FileSystem, str]:
    """Give the file system of an absolute path or a URI, and the path in it.

    Raises:
        UsageError: pyarrow knows no such file system, or cannot reach it.
    """
    if not is_uri(place):
        return fs.LocalFileSystem(), place
    try:
        system, path = fs.FileSystem.from_uri(place)
        return system, str(path)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).replace(place, display(place)).split())
        raise UsageError(
            f"{display(place)}: cannot be opened ({reason}); check the address"
        ) from error


def is_uri(place: str) -> bool:
    """Tell whether this names a file system, such as `s3://bucket/folder`."""
    return re.match(r"[a-z][a-z0-9+.-]+://", place) is not None


def display(place: str) -> str:
    """Give a place as it may be shown: an address without its keys and its query."""
    if not is_uri(place):
        return place
    scheme, _, rest = place.partition("?")[0].partition("://")
    host = rest.partition("/")[0]
    if "@" in host or re.search(r":(?!\d+$)", host):  # a key may have a slash in it
        rest = rest.partition("@")[2] if "@" in host else rest.rpartition("@")[2]
    return f"{scheme}://{rest}"


def absolute(place: str) -> str:
    """Make a local path absolute, since workers may run elsewhere; a URI stays as it is."""
    return place if is_uri(place) else os.path.abspath(place)  # noqa: PTH100, a glob is no path


def is_local(files: fs.FileSystem) -> bool:
    """Tell whether the operating system itself opens these files."""
    return isinstance(files, fs.LocalFileSystem)


def open_file(place: str, path: str) -> pa.NativeFile:
    """Open a file for reading at any position; see `reading` for what may go wrong."""
    return resolve(place)[0].open_input_file(encoded(path))


def open_stream(place: str, path: str) -> pa.NativeFile:
    """Open a file for reading from its beginning to its end; see `reading`."""
    return resolve(place)[0].open_input_stream(encoded(path), compression=None, buffer_size=BUFFER)


def encoded(path: str) -> bytes:
    """Encode a path for pyarrow, which takes any bytes: file names need not be UTF-8."""
    return os.fsencode(path)


@contextmanager
def reading(place: str) -> Iterator[None]:
    """Sort what goes wrong while a file is read: is it the file, or the way to it?

    Readers of files that may hold anything raise anything, so that what is not the system's is
    damage.

    Raises:
        DataError: the file is damaged.
        UnreadableError: the system cannot read it, or it is not there any more.
        SourceError: a file system elsewhere does not answer, which says nothing about the file.
    """
    try:
        yield
    except DigitlensError:
        raise
    except OSError as error:
        reason = f"cannot be read ({reason_of(error)})"
        if is_local(resolve(place)[0]):
            raise (UnreadableError if error.errno else DataError)(reason) from error
        # Of what is elsewhere, damage and a lost connection look alike.
        if not isinstance(error, FileNotFoundError | PermissionError) and not _answers(place):
            raise SourceError(
                f"{display(place)}: cannot be reached ({reason_of(error)}); run the same again"
            ) from error
        raise UnreadableError(reason) from error
    except (MemoryError, pa.ArrowMemoryError) as error:
        raise UnreadableError("cannot be read (too little memory)") from error
    except Exception as error:
        raise DataError(
            f"damaged or truncated ({reason_of(error) or type(error).__name__})"
        ) from error


def _answers(place: str) -> bool:
    try:
        system, path = resolve(place)
        system.get_file_info(encoded(path))
    except OSError:
        return False
    return True


@contextmanager
def replacing(system: fs.FileSystem, path: str, mark: str) -> Iterator[pa.NativeFile]:
    """Give a stream to a hidden file beside `path`, which is moved there when the block ends well.

    `mark`, eight hexadecimal digits, is how its name begins behind the point.

    Raises:
        OSError: it cannot be written.
    """
    folder = path.rpartition("/")[0]
    temporary = f"{folder}/.{mark}{secrets.token_hex(4)}"
    stream = system.open_output_stream(temporary)
    try:
        yield stream
        stream.close()
        system.move(temporary, path)
    except BaseException:
        with suppress(OSError):
            stream.close()
        with suppress(OSError):
            system.delete_file(temporary)
        raise


def is_unfinished(name: str) -> bool:
    """Tell whether `replacing` calls files so until they are complete."""
    return re.fullmatch(r"\.[0-9a-f]{16}", name) is not None


def reason_of(error: Exception) -> str:
    """Say in a few words what the system or a library says at length."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else " ".join(str(error).split())[:200]
