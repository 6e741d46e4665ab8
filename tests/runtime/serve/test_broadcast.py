import asyncio
import time

import cv2
import numpy as np

from digitlens import Reader
from digitlens.capture import resolve
from digitlens.live.watch import follow
from digitlens.serve.broadcast import ASLEEP, Broadcast
from digitlens.serve.metrics import Metrics
from digitlens.serve.packet import jpeg


def test_wide_frames_are_shrunk_and_narrow_ones_left() -> None:
    for size, expected in (((480, 640), (480, 640)), ((1080, 1920), (720, 1280))):
        small = jpeg(np.full((*size, 3), 200, np.uint8))
        assert cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR).shape[:2] == expected


def test_all_who_watch_get_the_very_same_picture() -> None:
    opened = []

    def open_watch():
        opened.append(follow(resolve("test:3"), reader))
        return opened[-1]

    async def watch() -> None:
        broadcast = Broadcast(open_watch, Metrics())
        broadcast.start()
        with broadcast.watching() as one, broadcast.watching() as two:
            assert broadcast.viewers == 2
            assert one.is_set()  # what is so already is news to who comes
            async with asyncio.timeout(10):
                while broadcast.newest is None:
                    await one.wait()
                    one.clear()
            assert two.is_set()
            first = broadcast.newest
            async with asyncio.timeout(10):
                while broadcast.newest is first:
                    await asyncio.sleep(0.01)
            assert broadcast.newest.number > first.number
            assert 0 <= time.time() - broadcast.newest.captured < 5
        assert broadcast.viewers == 0
        start = time.monotonic()
        await broadcast.close()
        await asyncio.sleep(0)
        assert broadcast.status == ASLEEP
        assert time.monotonic() - start < 2

    reader = Reader()
    asyncio.run(watch())
    assert len(opened) == 1
