"""Files that are whole or not there: written beside their place, then moved into it."""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from digitlens.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and move it there when the block ends well.

    The temporary file keeps the suffix of `path`, because writers choose a format by it. Where
    `path` is a link, what it points to is replaced.

    Raises:
        UsageError: `path` cannot be written.
    """
    path = path.resolve()
    temporary = _beside(path)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, or leave the old one."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace the file at `path` by `text` in UTF-8, or leave the old one."""
    write_bytes(path, text.encode())


def write_png(path: Path, image: "NDArray[np.uint8]") -> None:
    """Replace the file at `path` by `image` as PNG: uint8 `[h, w]`, or `[h, w, 3]` in BGR."""
    import cv2

    # OpenCV's default makes files three times as large as zlib's own default level.
    parameters = [cv2.IMWRITE_PNG_COMPRESSION, 6]
    write_bytes(path, cv2.imencode(".png", image, parameters)[1].tobytes())


def check_writable(path: Path) -> None:
    """Raise `UsageError` unless a file can be written at `path`; nothing is made.

    For use before long work.
    """
    _check_kind(path)
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {path}: {folder} is no folder to write in; choose another")


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files that killed processes left in `folder`."""
    for path in folder.glob(".*"):
        if re.fullmatch(r"\.[0-9a-f]{16}(\.\w+)?", path.name):
            path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make the folder `path` and those above it.

    Raises:
        UsageError: it cannot be made, or a file has that name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make {path}: {error.strerror}; choose another place") from error


def _beside(path: Path) -> Path:
    """Make an empty file in the folder of `path`, with its suffix."""
    make_folder(path.parent)
    _check_kind(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place") from error
    return temporary


def _check_kind(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another name") from error
    if stat.S_ISDIR(mode):
        raise UsageError(f"cannot write {path}: it is a folder; give a file name")
    if not stat.S_ISREG(mode):
        raise UsageError(f"cannot write {path}: it is no regular file; give another name")
