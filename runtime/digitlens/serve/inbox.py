"""Bodies in, bounded in size, in time, and all together in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BYTES = 16 << 20
"""Longer bodies are refused."""
MAX_TOGETHER = 64 << 20
"""Bytes of all bodies that may be held at once; whoever brings more is to come again."""
MAX_SECONDS = 30.0
"""Time that a body may take to arrive."""
MAX_WAITING = 64
"""Requests with a body that may be under way at once."""
_AGAIN = {"Retry-After": "1"}


class Inbox:
    """Receives bodies, and keeps count of what is held."""

    def __init__(self) -> None:
        self._bytes = self._waiting = 0

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
            raise _too_large(int(length))
        if self._waiting >= MAX_WAITING:
            raise HTTPException(503, "too many at once: try again", _AGAIN)
        parts: list[bytes] = []
        self._waiting += 1
        try:
            await self._receive(request, parts)
            yield b"".join(parts)
        finally:
            self._waiting -= 1
            self._bytes -= sum(map(len, parts))

    async def _receive(self, request: Request, parts: list[bytes]) -> None:
        size = 0
        try:
            async with asyncio.timeout(MAX_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_BYTES:
                        raise _too_large(size)
                    if self._bytes + len(part) > MAX_TOGETHER:
                        raise HTTPException(503, "too much at once: try again", _AGAIN)
                    self._bytes += len(part)
                    parts.append(part)
        except ClientDisconnect as error:
            raise HTTPException(400, "the sender left before the body was there") from error
        except TimeoutError as error:
            raise HTTPException(408, f"the body took more than {MAX_SECONDS:g} s") from error


def _too_large(size: int) -> HTTPException:
    return HTTPException(
        413, f"too large: {size:,} bytes, at most {MAX_BYTES:,} are taken; scale the image down"
    )
