"""Tables as files: Parquet, and JSON with one row a line."""

import json
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 10_000
"""Rows that are kept back to be written together, as a row group of Parquet."""


class Writer:
    """Writes tables to a stream, many rows at a time."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        del schema  # whoever needs it takes it
        self._stream = stream
        self._held: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Take rows of the schema."""
        self._held.append(table)
        if sum(map(len, self._held)) >= ROWS:
            self._flush()

    def finish(self) -> int:
        """Write all that is left, and give the size in bytes."""
        self._flush()
        self._close()
        return int(self._stream.tell())

    def leave(self, kind: type[BaseException] | None, *_: object) -> None:
        """Let go of the stream when something went wrong."""
        if kind is not None:
            with suppress(OSError, pa.ArrowException):
                self._close()

    def _flush(self) -> None:
        if self._held:
            self._write(pa.concat_tables(self._held))
            self._held = []

    def _write(self, table: pa.Table) -> None:
        raise NotImplementedError

    def _close(self) -> None:
        """Write what stands at the end."""


class Parquet(Writer):
    """One file with several row groups, compressed by Zstandard."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        super().__init__(stream, schema)
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd")

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def _close(self) -> None:
        self._writer.close()


class Jsonl(Writer):
    """One object a line, as `digitlens classify --format json` prints them."""

    def _write(self, table: pa.Table) -> None:
        lines = (json.dumps(row) + "\n" for row in table.to_pylist())
        self._stream.write("".join(lines).encode())


FORMATS: dict[str, type[Writer]] = {"parquet": Parquet, "jsonl": Jsonl}
