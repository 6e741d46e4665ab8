"""What a source of frames is: it can be opened, and then gives one frame after the other."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from digitlens.errors import UsageError

_LIMITS = {"width": (1, 16384), "height": (1, 16384), "rate": (0.01, 1000)}
USUAL_RATE = 30.0
"""Frames a second where nothing says otherwise."""


class Shot(NamedTuple):
    """What a capture gives.

    Attributes:
        image: uint8 `[h, w, 3]`, blue, green, red; it is kept, so nothing may be written into it
            afterwards.
        place: the second at which it stands in its source; None where frames come by themselves,
            as from a camera.
        name: of the file, where it has one of its own.
    """

    image: NDArray[np.uint8]
    place: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a camera or of the test card; None leaves the choice to it.

    Attributes:
        width, height: of the frames, in pixels.
        rate: frames a second, 0.01 to 1000.
        pixel_format: four letters such as MJPG or YUYV, for cameras.

    Raises:
        UsageError: one of these cannot be.
    """

    width: int | None = None
    height: int | None = None
    rate: float | None = None
    pixel_format: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no source can give."""
        for name, value in (("width", self.width), ("height", self.height), ("rate", self.rate)):
            low, high = _LIMITS[name]
            if value is not None and not low <= value <= high:
                raise UsageError(f"the {name} asked for is {value}: give {low} to {high}")
        if self.pixel_format is not None and len(self.pixel_format) != 4:
            raise UsageError(f"no pixel format {self.pixel_format!r}: give four letters like MJPG")


class Capture(Protocol):
    """An open source.

    Attributes:
        is_live: whether only its newest frame counts, and its silence means that it is lost.
        rate: frames a second, as far as it knows.
        description: what it really gives, such as `640×480, 30 frames/s, MJPG`.
    """

    is_live: bool
    rate: float
    description: str

    def read(self) -> Shot | None:
        """Wait for the next frame; None: there is none any more.

        Raises:
            ImageError: one frame is damaged; the next may be read.
        """

    def close(self) -> None:
        """Let go of it."""


class Source(Protocol):
    """What can be opened, again and again.

    Attributes:
        name: as the user gave it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    def open(self) -> Capture:
        """Open it; this may take seconds.

        Raises:
            SourceError: it cannot be opened.
        """
