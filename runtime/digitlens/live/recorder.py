"""Recordings: pictures into an MP4 file, at the speed at which they came."""

import errno
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import canvas
from digitlens.errors import UsageError
from digitlens.files import check_writable, replacing

SUFFIX = ".mp4"
CODEC = "mp4v"
"""MPEG-4 Part 2: the one codec for MP4 that every build of OpenCV writes, and writes quickly."""
LONGEST_GAP = 1.0
"""Seconds without a picture that are recorded; more are left out."""


def check(path: Path) -> None:
    """Raise `UsageError` unless a recording can be written at `path`; nothing is made."""
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"cannot record into {path}: give a name that ends in {SUFFIX}")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"cannot record into {path}: give a name in UTF-8") from error
    check_writable(path)


class Recorder:
    """Writes a video that is moved into its place, whole and playable, when it is closed.

    Args:
        path: the file, ending in `.mp4`.
        rate: frames a second.

    Raises:
        UsageError: `path` ends otherwise or cannot be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        check(path)
        self.path, self.rate, self.written = path, _writable(rate), 0
        self._size, self._start = (0, 0), 0.0
        self._place, self._video = ExitStack(), cv2.VideoWriter()
        self._newest: NDArray[np.uint8] = canvas.blank(1, 1)

    def write(self, picture: NDArray[np.uint8], time: float) -> None:
        """Record a picture, uint8 `[h, w, 3]` in BGR, which came at `time` seconds.

        It stays until the next one comes: pictures that came too late are repeated, and those
        that came too early left out. One of another size than the first is fitted into that.

        Raises:
            UsageError: the file cannot be written.
        """
        if not self.written:
            self._open(picture, time)
        due = round((time - self._start) * self.rate)
        longest = max(round(LONGEST_GAP * self.rate), 1)
        if due - self.written > longest:
            self._start = time - self.written / self.rate
            due = self.written
        while self.written < due:
            self._append(self._newest)
        if self.written == due:
            self._newest = _fitted(picture, self._size)
            self._append(self._newest)

    def close(self) -> None:
        """Finish the file and put it into its place; without a picture there is none.

        Raises:
            UsageError: it could not be written as a whole, as on a full disk.
        """
        with self._place:
            if self._video.isOpened():
                self._video.release()
                self._check()

    def _append(self, picture: NDArray[np.uint8]) -> None:
        self._video.write(picture)
        self.written += 1

    def _open(self, picture: NDArray[np.uint8], time: float) -> None:
        height, width = picture.shape[:2]
        # The codec halves the resolution of colours, so both sides are even.
        self._size, self._start = (width + width % 2, height + height % 2), time
        fourcc = cv2.VideoWriter.fourcc(*CODEC)
        with ExitStack() as place:
            self._temporary = place.enter_context(replacing(self.path))
            self._video = cv2.VideoWriter(
                str(self._temporary), cv2.CAP_FFMPEG, fourcc, self.rate, self._size
            )
            if not self._video.isOpened():
                raise UsageError(
                    f"cannot record into {self.path}: OpenCV writes no MP4 of "
                    f"{self._size[0]}×{self._size[1]} pixels at {self.rate:g} frames/s there; "
                    "is the disk full?"
                )
            self._place = place.pop_all()

    def _check(self) -> None:
        video = cv2.VideoCapture(str(self._temporary), cv2.CAP_FFMPEG)
        found = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
        video.release()
        if found != self.written:
            raise OSError(
                errno.ENOSPC, f"{found} of {self.written} frames are in it, is the disk full?"
            )


def _writable(rate: float) -> float:
    """Round a rate to what MPEG-4 can say: a fraction of numbers of 16 bits."""
    decimals = 3 if rate < 65 else 2 if rate < 655 else 1
    return max(round(rate, decimals), 0.01)


def _fitted(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    if picture.shape[:2] == (height, width):
        return picture
    paper = canvas.blank(height, width)
    scale = min(width / picture.shape[1], height / picture.shape[0])
    if scale < 1:
        picture = canvas.fitted(picture, width, height)[0]
    canvas.paste(paper, picture, 0, 0)
    return paper
