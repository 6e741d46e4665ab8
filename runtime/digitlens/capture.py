"""Cameras."""

import sys
from pathlib import Path

import cv2

# The first backend of each system that needs no further program; trying all of them is noisy.
_BACKENDS = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
_PROBED = 4
"""How many camera numbers are tried where the system has no list of its devices."""


def answering_cameras() -> list[int]:
    """List the numbers of the cameras that open and deliver a frame."""
    return [number for number in _candidates() if _answers(number)]


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
