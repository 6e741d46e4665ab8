"""Put drawn digits into the package, for the test card: `runtime/digitlens/capture/tiles.png`.

    python scripts/package_tiles.py

A column a digit, 0 to 9, and a row a way of writing it, drawn as for training. Only ways that the
packaged model reads surely are taken, since the test card is to have one truth.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import Reader
from digitlens.capture.test_card import TILE, TILES
from digitlens.files import write_png
from digitlens.vision import mnist_format
from digitlens_train.strokes import Points, draw, handled, smooth
from digitlens_train.writing import WAYS, Way

ROWS = 4
THICKNESS = 0.11
MARGIN = 3
SURE = 0.99


def tile(way: Way, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a digit as high as its tile, uint8 `[TILE, TILE]`, ink up to 255 on 0."""
    strokes: list[Points] = handled([np.array(corners) for _, corners in way], random)
    paths = [
        smooth(stroke) if is_round else stroke
        for stroke, (is_round, _) in zip(strokes, way, strict=True)
    ]
    ink = draw(paths, THICKNESS)
    left, top, width, height = cv2.boundingRect(ink)
    room = TILE - 2 * MARGIN
    scale = room / max(width, height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(
        ink[top : top + height, left : left + width], size, interpolation=cv2.INTER_AREA
    )
    above, before = (TILE - size[1]) // 2, (TILE - size[0]) // 2
    return np.asarray(
        cv2.copyMakeBorder(
            small, above, TILE - size[1] - above, before, TILE - size[0] - before,
            cv2.BORDER_CONSTANT,
        ),
        np.uint8,
    )  # fmt: skip


def is_read(reader: Reader, image: NDArray[np.uint8], label: int) -> bool:
    """Tell whether the network reads a tile as `label`, and is sure."""
    ink = mnist_format.mnist_image(image)
    (digit,) = reader.read(ink).digits
    return digit.label == label and digit.confidence >= SURE


def main() -> None:
    """Draw, check and write."""
    reader, random = Reader(), np.random.default_rng(0)
    columns = []
    for label, ways in WAYS.items():
        tiles: list[NDArray[np.uint8]] = []
        attempt = 0
        while len(tiles) < ROWS:
            image = tile(ways[attempt % len(ways)], random)
            if is_read(reader, image, label):
                tiles.append(image)
            attempt += 1
        columns.append(np.concatenate(tiles))
    write_png(TILES, np.concatenate(columns, axis=1))
    print(f"{TILES}: {TILES.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
