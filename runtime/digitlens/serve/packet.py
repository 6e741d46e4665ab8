"""A JSON header and arrays in one run of bytes, as the page's `packet.js` takes it apart.

The length of the header, uint32; the header in UTF-8; then each array, C order. All are
little-endian, and everything begins at a multiple of four bytes. The header's field `arrays` says
of each array its `name`, `dtype` (`uint8` or `float32`), `shape`, and `offset` from the end of the
header.
"""

import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.reading import Digit

MAX_SIDE = 1280
"""Larger pictures are shrunk before they are encoded; boxes stay in pixels of the frame."""
QUALITY = 80
"""Of a JPEG, 0…100."""
_TYPES = ("uint8", "float32")
_ALIGNMENT = 4


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any] | bytes]) -> bytes:
    """Put a header and arrays, uint8 or float32, together; bytes are taken as uint8."""
    listed, parts, offset = [], [], 0
    for name, values in arrays.items():
        array = np.frombuffer(values, np.uint8) if isinstance(values, bytes) else values
        assert array.dtype.name in _TYPES, array.dtype
        part = _padded(values if isinstance(values, bytes) else array.tobytes(), b"\0")
        listed.append(
            {"name": name, "dtype": array.dtype.name, "shape": array.shape, "offset": offset}
        )
        parts.append(part)
        offset += len(part)
    head = _padded(json.dumps({**header, "arrays": listed}).encode(), b" ")
    return b"".join([len(head).to_bytes(4, "little"), head, *parts])


def gray(digit: Digit) -> NDArray[np.uint8]:
    """Give the glyph, uint8 `[32, 32]`; nothing is lost, since it was made from such."""
    return np.round(digit.glyph * 255).astype(np.uint8)


def jpeg(image: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """Encode a picture, uint8 `[h, w]` or `[h, w, 3]` in BGR, as JPEG of at most `MAX_SIDE`."""
    height, width = image.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _padded(data: bytes, filling: bytes) -> bytes:
    return data + filling * (-len(data) % _ALIGNMENT)
