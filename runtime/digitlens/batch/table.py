"""Encoded images in a column of a Parquet file."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from digitlens.batch import storage
from digitlens.batch.contents import HELD_BYTES, HELD_IMAGES, Image
from digitlens.batch.inputs import File
from digitlens.errors import DataError, ImageError

BYTES = "bytes"
"""The field that holds the image where the column is a struct, as Hugging Face's data sets do."""


def cuts(file: File, size: int, max_bytes: int) -> list[tuple[int, int]]:
    """Give the starts and stops of row groups that have `size` rows, or so many bytes, together.

    Raises:
        DataError: the file is damaged.
        SourceError: a file system elsewhere does not answer.
    """
    with _opened(file) as parquet:
        bounds, start, rows, held = [], 0, 0, 0
        for number in range(parquet.num_row_groups):
            group = parquet.metadata.row_group(number)
            rows, held = rows + group.num_rows, held + group.total_byte_size
            if rows >= size or held >= max_bytes or number == parquet.num_row_groups - 1:
                bounds.append((start, number + 1))
                start, rows, held = number + 1, 0, 0
        return bounds


def images(file: File, start: int, stop: int | None, column: str | None) -> Iterator[Image]:
    """Give the images of row groups, called `FILE#ROW`.

    Raises:
        DataError: the file is damaged, or has no such column.
        SourceError: a file system elsewhere does not answer.
    """
    with _opened(file) as parquet:
        name = _column(parquet.schema_arrow, column)
        groups = range(start, parquet.num_row_groups if stop is None else stop)
        rows = (parquet.metadata.row_group(group).num_rows for group in range(start))
        number = sum(rows)
        count = _rows_at_once(parquet, groups)
        for group in groups:  # one by one, so that damage in the next takes nothing from this one
            for batch in parquet.iter_batches(count, row_groups=[group], columns=[name]):
                for value in batch.column(0):
                    yield Image(f"{file.source}#{number}", _content(value.as_py()))
                    number += 1


@contextmanager
def _opened(file: File) -> Iterator[pq.ParquetFile]:
    with (
        storage.reading(file.place),
        storage.open_file(file.place, file.path) as stream,
        pq.ParquetFile(stream, buffer_size=storage.BUFFER) as parquet,
    ):
        yield parquet


def _column(schema: pa.Schema, wanted: str | None) -> str:
    """Give the name of the column with images.

    Raises:
        DataError: there is none, or several and none of them is called image.
    """
    able = [field.name for field in schema if _holds_images(field.type)]
    if wanted is None and ("image" in able or len(able) == 1):
        return "image" if "image" in able else able[0]
    if wanted in able:
        assert wanted is not None
        return wanted
    there = ", ".join(able) or "none"
    what = f"no column {wanted!r} with images" if wanted else "which column has the images?"
    raise DataError(f"{what} (columns of bytes: {there}); name one with --column")


def _rows_at_once(parquet: pq.ParquetFile, groups: range) -> int:
    """Give how many rows memory may hold together, by the mean of each row group."""
    found = (parquet.metadata.row_group(group) for group in groups)
    largest = max((group.total_byte_size / max(group.num_rows, 1) for group in found), default=0)
    return min(max(int(HELD_BYTES / max(largest, 1)), 1), HELD_IMAGES)


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind) and kind.get_field_index(BYTES) >= 0:
        kind = kind.field(BYTES).type
    return _is_bytes(kind.value_type if pa.types.is_dictionary(kind) else kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_fixed_size_binary,
            pa.types.is_binary_view,
        )
    )


def _content(value: Any) -> bytes | ImageError:  # noqa: ANN401, whatever a column holds
    content = value[BYTES] if isinstance(value, dict) else value
    return ImageError("not an image: the row has no bytes") if content is None else content
