"""Pictures in all kinds of containers, and what `digitlens batch` makes of them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq

from digitlens import model_file
from digitlens.batch.inputs import Input
from digitlens.batch.job import Job

MODEL = model_file.PACKAGED.read_bytes()


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def write_tar(path: Path, members: Iterable[tuple[str, bytes]], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def job(*inputs: Path | str, output: Path | str = "unused", **settings: Any) -> Job:
    """A request with the packaged model and the usual settings."""
    defaults = {"provider": "cpu", "min_confidence": 0.8, "weights_sha256": "0" * 64}
    return Job(
        inputs=tuple(Input.of(str(each)) for each in inputs),
        output=str(output),
        model=MODEL,
        **defaults | settings,
    )


def rows(output: Path, what: str = "readings") -> list[dict[str, Any]]:
    """All rows of a finished output, in order."""
    files = sorted((output / what).iterdir())
    if files[0].suffix == ".jsonl":
        return [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return [row for path in files for row in pq.ParquetFile(path).read().to_pylist()]


def by_source(output: Path) -> Mapping[str, str]:
    """The text of every image."""
    found = rows(output)
    texts = {row["source"]: row["text"] for row in found}
    assert len(texts) == len(found)
    return texts


def manifest(output: Path) -> dict[str, Any]:
    return json.loads((output / "manifest.json").read_text())


def tree(folder: Path) -> dict[str, str]:
    """Every file with the SHA-256 of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
