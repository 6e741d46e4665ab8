"""How far a job is, on standard error."""

import io
import sys
import threading
import time
from contextlib import suppress

from tqdm import tqdm

from digitlens.batch import inputs
from digitlens.batch.job import Job
from digitlens.batch.results import Counts, Summary
from digitlens.errors import DigitlensError

EVERY = 10.0
"""Seconds between two lines where standard error is no terminal."""


class Progress:
    """A bar on a terminal, and a line now and then elsewhere: bytes, images, rate, time left.

    The size of the input is found by walking it a second time, beside the work.
    """

    def __init__(self, job: Job) -> None:
        self.counts, self.shards, self.skipped = Counts(), 0, 0
        self.start = self.shown = time.monotonic()
        self.stream = sys.stderr or io.StringIO()  # it may be closed
        self.bar = tqdm(
            unit="B", unit_scale=True, smoothing=0.05, delay=0.5,
            file=self.stream, disable=not self.stream.isatty(),
        )  # fmt: skip
        self.done = self.read = 0
        self.errors = f"{job.output}/errors"
        self.total: int | None = None
        threading.Thread(target=self._measure, args=(job,), daemon=True).start()

    def add(self, summary: Summary) -> None:
        """Count a shard."""
        self.counts.add(summary.counts)
        self.shards += 1
        self.skipped += not summary.is_new
        self.read += summary.counts.images if summary.is_new else 0
        self.done += summary.size
        with suppress(OSError):  # whoever followed it may have left; the work goes on
            self._show(summary.size)

    def close(self) -> None:
        """Leave the bar as it is."""
        with suppress(OSError):
            self.bar.close()

    def _show(self, size: int) -> None:
        self.bar.total = self.total
        self.bar.set_postfix_str(self._images(), refresh=False)
        self.bar.update(size)
        now = time.monotonic()
        if self.bar.disable and now - self.shown >= EVERY:
            self.shown = now
            line = tqdm.format_meter(
                self.done, self.total, now - self.start, unit="B", unit_scale=True,
                ncols=0, postfix=self._images(),
            )  # fmt: skip
            print(line, file=self.stream, flush=True)

    def summary(self) -> str:
        """Say in one line what was done."""
        found, there = self.counts, f"; {self.skipped} of {self.shards} shards were there"
        unread = f", {found.errors:,} could not be, see {self.errors}" if found.errors else ""
        return (
            f"{found.images:,} images: {found.readings:,} read{unread}, {self.rate:,.0f}/s"
            f"{there if self.skipped else ''}"
        )

    @property
    def rate(self) -> float:
        """Images a second since the start, without those that were there."""
        return self.read / max(time.monotonic() - self.start, 1e-9)

    def _images(self) -> str:
        return f"{self.counts.images:,} images, {self.rate:,.0f}/s"

    def _measure(self, job: Job) -> None:
        try:
            self.total = inputs.size(job.inputs, job.output)
        except DigitlensError:
            return  # the work meets the same and says so
