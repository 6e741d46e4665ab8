"""What was read: the digits of one frame, in reading order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNSURE = "?"


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """One digit.

    Attributes:
        label: the most probable digit, 0…9.
        confidence: its probability, 0…1.
        sure: whether it was not dropped, and score and confidence reach the reader's thresholds.
        box: `(x, y, width, height)` of the crop in pixels of the frame.
        line: number of its row in the frame, from 0; -1 if it was dropped.
        glyph: what the network was given, float32 `[32, 32]`, 0…1, ink 1 on paper 0.
        probabilities: float32 `[10]`, they sum to 1.
        reason: why it is not sure or was dropped, else empty.
        track: in a video, its number as long as it is followed from frame to frame; else None.
        score: how likely it is one digit that is read right, 0…1, judged from its picture; the
            confidence for an MNIST image, which is not searched.
    """

    label: int
    confidence: float
    sure: bool
    box: tuple[int, int, int, int]
    line: int
    glyph: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    reason: str = ""
    track: int | None = None
    score: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The digits of one frame.

    Attributes:
        width, height: of the frame in pixels.
        digits: row by row, in a row from left to right.
        elapsed_ms: time that finding and reading the digits of the decoded frame took, in
            milliseconds.
        taps: inner activations by name where they were asked for, float32 with one row a digit
            in the order of `digits`: `taps["conv1"]` is `[n, 6, 28, 28]`. Else None.
        dropped: what might have been a digit, each with the reason why it is none.
    """

    width: int
    height: int
    digits: tuple[Digit, ...]
    elapsed_ms: float
    taps: Mapping[str, NDArray[np.float32]] | None = field(default=None, repr=False)
    dropped: tuple[Digit, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """The digits as text, rows separated by newlines; one that is not sure is `?`."""
        rows = groupby(self.digits, key=lambda digit: digit.line)
        return "\n".join(
            "".join(str(digit.label) if digit.sure else UNSURE for digit in row) for _, row in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """Give what `digitlens classify --format json` prints, but for `source`."""
        return {
            "width": self.width,
            "height": self.height,
            "text": self.text,
            "digits": [
                {
                    "label": digit.label,
                    "confidence": round(digit.confidence, 4),
                    "sure": digit.sure,
                    "box": list(digit.box),
                }
                for digit in self.digits
            ],
            "elapsed_ms": round(self.elapsed_ms, 3),
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LiveReading(Reading):
    """The digits of one frame of a video or a camera.

    Attributes:
        source: name of the source, or of the image file.
        image: the frame, uint8 `[height, width, 3]`, blue, green, red.
        frame: its number; dropped frames leave gaps.
        time: seconds since the first frame; in a file, its place there.
        age_ms: how old the frame was when it had been read, in milliseconds.
    """

    source: str
    image: NDArray[np.uint8] = field(repr=False)
    frame: int
    time: float
    age_ms: float

    def to_dict(self) -> dict[str, Any]:
        """Give what `digitlens camera --format json` prints."""
        live = {"frame": self.frame, "time": round(self.time, 4), "age_ms": round(self.age_ms, 3)}
        return {"source": self.source, **live, **Reading.to_dict(self)}
