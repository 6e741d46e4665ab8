"""Readings as columns, the same ones in every format: the fields of `digitlens classify`.

`elapsed_ms` alone is left out: it would be another one in every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from digitlens.reading import Reading

DIGIT = pa.struct(
    [
        pa.field("label", pa.int32()),
        pa.field("confidence", pa.float64()),
        pa.field("sure", pa.bool_()),
        pa.field("box", pa.list_(pa.int32())),
    ]
)
READINGS = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("text", pa.string()),
        pa.field("digits", pa.list_(DIGIT)),
    ]
)
ERRORS = pa.schema([pa.field("source", pa.string()), pa.field("error", pa.string())])


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Images one after the other, and their digits one after the other.

    Attributes:
        sources, texts: one an image.
        sizes: width and height of each image in pixels, int32 `[n, 2]`.
        counts: how many digits each has, int32 `[n]`.
        labels: int32 `[m]`.
        confidences: 0…1, float64 `[m]`.
        sure: bool `[m]`.
        boxes: x, y, width and height in pixels, int32 `[m, 4]`.
    """

    sources: Sequence[str]
    texts: Sequence[str] | pa.Array
    sizes: NDArray[np.int32]
    counts: NDArray[np.int32]
    labels: NDArray[np.int32]
    confidences: NDArray[np.float64]
    sure: NDArray[np.bool_]
    boxes: NDArray[np.int32]

    def table(self) -> pa.Table:
        """Give the table with the schema `READINGS`."""
        count = len(self.labels)
        boxes = pa.ListArray.from_arrays(
            np.arange(0, 4 * count + 1, 4, dtype=np.int32), pa.array(self.boxes.ravel())
        )
        # np.round gives what round() gives: a float32 times 10,000 is exact in float64.
        confidences = np.round(self.confidences, 4)
        digits = pa.StructArray.from_arrays(
            [pa.array(self.labels), pa.array(confidences), pa.array(self.sure), boxes],
            fields=list(DIGIT),
        )
        offsets = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int32)
        columns = [
            pa.array(self.sources, pa.string()),
            pa.array(np.ascontiguousarray(self.sizes[:, 0])),
            pa.array(np.ascontiguousarray(self.sizes[:, 1])),
            pa.array(self.texts, pa.string()),
            pa.ListArray.from_arrays(offsets, digits),
        ]
        return pa.Table.from_arrays(columns, schema=READINGS)


def of_readings(sources: Sequence[str], readings: Sequence[Reading]) -> Columns:
    """Gather readings that the finder made."""
    digits = [digit for reading in readings for digit in reading.digits]
    return Columns(
        sources=sources,
        texts=[reading.text for reading in readings],
        sizes=np.array([(each.width, each.height) for each in readings], np.int32),
        counts=np.array([len(each.digits) for each in readings], np.int32),
        labels=np.array([digit.label for digit in digits], np.int32),
        confidences=np.array([digit.confidence for digit in digits], np.float64),
        sure=np.array([digit.sure for digit in digits], np.bool_),
        boxes=np.array([digit.box for digit in digits], np.int32).reshape(-1, 4),
    )
