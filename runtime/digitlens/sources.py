"""Frames from image files: which files, whether they are images, and their pixels."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import image_header
from digitlens.errors import ImageError, NotFoundError, TooLargeError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff")
STDIN = "-"
MAX_PIXELS = 64_000_000
"""Images with more pixels are refused by their header, before anything is decoded."""

BAND = 256
"""Rows that are turned into eight bits, or made opaque, at a time, to spare memory."""

MAX_BYTES = 512 << 20
"""Longer files are refused: 64 megapixels of 16 bit with alpha take this much, uncompressed."""

NO_MEMORY = "too large: it needs more memory than there is; scale it down"
_PART = 1 << 20
"""Bytes that are read from a pipe at a time."""


def image_files(folder: Path) -> list[Path]:
    """List the image files in `folder` and below, in natural order, without hidden ones.

    What may not be looked at is listed too: reading it says why.

    Raises:
        ImageError: there is none.
    """
    found, closed = list[Path](), list[OSError]()
    for parent, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in names if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in SUFFIXES and _may_be_file(path)]
    found += [Path(error.filename) for error in closed]
    if not found:
        raise ImageError(f"{folder}: no images in this folder; {', '.join(SUFFIXES)} are read")
    return sorted(found, key=natural_key)


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True


def natural_key(path: Path) -> list[list[tuple[int, str]]]:
    """Sort key by which `9.png` comes before `10.png`."""
    return [
        [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
        for name in path.parts
    ]


def expand(path: str) -> Iterator[str]:
    """Give the image files that a path of the command line stands for.

    Raises:
        NotFoundError: there is nothing at `path`.
        ImageError: it is a folder without images.
    """
    if path != STDIN and is_folder(path):
        yield from map(str, image_files(Path(path)))
    else:
        yield path


def is_folder(path: str) -> bool:
    """Tell whether a path is a folder.

    Raises:
        NotFoundError: there is nothing at `path`.
        ImageError: it cannot be looked at.
    """
    if not path:
        raise NotFoundError("an empty path: no such file; check the path")
    try:
        # Since Python 3.14, Path.is_dir says no also of what it may not look at.
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error


def read(path: Path) -> NDArray[np.uint8]:
    """Read an image file: uint8 `[h, w, 3]`, blue, green, red.

    Raises:
        NotFoundError: there is no such file.
        ImageError: it is no image, or too large.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            next(path.iterdir(), None)  # says why, of one that nobody may look into
            raise ImageError("not an image: it is a folder; name the images in it")
        if not stat.S_ISREG(status.st_mode):  # a pipe is waited for, /dev/zero never ends
            raise ImageError("not an image: it is no regular file; give a pipe as '-'")
        with path.open("rb") as file:
            # What is asked for is taken from memory, however little there is to be read.
            return decode(file.read(min(status.st_size, MAX_BYTES) + 1))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error
    except ImageError as error:
        raise type(error)(f"{path}: {error}") from error
    except MemoryError as error:
        raise TooLargeError(f"{path}: {NO_MEMORY}") from error


def read_stream(stream: BinaryIO) -> NDArray[np.uint8]:
    """Read an image from what is open, such as a pipe; raises as `decode`."""
    parts: list[bytes] = []
    while sum(map(len, parts)) <= MAX_BYTES and (part := stream.read(_PART)):
        parts.append(part)
    return decode(b"".join(parts))


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decode PNG, JPEG, BMP, WebP, GIF or TIFF bytes: uint8 `[h, w, 3]`, blue, green, red.

    Of several pages or frames, the first is taken.

    Raises:
        ImageError: the bytes are no image, are damaged, or hold more than `MAX_PIXELS`.
    """
    if not content:
        raise ImageError("not an image: the file is empty")
    if len(content) > MAX_BYTES:
        raise TooLargeError(f"too large: more than {MAX_BYTES >> 20} MiB; scale it down")
    header = image_header.parse(content)
    if header.width * header.height > MAX_PIXELS:
        raise TooLargeError(
            f"too large: {header.width}×{header.height} pixels, at most "
            f"{MAX_PIXELS // 1_000_000} megapixels are read; scale it down"
        )
    # Only cv2.IMREAD_UNCHANGED keeps transparency, and only the others turn a photo upright.
    flags = cv2.IMREAD_COLOR if header.format == "JPEG" else cv2.IMREAD_UNCHANGED
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        if error.code == cv2.Error.STS_NO_MEM:
            raise TooLargeError(NO_MEMORY) from error
        raise ImageError(f"not an image: its {header.format} data is damaged") from error
    if image is None:
        raise ImageError(f"not an image: its {header.format} data is damaged or truncated")
    if sorted(image.shape[:2]) != sorted((header.height, header.width)):
        raise ImageError(f"not an image: its {header.format} header and data disagree in size")
    return to_bgr(np.asarray(image))


def to_bgr(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn uint8 or uint16 `[h, w]`, `[h, w, 1]`, `[h, w, 3]` or `[h, w, 4]` into `[h, w, 3]`.

    What is uint8 `[h, w, 3]` already is given back itself, not as a copy. Transparent pixels
    become paper: black behind light ink, white behind dark ink.

    Raises:
        ImageError: another dtype or shape, or no pixels.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(f"not an image: a {type(image).__name__}; give a numpy array or a path")
    if image.dtype == np.uint16:
        image = _in_eight_bits(image)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in (1, 3, 4):
        raise ImageError(
            f"not an image: {image.dtype} {list(image.shape)}; "
            "give uint8 or uint16 [h, w], [h, w, 3] or [h, w, 4]"
        )
    if not image.size:
        raise ImageError(f"not an image: it has no pixels, its shape is {list(image.shape)}")
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    return _without_alpha(image) if channels == 4 else image


def _in_eight_bits(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    small = np.empty(image.shape, np.uint8)
    for top in range(0, len(image), BAND):
        small[top : top + BAND] = np.round(image[top : top + BAND] / np.float32(257))
    return small


def _without_alpha(image: NDArray[Any]) -> NDArray[np.uint8]:
    bands = range(0, len(image), BAND)
    opaque = light = 0.0
    for top in bands:
        alpha, color = _alpha_and_color(image[top : top + BAND])
        opaque += float(alpha.sum())
        light += float((color.mean(2, keepdims=True) * alpha).sum())
    # With hardly any transparency the paper is in the picture, and the ground does not matter.
    ground = 0 if opaque > 0 and light / opaque > 127 else 255
    flat = np.empty((*image.shape[:2], 3), np.uint8)
    for top in bands:
        alpha, color = _alpha_and_color(image[top : top + BAND])
        flat[top : top + BAND] = np.round(color * alpha + ground * (1 - alpha))
    return flat


def _alpha_and_color(band: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return band[..., 3:].astype(np.float32) / np.float32(255), band[..., :3].astype(np.float32)
