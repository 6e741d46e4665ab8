"""Frames in: cameras, videos, addresses, image files and the test card, and the thread between."""

from contextlib import suppress
from glob import glob, has_magic
from pathlib import Path

from digitlens import sources
from digitlens.capture.images import Images
from digitlens.capture.source import Capture, Shot, Source, Wish
from digitlens.capture.stream import Address, Camera, Video, answering_cameras, camera_name
from digitlens.capture.test_card import PREFIX, CardSource
from digitlens.errors import NotFoundError, UsageError

__all__ = [
    "Capture",
    "Shot",
    "Source",
    "Wish",
    "answering_cameras",
    "camera_name",
    "resolve",
]

PIXEL_FORMAT = "pixel format"


def resolve(name: str, wish: Wish | None = None) -> Source:
    """Tell what a source's name stands for.

    Args:
        name: the number of a camera, `/dev/videoN`, an address with `://`, `test:` or `test:N`
            with N digits, a video file, an image file, a folder of images or a pattern such as
            `scans/*.png`.
        wish: what a camera or the test card is asked for. Images take the rate alone, one a
            second by default; videos and addresses take nothing.

    Raises:
        NotFoundError: there is nothing of that name.
        ImageError: the folder has no images.
        UsageError: the source cannot take the wish.
    """
    wish = wish or Wish()
    if name.isdecimal() or name.startswith("/dev/video") or _is_device(name):
        return Camera(name, wish)
    if name.startswith(PREFIX):
        _refuse(name, PIXEL_FORMAT, wish.pixel_format)
        return CardSource(name, wish)
    for what, value in (
        ("width", wish.width),
        ("height", wish.height),
        (PIXEL_FORMAT, wish.pixel_format),
    ):
        _refuse(name, what, value)
    paths = [] if "://" in name else _image_paths(name)
    if paths:
        return Images(name, paths) if wish.rate is None else Images(name, paths, wish.rate)
    _refuse(name, "rate", wish.rate)
    return Address(name) if "://" in name else Video(name)


def _is_device(name: str) -> bool:
    try:
        return Path(name).is_char_device()
    except OSError:
        return False


def _refuse(name: str, what: str, value: object) -> None:
    if value is not None:
        takers = "cameras" if what == PIXEL_FORMAT else "cameras and the test card"
        raise UsageError(f"{name} has its own {what}: {value} can be asked of {takers} alone")


def _image_paths(name: str) -> list[Path]:
    """Give the images that `name` stands for, none if it is a file of another kind."""
    path = Path(name)
    with suppress(NotFoundError):
        if sources.is_folder(name):
            return sources.image_files(path)
        return [path] if path.suffix.lower() in sources.SUFFIXES else []
    # Path.glob takes no absolute pattern.
    found = [Path(each) for each in glob(name, recursive=True)] if has_magic(name) else []  # noqa: PTH207
    found = [each for each in found if each.is_file()]
    if not found:
        raise NotFoundError(
            f"{name or 'an empty name'}: no such file; give a camera's number, a file, a folder, "
            "a pattern, an address or test:"
        )
    return sorted(found, key=sources.natural_key)
