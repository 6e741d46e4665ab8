"""Images that are sent are read in threads, a few at a time, beside the loop that answers."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from anyio import CapacityLimiter, to_thread
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from digitlens import image_header, sources
from digitlens.cores import usable_cores
from digitlens.errors import ImageError, TooLargeError
from digitlens.reader import Reader
from digitlens.reading import Reading
from digitlens.serve.metrics import Metrics

AT_ONCE = min(usable_cores(), 2)
"""Images that are decoded and read at once."""
LARGE = 16_000_000
"""Images of more pixels are read one at a time, so that no more than one takes so much memory, and
beside the others, so that these need not wait."""

Make = Callable[[NDArray[np.uint8]], tuple[Reading, bytes]]
"""Reads a frame, uint8 `[h, w, 3]` in BGR, and puts the answer together."""


class Desk:
    """Reads images with one reader.

    Args:
        reader: what reads them.
        metrics: where readings are counted.
    """

    def __init__(self, reader: Reader, metrics: Metrics) -> None:
        self.reader = reader
        self._metrics = metrics
        self._small, self._large = CapacityLimiter(AT_ONCE), CapacityLimiter(1)

    async def answer(self, image: bytes, by: str, make: Make) -> bytes:
        """Decode an image file's bytes, and let `make` read it; `by` says who asks.

        Raises:
            HTTPException: 413 too many pixels, 422 no image.
        """

        def work() -> tuple[Reading, bytes]:
            return make(sources.decode(image))

        try:
            reading, made = await to_thread.run_sync(
                work, abandon_on_cancel=True, limiter=self._limiter(image)
            )
        except ImageError as error:
            status = 413 if isinstance(error, TooLargeError) else 422
            raise HTTPException(status, str(error)) from error
        self._metrics.count("digitlens_readings_total", f'by="{by}"')
        self._metrics.observe("digitlens_read_seconds", reading.elapsed_ms / 1000)
        return made

    def _limiter(self, image: bytes) -> CapacityLimiter:
        with suppress(ImageError):
            header = image_header.parse(image)
            if header.width * header.height > LARGE:
                return self._large
        return self._small
