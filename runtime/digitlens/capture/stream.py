"""Cameras, addresses and video files: what OpenCV's VideoCapture reads."""

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitlens.capture.source import USUAL_RATE, Shot, Wish
from digitlens.errors import SourceError

# The first backend of each system that needs no further program; trying all of them is noisy.
_BACKENDS = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
_NO_CAMERA = 99
"""Larger numbers mean a backend to OpenCV, not a camera."""
_PROBED = 4
"""How many camera numbers are tried where the system has no list of its devices."""
PIXEL_FORMAT = "MJPG"
"""What a camera is asked for where nothing else is: most give their full rate in it alone."""
OPEN_MS, READ_MS = 10_000, 2_000
"""How long an address may take to open, and to give its next frame."""


class Stream:
    """Frames that OpenCV decodes; see `digitlens.capture.source.Capture`."""

    def __init__(self, video: cv2.VideoCapture, *, is_live: bool) -> None:
        self._video, self.is_live = video, is_live
        rate = float(video.get(cv2.CAP_PROP_FPS))
        self.rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else USUAL_RATE
        width, height = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        parts = [f"{width:.0f}×{height:.0f}", f"{self.rate:.4g} frames/s", _pixel_format(video)]
        self.description = ", ".join(filter(None, parts))

    def read(self) -> Shot | None:
        """Wait for the next frame; None: there is none any more."""
        try:
            is_there, image = self._video.read()
        except cv2.error:
            return None
        if not is_there:
            return None
        place = None if self.is_live else self._video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return Shot(np.asarray(image, np.uint8), place)

    def close(self) -> None:
        """Let go of the device, the connection or the file."""
        self._video.release()


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera.

    Attributes:
        name: its number, or its path below `/dev`.
        wish: what it is asked for; it may give something else.
    """

    name: str
    wish: Wish

    def open(self) -> Stream:
        """Open the camera.

        Raises:
            SourceError: there is none, or another program has it.
        """
        device = min(int(self.name[:9]), _NO_CAMERA) if self.name.isdecimal() else self.name
        camera = cv2.VideoCapture(device, _BACKENDS.get(sys.platform, cv2.CAP_ANY))
        if not camera.isOpened():
            raise SourceError(
                f"camera {self.name} cannot be opened: connect it, end other programs that use it, "
                "or choose one of 'digitlens camera --list-cameras'"
            )
        letters = self.wish.pixel_format or PIXEL_FORMAT
        # The format comes first, since the sizes and rates that a camera has depend on it.
        camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*letters))
        for name, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, self.wish.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, self.wish.height),
            (cv2.CAP_PROP_FPS, self.wish.rate),
        ):
            if value is not None:
                camera.set(name, value)
        return Stream(camera, is_live=True)


@dataclass(frozen=True, slots=True)
class Address:
    """An address such as `rtsp://…`: a camera in the network, or a video."""

    url: str

    @property
    def name(self) -> str:
        """The address without user, password and parameters, which may hold a secret."""
        return re.sub(r"//.*@", "//", self.url.partition("?")[0])

    def open(self) -> Stream:
        """Connect.

        Raises:
            SourceError: nobody answers, or what comes is no video.
        """
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS)
        video = _opened(self.url, limits)
        if video is None:
            raise SourceError(
                f"{self.name} gives no video: check the address, the network and the password"
            )
        return Stream(video, is_live=video.get(cv2.CAP_PROP_FRAME_COUNT) <= 0)


@dataclass(frozen=True, slots=True)
class Video:
    """A video file."""

    name: str

    def open(self) -> Stream:
        """Open the file.

        Raises:
            SourceError: it is no video that OpenCV reads.
        """
        # Absolute, since FFmpeg takes what stands before a colon for a protocol.
        video = _opened(str(Path(self.name).absolute()))
        if video is None:
            raise SourceError(f"{self.name}: not a video; give MP4, MKV, AVI, MOV or WebM")
        return Stream(video, is_live=False)


def answering_cameras() -> list[int]:
    """List the numbers of the cameras that open and deliver a frame."""
    return [number for number in _candidates() if _answers(number)]


def camera_name(number: int) -> str:
    """Give what the system calls a camera, or nothing where it does not say."""
    try:
        return Path(f"/sys/class/video4linux/video{number}/name").read_text().strip()
    except OSError:
        return ""


def _opened(place: str, parameters: Sequence[int] = ()) -> cv2.VideoCapture | None:
    try:
        place.encode()
    except UnicodeEncodeError as error:
        raise SourceError(f"{place}: OpenCV opens names in UTF-8 alone; rename it") from error
    try:
        video = cv2.VideoCapture(place, cv2.CAP_FFMPEG, list(parameters))
    except cv2.error:
        return None
    return video if video.isOpened() else None


def _pixel_format(video: cv2.VideoCapture) -> str:
    code = int(video.get(cv2.CAP_PROP_FOURCC))
    letters = "".join(chr(code >> shift & 255) for shift in (0, 8, 16, 24))
    return letters if letters.isascii() and letters.isalnum() else ""


def _candidates() -> list[int]:
    if sys.platform == "linux":
        devices = (path.name.removeprefix("video") for path in Path("/dev").glob("video*"))
        return sorted(int(number) for number in devices if number.isdigit())
    return list(range(_PROBED))


def _answers(number: int) -> bool:
    camera = cv2.VideoCapture(number, _BACKENDS.get(sys.platform, cv2.CAP_ANY))
    try:
        return bool(camera.isOpened() and camera.read()[0])
    finally:
        camera.release()
