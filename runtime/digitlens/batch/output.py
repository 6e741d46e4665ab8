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
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyarrow import fs

from digitlens.batch import storage
from digitlens.batch.columns import ERRORS, READINGS
from digitlens.batch.formats import FORMATS
from digitlens.batch.inputs import valid
from digitlens.batch.job import Job
from digitlens.batch.plan import Shard
from digitlens.batch.results import Counts, Results, Summary
from digitlens.errors import UsageError

MANIFEST = "manifest.json"
FOLDERS = {"readings": READINGS, "errors": ERRORS}
RECEIPTS = "receipts"
SCHEMA = 1


class Output:
    """The folder of a job.

    Raises:
        UsageError: its file system cannot be reached, or its name is not UTF-8.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.name = storage.display(job.output)
        self.begun_ns = 0
        self.system, folder = storage.resolve(job.output)
        self.folder = folder.rstrip("/")
        if valid(folder) != folder:
            raise UsageError(f"{valid(self.name)}: name the output in UTF-8")

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
                    shard = name and re.fullmatch(r"shard-(\d{6,})\.\w+", info.base_name)
                    is_over = shard and int(shard[1]) >= shards
                    if is_over or self._is_left(info):
                        self.system.delete_file(info.path)
            self._write_manifest(counts, shards)

    def summary(self, shard: Shard) -> Summary | None:
        """Give what came of a shard if it is complete, of this job, and still there.

        Raises:
            UsageError: the output cannot be reached.
        """
        path = self._path(RECEIPTS, f"{shard.name}.json")
        with self._writing():
            receipt = self._read_json(path)
            if receipt is None:
                return None
            paths = [self._path(name, self._file_name(shard)) for name in FOLDERS]
            sizes = [info.size for info in self.system.get_file_info(paths)]
            if (
                receipt.get("fingerprint") == shard.fingerprint(self.job)
                and receipt["final"]
                and sizes == [receipt["bytes"][name] for name in FOLDERS]
            ):
                counts = Counts(**receipt["counts"])
                return Summary(shard.number, shard.size, counts, is_new=False)
            self.system.delete_file(path)  # it would vouch for files that are about to change
            return None

    @contextmanager
    def writing(self, shard: Shard) -> Iterator[Results]:
        """Give what takes the results of a shard, which has a receipt when all of them are there.

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
                    rows[name] = FORMATS[self.job.form](stream, schema)
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
        """Tell whether this is unfinished, of this run or of one before it.

        What is younger than this run may be another's, which is under way.
        """
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
        except (FileNotFoundError, ValueError, RecursionError):
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


def _flat(value: Any, name: str = "") -> dict[str, Any]:  # noqa: ANN401, JSON
    """Give the leaves of JSON by their path."""
    if not isinstance(value, dict):
        return {name: value}
    inner = (_flat(each, f"{name}.{key}".lstrip(".")) for key, each in value.items())
    return {key: leaf for leaves in inner for key, leaf in leaves.items()}
