"""What comes of a shard: rows of readings and of errors, and how many."""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from digitlens.batch.columns import ERRORS
from digitlens.batch.formats import Writer
from digitlens.errors import DigitlensError, UnreadableError


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

    def __init__(self, readings: Writer, errors: Writer) -> None:
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
