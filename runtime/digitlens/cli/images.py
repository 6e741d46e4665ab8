"""Images as the command line names them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_image(source: str) -> "NDArray[np.uint8]":
    """Read a file, or standard input if it is `-`: uint8 `[h, w, 3]`, blue, green, red.

    Raises:
        NotFoundError: there is no such file.
        ImageError: it is no image, or too large.
    """
    from digitlens import sources
    from digitlens.errors import ImageError

    if source != sources.STDIN:
        return sources.read(Path(source))
    if sys.stdin is None:
        raise ImageError("not an image: standard input is closed")
    return sources.read_stream(sys.stdin.buffer)
