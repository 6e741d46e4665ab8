"""Images that are sent are read here, a few at a time, beside the loop that answers."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
from anyio import CapacityLimiter, to_thread
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request

from digitlens import sources
from digitlens.errors import ImageError, TooLargeError
from digitlens.explain import Step
from digitlens.reader import Reader
from digitlens.reading import Reading
from digitlens.serve.inbox import Inbox
from digitlens.serve.metrics import Metrics

AT_ONCE = min(os.cpu_count() or 1, 2)
"""Images that are decoded and read at once: each may take hundreds of megabytes."""

T = TypeVar("T")


class Desk:
    """Reads images with one reader.

    Args:
        reader: what reads them.
        metrics: where readings are counted.
    """

    def __init__(self, reader: Reader, metrics: Metrics) -> None:
        self.reader = reader
        self._metrics, self._inbox = metrics, Inbox()
        self._limiter: CapacityLimiter | None = None

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Receive the body of a request; see `Inbox.body`."""
        async with self._inbox.body(request) as body:
            yield body

    async def read(self, image: bytes, by: str, *, taps: bool) -> Reading:
        """Read an image file's bytes; `by` says who asks.

        Raises:
            HTTPException: 413 too many pixels, 422 no image.
        """

        def work() -> Reading:
            return self.reader.read(sources.decode(image), taps=taps)

        return self._counted(await self._work(work), by)

    async def explain(
        self, image: bytes, by: str, *, steps: bool
    ) -> tuple[NDArray[np.uint8], Reading, list[Step]]:
        """Read an image file's bytes; give the frame, what was read, and how if `steps`.

        Raises:
            HTTPException: as `read` does.
        """

        def work() -> tuple[NDArray[np.uint8], Reading, list[Step]]:
            frame = sources.decode(image)
            if not steps:
                return frame, self.reader.read(frame), []
            return frame, *self.reader.read_with_steps(frame)

        found = await self._work(work)
        self._counted(found[1], by)
        return found

    def _counted(self, reading: Reading, by: str) -> Reading:
        self._metrics.count("digitlens_readings_total", f'by="{by}"')
        self._metrics.observe("digitlens_read_seconds", reading.elapsed_ms / 1000)
        return reading

    async def _work(self, work: Callable[[], T]) -> T:
        self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
        try:
            return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)
        except ImageError as error:
            status = 413 if isinstance(error, TooLargeError) else 422
            raise HTTPException(status, str(error)) from error
