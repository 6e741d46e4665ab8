"""The folder that a job writes: shards of readings and errors, receipts, and a manifest.

    readings/shard-000000.parquet   one row an image
    errors/shard-000000.parquet     one row an image that could not be read
    receipts/shard-000000.json      written last: this shard is complete
    manifest.json                   the job, and what came of it

Everything is written beside its place, under a hidden name, and moved there.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from digitlens.batch import storage
from digitlens.batch.columns import ERRORS, READINGS
from digitlens.batch.job import Job
from digitlens.batch.plan import Shard
from digitlens.errors import DigitlensError, UnreadableError, UsageError

MANIFEST = "manifest.json"
FOLDERS = {"readings": READINGS, "errors": ERRORS}
RECEIPTS = "receipts"
SCHEMA = 1
ROWS = 10_000
"""Rows that are kept back to be written together, as a row group of Parquet."""


class Error(NamedTuple):
    """An image, or a file of images, that could not be read, and whether it never can be."""

    source: str
    reason: str
    is_final: bool = True

    @classmethod
    def of(cls, source: str, error: DigitlensError) -> "Error":
        """Take what was raised when it was read."""
        return cls(source, str(error), not isinstance(error, UnreadableError))


@dataclass(slots=True)
class Counts:
    """What came of images: rows of readings, digits in them, and rows of errors."""

    readings: int = 0
    digits: int = 0
    errors: int = 0

    @property
    def images(self) -> int:
        """How many there were."""
        return self.readings + self.errors

    def add(self, other: "Counts") -> None:
        """Add what came of others."""
        self.readings += other.readings
        self.digits += other.digits
        self.errors += other.errors


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a shard: its number, its size in bytes, and counts."""

    number: int
    size: int
    counts: Counts
    is_new: bool = True


class Results:
    """Takes the results of one shard and counts them."""

    def __init__(self, readings: "_Rows", errors: "_Rows") -> None:
        self.counts, self.is_final = Counts(), True
        self._readings, self._errors = readings, errors

    def add(self, readings: pa.Table | None, errors: list[Error]) -> None:
        """Add what was read, with the schema `READINGS`, and what could not be.

        Where it was the system that could not read it, a later run will try again.
        """
        if readings is not None:
            digits = len(readings.column("digits").combine_chunks().flatten())
            self.counts.add(Counts(len(readings), digits))
            self._readings.add(readings)
        if errors:
            self.counts.add(Counts(errors=len(errors)))
            self.is_final &= all(error.is_final for error in errors)
            columns = [
                pa.array([error.source for error in errors]),
                pa.array([error.reason for error in errors]),
            ]
            self._errors.add(pa.table(columns, schema=ERRORS))


