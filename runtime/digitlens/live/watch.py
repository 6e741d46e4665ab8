"""Frames in, readings out, for as long as a source gives frames."""

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from digitlens import providers
from digitlens.capture import Source, Wish, resolve
from digitlens.capture.feed import Feed, Frame
from digitlens.capture.images import Images
from digitlens.errors import ImageError
from digitlens.live.meter import Meter
from digitlens.live.tracker import Tracker
from digitlens.reader import Reader
from digitlens.reading import LiveReading

_TICK = 0.5


class Watch:
    """Reads the frames of a feed; an iterator over `LiveReading`, and a context manager.

    Args:
        feed: where frames come from.
        reader: what reads them.
        steady: follow digits from frame to frame, and give them from all frames together.
        taps: keep the inner activations of every digit in `LiveReading.taps`.
    """

    def __init__(
        self, feed: Feed, reader: Reader, *, steady: bool = True, taps: bool = False
    ) -> None:
        self.feed, self.reader, self.taps = feed, reader, taps
        self.meter = Meter(feed)
        labels = reader.contract.labels
        self._tracker = Tracker(labels, reader.min_confidence, reader.min_score) if steady else None

    def next(self, timeout: float) -> LiveReading | None:
        """Wait for the next frame and read it.

        Gives None if no frame comes within `timeout` seconds, or ever: see `has_ended`.

        Raises:
            ImageError: one frame is damaged; the next may be read.
            SourceError: the source never gave a frame.
        """
        frame = self.feed.next(timeout)
        return self._read(frame) if frame else None

    @property
    def has_ended(self) -> bool:
        """Whether no frame comes any more."""
        return self.feed.has_ended

    @property
    def provider(self) -> str:
        """The short name of what runs the network."""
        return max(self.reader.session.placement, key=self.reader.session.placement.__getitem__)

    def close(self) -> None:
        """Let go of the source."""
        self.feed.close()

    def __enter__(self) -> "Watch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[LiveReading]:
        try:
            while True:
                try:
                    reading = self.next(_TICK)
                except ImageError as error:
                    warnings.warn(str(error), stacklevel=2)
                    continue
                if reading:
                    yield reading
                elif self.has_ended:
                    return
        finally:
            self.close()

    def _read(self, frame: Frame) -> LiveReading:
        reading = self.reader.read(frame.image)
        digits = self._tracker.steady(reading.digits) if self._tracker else reading.digits
        taps = self.reader.activations(digits) if self.taps else None
        age_ms = 1000 * (time.monotonic() - frame.captured)
        self.meter.count(age_ms)
        return LiveReading(
            width=reading.width,
            height=reading.height,
            digits=digits,
            elapsed_ms=reading.elapsed_ms,
            taps=taps,
            dropped=reading.dropped,
            source=frame.name,
            image=frame.image,
            frame=frame.number,
            time=frame.time,
            age_ms=age_ms,
        )


def watch(
    source: Source | Path | str | int = 0,
    *,
    model: Path | str | None = None,
    provider: str = providers.DEFAULT,
    min_confidence: float | None = None,
    threads: int | None = None,
    width: int | None = None,
    height: int | None = None,
    rate: float | None = None,
    pixel_format: str | None = None,
    fast: bool = False,
    loop: bool = False,
    steady: bool | None = None,
    taps: bool = False,
) -> Watch:
    """Read digits live: `for reading in digitlens.watch(0): print(reading.text)`.

    What it opens is closed when the loop ends, or at the end of `with digitlens.watch(0) as
    readings:`. An image of a folder that cannot be read gives a warning.

    Args:
        source: number of a camera, `/dev/videoN`, an address such as `rtsp://…`, a video file, an
            image file, a folder or pattern of images, `test:`, or an object with `name` and
            `open()` as `digitlens.capture.Source` has them, for other cameras.
        model: an ONNX file with a contract, or None for the packaged model.
        provider: what runs the network, such as `cpu`; see `digitlens doctor`.
        min_confidence: from which confidence, 0…1, a digit counts as sure; see `Reader`.
        threads: that run the network, one by default or as the provider `auto` has it.
        width: of the frames in pixels, asked of a camera or the test card.
        height: of the frames in pixels, asked of a camera or the test card.
        rate: frames a second, asked of a camera or the test card; of images, shown a second.
        pixel_format: four letters such as MJPG or YUYV, asked of a camera.
        fast: read files and the test card as fast as they can be read.
        loop: begin a source that ends again.
        steady: follow digits from frame to frame, and give them from all frames together. By
            default in everything but image files.
        taps: keep the inner activations of every digit in `LiveReading.taps`.

    Raises:
        NotFoundError: no such file or model, or a provider that is not installed.
        ImageError: a folder without images.
        ModelError: the model cannot be used.
        UsageError: the source cannot do what is asked of it, or nobody knows the provider.
        SourceError: while it is iterated over: the source cannot be opened, or gave no frame.
    """
    wish = Wish(width, height, rate, pixel_format)
    found = resolve(str(source), wish) if isinstance(source, int | str | Path) else source
    reader = Reader(model, provider=provider, min_confidence=min_confidence, threads=threads)
    return follow(found, reader, fast=fast, loop=loop, steady=steady, taps=taps)


def follow(
    source: Source,
    reader: Reader,
    *,
    fast: bool = False,
    loop: bool = False,
    steady: bool | None = None,
    taps: bool = False,
) -> Watch:
    """Read a source with a reader that is there already; see `watch`."""
    is_steady = not isinstance(source, Images) if steady is None else steady
    return Watch(Feed(source, fast=fast, loop=loop), reader, steady=is_steady, taps=taps)
