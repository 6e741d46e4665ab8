"""Bodies in, bounded in size, in time, and all together in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BYTES = 16 << 20
"""Longer bodies are refused."""
MAX_TOGETHER = 64 << 20
"""Bytes of all bodies that may be held at once; whoever brings more is to come again."""
MAX_SECONDS = 30.0
"""Time that a body may take to arrive."""
DRAIN_SECONDS = 2.0
"""Time for which a body that is too long is taken in and dropped: whoever sends first and listens
afterwards would else find a closed door, and not the answer."""
_AGAIN = {"Retry-After": "1"}


class Inbox:
    """Receives bodies, and keeps count of what is held."""

    def __init__(self) -> None:
        self._bytes = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Receive a body, which counts as held until the block ends.

        Raises:
            HTTPException: 400 the sender left, 408 too slow, 413 too large, 415
                a form, 503 too much at once.
        """
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise HTTPException(415, "send the bytes as they are: curl --data-binary @photo.png")
        length = request.headers.get("content-length", "0")
        if int(length) > MAX_BYTES:  # h11 lets no other length pass than a number
            await _drain(request.stream())
            raise _too_large(int(length))
        parts: list[bytes] = []
        try:
            await self._receive(request, parts)
            parts[:] = [b"".join(parts)]  # not held twice
            yield parts[0]
        finally:
            self._bytes -= sum(map(len, parts))

    async def _receive(self, request: Request, parts: list[bytes]) -> None:
        size = 0
        try:
            async with asyncio.timeout(MAX_SECONDS):
                stream = request.stream()
                async for part in stream:
                    size += len(part)
                    if size > MAX_BYTES:
                        await _drain(stream)
                        raise _too_large(size)
                    if self._bytes + len(part) > MAX_TOGETHER:
                        await _drain(stream)
                        raise HTTPException(503, "too much at once: try again", _AGAIN)
                    self._bytes += len(part)
                    parts.append(part)
        except ClientDisconnect as error:
            raise HTTPException(400, "the sender left before the body was there") from error
        except TimeoutError as error:
            raise HTTPException(408, f"the body took more than {MAX_SECONDS:g} s") from error


async def _drain(stream: AsyncIterator[bytes]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in stream:
                pass


def _too_large(size: int) -> HTTPException:
    return HTTPException(
        413, f"too large: {size:,} bytes, at most {MAX_BYTES:,} are taken; scale the image down"
    )
