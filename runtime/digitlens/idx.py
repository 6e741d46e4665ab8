"""The IDX file format of MNIST: a magic number, big-endian sizes, then bytes."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitlens.errors import DataError

UNSIGNED_BYTE = 0x08


def read(path: Path, md5: str) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not, whose MD5 sum must be `md5`.

    Raises:
        DataError: the file cannot be read, is no IDX file, is truncated, or has another sum.
    """
    try:
        stored = path.read_bytes()
        content = gzip.decompress(stored) if path.suffix == ".gz" else stored
    except (EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} cannot be read ({error}): {_WAY_OUT}") from error
    array = _parse(path, content)
    if (found := hashlib.md5(stored, usedforsecurity=False).hexdigest()) != md5:
        raise DataError(f"{path} has MD5 {found}, MNIST's is {md5}: {_WAY_OUT}")
    return array


def _parse(path: Path, content: bytes) -> NDArray[np.uint8]:
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise DataError(
            f"{path} is no IDX file of bytes (it starts with {content[:4].hex(' ') or 'nothing'}): "
            + _WAY_OUT
        )
    start = 4 + 4 * content[3]
    sizes = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) - start != math.prod(sizes):
        raise DataError(
            f"{path} is truncated or damaged: {max(len(content) - start, 0):,} bytes of data, "
            f"its header promises {math.prod(sizes):,}: {_WAY_OUT}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes)


_WAY_OUT = "fetch the file again"
