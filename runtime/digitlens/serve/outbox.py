"""Answers out, bounded all together in memory: whoever asks may be slow to read."""

from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

MAX_TOGETHER = 256 << 20
"""Bytes of all answers that may wait to be read; a single one may be longer."""
PART = 64 << 10
"""Bytes that are sent at once: the next ones when most of these were read."""


class Outbox:
    """Keeps count of the answers that are on their way."""

    def __init__(self) -> None:
        self._bytes = 0

    def answer(self, body: bytes, media_type: str) -> Response:
        """Give an answer, which counts until it was read.

        Raises:
            HTTPException: 503 too much waits to be read.
        """
        if self._bytes and self._bytes + len(body) > MAX_TOGETHER:
            raise HTTPException(
                503, "too many answers wait to be read: try again", {"Retry-After": "1"}
            )
        self._bytes += len(body)
        return _Answer(self, body, media_type)

    def forget(self, size: int) -> None:
        """Count an answer no longer."""
        self._bytes -= size


class _Answer(StreamingResponse):
    def __init__(self, outbox: Outbox, body: bytes, media_type: str) -> None:
        self._outbox, self._size = outbox, len(body)
        headers = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
        super().__init__(_parts(body), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._outbox.forget(self._size)


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PART):
        yield body[start : start + PART]