class Output:
    """The folder of a job.

    Raises:
        UsageError: its file system cannot be reached.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.name = storage.display(job.output)
        self.begun_ns = 0
        self.system, folder = storage.resolve(job.output)
        self.folder = folder.rstrip("/")

    def begin(self) -> None:
        """Make the folder, or take up what an earlier run of the same job left in it.

        Raises:
            UsageError: it cannot be written, or holds something else.
        """
        self.begun_ns = time.time_ns()
        with self._writing():
            self._check_what_is_there()
            self.system.create_dir(self.folder, recursive=True)
            self._write_manifest(None, 0)
            for name in (*FOLDERS, RECEIPTS):
                self.system.create_dir(self._path(name))

    def end(self, counts: Counts, shards: int) -> None:
        """Write the manifest, and remove what is not of the job.

        That is what killed runs left unfinished, and shards of an input that was longer once.

        Raises:
            UsageError: it cannot be written.
        """
        with self._writing():
            for name in ("", *FOLDERS, RECEIPTS):
                for info in self.system.get_file_info(fs.FileSelector(self._path(name))):
                    shard = re.fullmatch(r"shard-(\d{6,})\.\w+", info.base_name)
                    is_over = shard is not None and int(shard[1]) >= shards
                    if is_over or self._is_left(info):
                        self.system.delete_file(info.path)
            self._write_manifest(counts, shards)

    def summary(self, shard: Shard) -> Summary | None:
        """Give what came of a shard if it is complete, of this job, and still there."""
        with self._writing():
            receipt = self._read_json(self._path(RECEIPTS, f"{shard.name}.json"))
            paths = [self._path(name, self._file_name(shard)) for name in FOLDERS]
            sizes = [info.size for info in self.system.get_file_info(paths)]
        if (
            receipt is None
            or receipt.get("fingerprint") != shard.fingerprint(self.job)
            or not receipt["final"]
        ):
            return None
        if sizes != [receipt["bytes"][name] for name in FOLDERS]:
            return None
        return Summary(shard.number, shard.size, Counts(**receipt["counts"]), is_new=False)

    @contextmanager
    def writing(self, shard: Shard) -> Iterator[Results]:
        """Give what takes the results of a shard: all of them are there afterwards, or none.

        Raises:
            UsageError: they cannot be written.
        """
        with self._writing():
            with ExitStack() as stack:
                rows = {}
                for name, schema in FOLDERS.items():
                    path = self._path(name, self._file_name(shard))
                    stream = stack.enter_context(
                        storage.replacing(self.system, path, self.job.mark)
                    )
                    rows[name] = _FORMATS[self.job.form](stream, schema)
                    stack.push(rows[name].leave)
                results = Results(**rows)
                yield results
                sizes = {name: each.finish() for name, each in rows.items()}
            receipt = {
                "fingerprint": shard.fingerprint(self.job),
                "counts": asdict(results.counts),
                "bytes": sizes,
                "final": results.is_final,
            }
            self._write_json(self._path(RECEIPTS, f"{shard.name}.json"), receipt)

    def _is_left(self, info: fs.FileInfo) -> bool:
        """Tell whether this is unfinished, and not by another run that is under way."""
        return storage.is_unfinished(info.base_name) and (
            info.base_name.startswith(f".{self.job.mark}") or (info.mtime_ns or 0) < self.begun_ns
        )

    def _path(self, *names: str) -> str:
        return "/".join((self.folder, *filter(None, names)))

    def _file_name(self, shard: Shard) -> str:
        return f"{shard.name}.{self.job.form}"

    def _check_what_is_there(self) -> None:
        info = self.system.get_file_info(self.folder)
        if info.type == fs.FileType.NotFound:
            return
        if info.type != fs.FileType.Directory:
            raise UsageError(f"{self.name} is no folder: choose another --output")
        manifest = self._read_json(self._path(MANIFEST))
        if manifest is None:
            there = self.system.get_file_info(fs.FileSelector(self.folder))
            if any(not info.base_name.startswith(".") for info in there):
                raise UsageError(f"{self.name} holds other files: choose a new or an empty folder")
            return
        wanted = _flat(self.job.description)
        found = _flat(manifest)
        for name, value in wanted.items():
            if found.get(name) != value:
                raise UsageError(
                    f"{self.name} holds the results of another request ({name} was "
                    f"{found.get(name)}, is {value}): choose another folder, or ask for the same"
                )

    def _write_manifest(self, counts: Counts | None, shards: int) -> None:
        results = counts and {"shards": shards, "images": counts.images, **asdict(counts)}
        manifest = {"schema": SCHEMA, "complete": counts is not None, "counts": results}
        self._write_json(self._path(MANIFEST), manifest | self.job.description)

    def _write_json(self, path: str, value: Mapping[str, Any]) -> None:
        with storage.replacing(self.system, path, self.job.mark) as stream:
            stream.write(json.dumps(value, indent=2).encode() + b"\n")

    def _read_json(self, path: str) -> dict[str, Any] | None:
        try:
            with self.system.open_input_file(path) as stream:
                value = json.loads(stream.read())
        except (FileNotFoundError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = storage.reason_of(error)
            raise UsageError(
                f"cannot write {self.name}: {reason}; mend that and run the same again"
            ) from error


class _Rows:
    """Writes tables to a stream, many rows at a time."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream, self._schema = stream, schema
        self._held: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
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


class _Parquet(_Rows):
    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        super().__init__(stream, schema)
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd")

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def _close(self) -> None:
        self._writer.close()


class _Jsonl(_Rows):
    def _write(self, table: pa.Table) -> None:
        lines = (json.dumps(row) + "\n" for row in table.to_pylist())
        self._stream.write("".join(lines).encode())


_FORMATS: dict[str, type[_Rows]] = {"parquet": _Parquet, "jsonl": _Jsonl}


def _flat(value: Any, name: str = "") -> dict[str, Any]:  # noqa: ANN401, JSON
    """Give the leaves of JSON by their path."""
    if not isinstance(value, dict):
        return {name: value}
    inner = (_flat(each, f"{name}.{key}".lstrip(".")) for key, each in value.items())
    return {key: leaf for leaves in inner for key, leaf in leaves.items()}
