"""A JSON header and arrays in one run of bytes, as the page's `packet.js` takes it apart.

The length of the header, uint32; the header in UTF-8; then each array, C order. All are
little-endian, and everything begins at a multiple of four bytes. The header's field `arrays` says
of each array its `name`, `dtype` (`uint8` or `float32`), `shape`, and `offset` from the end of the
header.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def _padded(data: bytes, filling: bytes) -> bytes:
    return data + filling * (-len(data) % _ALIGNMENT)
