"""The worker that measures the whole way from a frame to a reading."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import cv2
import numpy as np

from digitlens import Reader, providers
from digitlens.bench.worker import Answer, serve
from digitlens.capture.test_card import Card

FRAMES = 24
"""How many frames of the test card take turns, so that no frame is met in a warm cache."""
STEP = 60
"""Frames of the card between two of them: the digits have moved, and some have changed."""


class Pipeline:
    """Frames of the test card, 640×480 with ten digits, in the reader.

    The request has `model` (a path), `provider`, and `threads`, OpenCV's too.
    """

    def __init__(self, request: Answer) -> None:
        cv2.setNumThreads(request["threads"])
        self._reader = Reader(
            request["model"], provider=request["provider"], threads=request["threads"]
        )
        card = Card()
        self._frames = [card.frame(STEP * number) for number in range(FRAMES)]

    def describe(self) -> Answer:
        """Give the placement."""
        found = self._reader.session.placement
        return {"placement": {providers.full_name(name): count for name, count in found.items()}}

    def feed(self, arrays: dict[str, Any]) -> None:
        """The frames are the input."""

    def calls(self) -> dict[str, Callable[[], object]]:
        """Give `plain` and `taps`."""
        frames, read = cycle(self._frames), self._reader.read
        return {"plain": lambda: read(next(frames)), "taps": lambda: read(next(frames), taps=True)}

    def outputs(self) -> dict[str, Any]:
        """Give the text of every frame."""
        return {"text": np.array([self._reader.read(frame).text for frame in self._frames])}

    def labels(self, data: dict[str, Any], batch: int) -> Any:  # noqa: ANN401
        """Read `images`, uint8 `[n, 28, 28]`, one by one: int64 `[n]`, -1 for no digit."""
        del batch
        readings = (self._reader.read(image) for image in data["images"])
        return np.array([next((d.label for d in r.digits), -1) for r in readings])


if __name__ == "__main__":
    serve(Pipeline)
