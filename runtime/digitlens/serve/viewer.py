"""One who watches the live picture over a WebSocket.

Frames go out as packets (`digitlens.serve.packet`): a header, the JPEG, the chosen digit's glyph
and one tap of it. What the source does, and answers, go out as JSON. What comes in is JSON, an
object with any of `tap` (a name), `track` (the digit to be shown), `paused`, `seen` (the number of
a picture that arrived), `clock` (to be given back with the server's time) and `again` (begin a
source that has ended). `?paused=1` begins without a picture.

At most `AHEAD` pictures are under way to a viewer: it says which it has seen. So a slow one skips
frames, and none waits in buffers between here and there.
"""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from digitlens import maps
from digitlens.errors import UsageError
from digitlens.live.stage import Stage
from digitlens.reader import Reader
from digitlens.serve.broadcast import Broadcast, Picture, Status
from digitlens.serve.metrics import Metrics
from digitlens.serve.packet import gray, pack

AHEAD = 2
"""Pictures that may be on their way to a viewer."""
POLICY = 1008
"""Close code of RFC 6455, 7.4.1: what came cannot be taken."""


class Viewer:
    """Serves one WebSocket."""

    def __init__(
        self, socket: WebSocket, broadcast: Broadcast, reader: Reader, metrics: Metrics
    ) -> None:
        self._socket, self._broadcast = socket, broadcast
        self._metrics = metrics
        self._stage = Stage(reader, [tap.name for tap in reader.contract.taps[:1]])
        self._status: Status | None = None
        self._shown: Picture | None = None
        self._seen = 0
        self._is_paused, self._is_changed = socket.query_params.get("paused") == "1", False
        self._problem: str | None = None

    async def serve(self) -> None:
        """Send pictures until the viewer leaves."""
        await self._socket.accept()
        with self._broadcast.watching() as news:
            tasks = [asyncio.create_task(work) for work in (self._receive(news), self._send(news))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
        gone = (WebSocketDisconnect, asyncio.CancelledError)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, gone):
                raise result
        if self._problem is not None:
            self._metrics.count("digitlens_errors_total", 'kind="socket"')
            with suppress(WebSocketDisconnect):
                await self._socket.close(POLICY, self._problem[:100])

    async def _receive(self, news: asyncio.Event) -> None:
        while True:
            try:
                answer = self._take(json.loads(await self._socket.receive_text()))
            except (ValueError, KeyError, RecursionError, UsageError) as error:
                # A KeyError stands for a binary message, which has no text.
                is_said = isinstance(error, UsageError)
                self._problem = str(error) if is_said else "no JSON object"
                return
            if answer:
                await self._socket.send_json(answer)
            news.set()

    def _take(self, wish: object) -> dict[str, Any] | None:
        """Do what a message wishes; give the answer, if it wants one."""
        if not isinstance(wish, dict):
            raise UsageError("a JSON object is wanted")
        if "seen" in wish:
            self._seen = max(self._seen, _whole(wish["seen"]))
        if "tap" in wish:
            self._stage.show_only(_text(wish["tap"]))
            self._is_changed = True
        if "track" in wish:
            self._stage.choose(_whole(wish["track"]))
            self._is_changed = True
        if "paused" in wish:
            self._is_paused = bool(wish["paused"])
        if wish.get("again"):
            self._broadcast.rewind()
        if "clock" in wish:
            return {"clock": _number(wish["clock"]), "time": time.time()}
        return None

    async def _send(self, news: asyncio.Event) -> None:
        while True:
            await news.wait()
            news.clear()
            if self._status != self._broadcast.status:
                self._status = self._broadcast.status
                fields = {"state": self._status.state, "message": self._status.message}
                await self._socket.send_json(fields)
            newest = self._broadcast.newest
            if newest and self._wants(newest):
                self._shown, self._is_changed = newest, False
                await self._socket.send_bytes(self._packet(newest, newest.jpeg))
                self._metrics.count("digitlens_frames_sent_total")
            elif self._shown and self._is_changed and self._is_paused:
                self._is_changed = False
                await self._socket.send_bytes(self._packet(self._shown, b""))

    def _wants(self, newest: Picture) -> bool:
        if newest is self._shown or self._is_paused:
            return False
        return not self._shown or self._shown.number - self._seen < AHEAD

    def _packet(self, picture: Picture, jpeg: bytes) -> bytes:
        """Put a picture together; without a JPEG it is news of one that was sent before."""
        reading = picture.reading
        scene = self._stage.scene(reading, ())
        header: dict[str, Any] = {
            "number": picture.number,
            "captured": picture.captured,
            "reading": reading.to_dict(),
            "tracks": [digit.track for digit in reading.digits],
            "chosen": scene.chosen,
            "stats": {
                "captured": round(picture.stats.captured, 1),
                "read": round(picture.stats.processed, 1),
                "dropped": picture.stats.dropped,
                "cpu": round(picture.stats.cpu, 2),
            },
        }
        arrays: dict[str, NDArray[Any] | bytes] = {"jpeg": jpeg}
        if scene.chosen is not None:
            digit = reading.digits[scene.chosen]
            header["reason"] = digit.reason
            arrays |= {"glyph": gray(digit), "probabilities": digit.probabilities}
        if scene.taps:
            ((tap, values),) = scene.taps
            least, greatest = float(values.min()), float(values.max())
            header |= {"tap": tap.name, "least": least, "greatest": greatest}
            arrays["maps"] = maps.gray_tiles(values, tap.shape)
        return pack(header, arrays)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise UsageError("a text is wanted")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise UsageError("a whole number is wanted")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise UsageError("a number is wanted")
    return value
