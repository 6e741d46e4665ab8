"""Arrays of images of one digit: .npy, .npz and IDX files."""

import gzip
import math
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedIOBase
from operator import attrgetter
from typing import IO, Any, cast

import numpy as np
from numpy.lib import format as npy

from digitlens import idx
from digitlens.batch import inputs, storage
from digitlens.batch.contents import Stack
from digitlens.batch.inputs import File
from digitlens.contract import GLYPH_SIZE, MNIST_SIZE
from digitlens.errors import DataError

MAX_HEADER = 1 << 16
"""Bytes of a header; that of an array of images has 128."""

ROWS = 2048
"""Images that are in memory together."""

WANTED = (
    f"give uint8 [n, {MNIST_SIZE}, {MNIST_SIZE}], as MNIST, or uint8 or float "
    f"[n, {GLYPH_SIZE}, {GLYPH_SIZE}], ink 1 (or 255) on paper 0"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Shape and type of an array that follows in a stream."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Bytes of one image."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def cuts(file: File, size: int) -> list[tuple[int, int]]:
    """Give the starts and stops of `size` images each; none where all before must be read first.

    Raises:
        DataError: the file is damaged, or holds no images of a size that is read.
        SourceError: a file system elsewhere does not answer.
    """
    if file.path.lower().endswith(".gz"):
        return []
    with storage.reading(file.place), storage.open_file(file.place, file.path) as stream:
        layout = _layout(stream, file.path)
        there = -(-(file.size - stream.tell()) // layout.row_bytes)
    count = min(layout.shape[0], there)
    starts = range(0, count, size)
    # Of a truncated file, the last shard is the one that misses what is not there.
    return [(start, start + size if start + size < count else layout.shape[0]) for start in starts]


def stacks(file: File, start: int, stop: int | None) -> Iterator[Stack]:
    """Give the images of an .npy or IDX file, called `FILE#NUMBER`, from `start` to `stop`, or all.

    Raises:
        DataError: the file is damaged, or holds no images of a size that is read.
        SourceError: a file system elsewhere does not answer.
    """
    with storage.reading(file.place), storage.open_file(file.place, file.path) as stored:
        stream = cast("IO[bytes]", stored)
        if file.path.lower().endswith(".gz"):
            stream = cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
        layout = _layout(stream, file.path)
        stream.seek(start * layout.row_bytes, 1)
        yield from _rows(stream, layout, f"{file.source}#", start, stop)


def stacks_of_archive(file: File) -> Iterator[Stack]:
    """Give the images of all arrays in an .npz file, called `FILE#ARRAY/NUMBER`, sorted by name.

    Arrays of fewer than three dimensions are taken for labels.

    Raises:
        DataError: the file is damaged, or holds no images of a size that is read.
        SourceError: a file system elsewhere does not answer.
    """
    found = False
    with (
        storage.reading(file.place),
        storage.open_file(file.place, file.path) as stored,
        zipfile.ZipFile(stored) as archive,
    ):
        for info in sorted(archive.infolist(), key=attrgetter("filename")):
            if not info.filename.endswith(".npy"):
                continue
            with archive.open(info) as stream:
                layout, name = _npy_layout(stream), info.filename.removesuffix(".npy")
                if len(layout.shape) >= 3:
                    found = True
                    try:
                        layout = _checked(layout)
                    except DataError as error:
                        raise DataError(f"its array {name} holds {error}") from error
                    yield from _rows(
                        stream, layout, inputs.valid(f"{file.source}#{name}/"), 0, None
                    )
    if not found:
        raise DataError(f"no array of images: {WANTED}")


def _rows(
    stream: IO[bytes], layout: Layout, source: str, start: int, stop: int | None
) -> Iterator[Stack]:
    """Read images from where the stream stands, which is at image number `start`."""
    stop = layout.shape[0] if stop is None else stop
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        content = _read(stream, count * layout.row_bytes)
        whole = len(content) // layout.row_bytes
        if whole:
            images = np.frombuffer(content, layout.dtype, whole * math.prod(layout.shape[1:]))
            yield Stack(source, first, images.reshape(whole, *layout.shape[1:]))
        if whole < count:
            raise DataError(f"damaged or truncated (it ends before image {first + whole})")


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read `size` bytes, or what there is of them."""
    parts, left = list[bytes](), size
    with suppress(EOFError):  # raised by a gzip file that ends early
        while left and (part := cast("BufferedIOBase", stream).read1(left)):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def _layout(stream: IO[bytes], path: str) -> Layout:
    return _checked(_npy_layout(stream) if path.lower().endswith(".npy") else _idx_layout(stream))


def _npy_layout(stream: IO[bytes]) -> Layout:
    version = npy.read_magic(stream)
    length = stream.read(2 if version == (1, 0) else 4)
    if int.from_bytes(length, "little") > MAX_HEADER:
        raise DataError(f"its header has {int.from_bytes(length, 'little'):,} bytes")
    stream.seek(-len(length), 1)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read_header(stream)
    if is_fortran and len(shape) > 1:
        raise DataError("its order is Fortran's: save it with numpy.ascontiguousarray")
    return Layout(shape, dtype)


def _idx_layout(stream: IO[bytes]) -> Layout:
    head = stream.read(4)
    if len(head) < 4 or head[:3] != bytes([0, 0, idx.UNSIGNED_BYTE]):
        raise DataError(f"no IDX file of bytes (it starts with {head.hex(' ') or 'nothing'})")
    sizes = np.frombuffer(stream.read(4 * head[3]), ">u4")
    return Layout(tuple(map(int, sizes)), np.dtype(np.uint8))


def _checked(layout: Layout) -> Layout:
    """Give the layout without the axis of channels.

    Raises:
        DataError: it is not that of images of a size and type that is read.
    """
    shape = layout.shape
    if len(shape) == 4 and 1 in (shape[1], shape[3]):
        shape = (shape[0], *(shape[2:] if shape[1] == 1 else shape[1:3]))
    is_byte, is_float = layout.dtype == np.uint8, layout.dtype.kind == "f"
    if min(shape, default=0) < 0 or not (
        (shape[1:] == (MNIST_SIZE, MNIST_SIZE) and is_byte)
        or (shape[1:] == (GLYPH_SIZE, GLYPH_SIZE) and (is_byte or is_float))
    ):
        raise DataError(f"no images of one digit: {layout.dtype} {list(layout.shape)}; {WANTED}")
    return Layout(shape, layout.dtype)
