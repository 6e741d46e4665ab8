"""Image files as frames, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from digitlens import sources
from digitlens.capture.source import Shot
from digitlens.errors import ImageError, NotFoundError


@dataclass(frozen=True, slots=True)
class Images:
    """Image files in an order.

    Attributes:
        name: the folder or pattern that the user gave.
        paths: the files.
        rate: how many are shown a second.
    """

    name: str
    paths: Sequence[Path]
    rate: float = 1.0

    def open(self) -> "Slides":
        """Begin with the first."""
        return Slides(self.paths, self.rate)


class Slides:
    """Image files that are read one by one; see `digitlens.capture.source.Capture`."""

    is_live = False

    def __init__(self, paths: Sequence[Path], rate: float) -> None:
        self.rate, self._paths, self._count = rate, paths, 0
        self.description = f"images: {len(paths)}, {rate:g} frames/s"

    def read(self) -> Shot | None:
        """Read the next file; None: that was the last.

        Raises:
            ImageError: it is no image, or is damaged; the next may be read.
        """
        if self._count == len(self._paths):
            return None
        number, self._count = self._count, self._count + 1
        path = self._paths[number]
        try:
            return Shot(sources.read(path), number / self.rate, str(path))
        except (ImageError, NotFoundError) as error:  # a file may vanish before its turn
            damage = ImageError(str(error))
            damage.source = str(path)
            raise damage from error

    def close(self) -> None:
        """There is nothing to let go of."""
