"""What is to be read and how: all that decides the bytes of the output."""

import hashlib
import secrets
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal

import cv2
import numpy as np
import onnxruntime as ort
import pyarrow as pa

import digitlens
from digitlens.batch import storage
from digitlens.batch.inputs import Input

Form = Literal["parquet", "jsonl"]


def installed_versions() -> dict[str, str]:
    """Give the versions of what readings depend on, here."""
    modules = {
        "digitlens": digitlens,
        "numpy": np,
        "onnxruntime": ort,
        "opencv-python": cv2,
        "pyarrow": pa,
    }
    return {name: str(module.__version__) for name, module in modules.items()}


@dataclass(frozen=True)
class Job:
    """A request that does not depend on who does it; it can be pickled.

    Attributes:
        inputs: files, folders and patterns; see `inputs.files`.
        output: a folder, absolute or a URI.
        model: the bytes of an ONNX file with a contract.
        weights_sha256: what its contract says of them.
        provider: what runs the network.
        min_confidence: from which confidence, 0…1, a digit is sure, or None; see `Reader`.
        form: the format of the output.
        column: the image column of Parquet files, or None for the one that looks like it.
        shard_size: images in a shard that is cut from a larger input.
        batch_size: glyphs that the network is given at once; sums may differ in the last bit.
        versions: of what readings depend on, where the job was made.
        mark: of this run, by which its unfinished files are known.
    """

    inputs: tuple[Input, ...]
    output: str
    model: bytes = field(repr=False)
    weights_sha256: str
    provider: str
    min_confidence: float | None
    form: Form = "parquet"
    column: str | None = None
    shard_size: int = 10_000
    batch_size: int = 64
    versions: dict[str, str] = field(default_factory=installed_versions)
    mark: str = field(default_factory=partial(secrets.token_hex, 4))

    @cached_property
    def description(self) -> dict[str, Any]:
        """All but output and mark, as JSON; two jobs with the same one do the same."""
        return {
            "inputs": [each.name for each in self.inputs],
            "places": [storage.display(each.place) for each in self.inputs],
            "settings": {
                "provider": self.provider,
                "min_confidence": self.min_confidence,
                "format": self.form,
                "column": self.column,
                "shard_size": self.shard_size,
                "batch_size": self.batch_size,
            },
            "model": {
                "sha256": hashlib.sha256(self.model).hexdigest(),
                "weights_sha256": self.weights_sha256,
            },
            "versions": self.versions,
        }
