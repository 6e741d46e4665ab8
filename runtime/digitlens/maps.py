"""Activations as a picture, drawn with OpenCV alone."""

from collections.abc import Sequence
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import canvas
from digitlens.canvas import Picture
from digitlens.contract import Tap
from digitlens.errors import UsageError
from digitlens.reading import Digit, Reading

HEADER_HEIGHT = 256
MAX_SCALE = 8
"""Screen pixels a map pixel takes at most; single units are drawn as squares of `UNIT_SIZE`."""

UNIT_SIZE = 34


def draw(
    image: NDArray[np.uint8],
    reading: Reading,
    taps: Sequence[Tap],
    number: int = 0,
) -> Picture:
    """Draw what the network saw in one digit.

    On top stand the frame with the digit's box, the glyph that the network was given, and the
    ten outputs with their probabilities; below, a mosaic of every tap. Maps are normalised one
    by one, from their least value, dark, to their greatest, light; units that are single numbers
    are shown from −1, dark, to 1, light.

    Args:
        image: the frame, uint8 `[h, w, 3]`, blue, green, red.
        reading: what was read in it, with taps.
        taps: which to draw, in this order.
        number: which digit of the reading, from 0.

    Returns:
        uint8 `[height, 1280, 3]`, blue, green, red.

    Raises:
        UsageError: the reading has no such digit, or no taps.
    """
    if not 0 <= number < len(reading.digits):
        raise UsageError(
            f"no digit {number + 1}: the image has {len(reading.digits)}; choose one of these"
        )
    if reading.taps is None:
        raise UsageError("the reading has no taps: read the image with taps=True")
    digit = reading.digits[number]
    panels = [_header(image, digit)]
    panels += [_tap_panel(tap, reading.taps[tap.name][number]) for tap in taps]
    return np.concatenate(panels)


def tiles(
    activation: NDArray[np.float32], shape: tuple[int, ...], width: int, height: int
) -> Picture:
    """Draw one activation, float32 of `shape`, as tiles that fill a room of pixels.

    Like `mosaic`, but as large as the room allows, and without numbers: for a live view.

    Returns:
        uint8 `[h, w, 3]`, blue, green, red, at most as large as the room.
    """
    gray = gray_tiles(activation, shape)
    count, rows, columns = gray.shape
    across, side = _best_grid(count, width, height)
    down = -(-count // across)
    grid = np.zeros((down * across, rows, columns), np.uint8)
    grid[:count] = gray
    sheet = grid.reshape(down, across, rows, columns).swapaxes(1, 2)
    colored = _palette()[sheet.reshape(down * rows, across * columns)]
    size = across * side, down * side
    picture = np.asarray(cv2.resize(colored, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    if side > 3:
        picture[side - 1 :: side] = canvas.PAPER
        picture[:, side - 1 :: side] = canvas.PAPER
    last = count - (down - 1) * across
    picture[(down - 1) * side :, last * side :] = canvas.PAPER
    return picture


@cache
def _palette() -> NDArray[np.uint8]:
    """Give the colour of each grey level, uint8 `[256, 3]`, blue, green, red."""
    levels = np.arange(256, dtype=np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS), np.uint8).reshape(256, 3)


@lru_cache
def _best_grid(count: int, width: int, height: int) -> tuple[int, int]:
    """Give the number of columns that makes `count` square tiles largest, and their side."""
    sides = {
        columns: min(width // columns, height // -(-count // columns))
        for columns in range(1, count + 1)
    }
    columns = max(sides, key=lambda each: sides[each])
    return columns, max(sides[columns], 1)


def gray_tiles(activation: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Give an activation, float32 of `shape`, as grey tiles, uint8 `[n, h, w]`.

    Maps are normalised one by one, from their least value, 0, to their greatest, 255; units that
    are single numbers are 1×1, and go from −1, 0, to 1, 255.
    """
    if len(shape) == 3 and shape[1] > 1:
        return _each_to_bytes(activation.reshape(-1, *shape[1:]))
    return _to_bytes(activation.reshape(-1, 1, 1), -1, 1)


def mosaic(activation: NDArray[np.float32], shape: tuple[int, ...]) -> Picture:
    """Draw one activation, float32 of `shape`, as rows of numbered tiles."""
    gray = gray_tiles(activation, shape)
    is_maps = gray.shape[1] > 1
    count, columns = len(gray), _columns(len(gray), is_maps=is_maps)
    room = (canvas.WIDTH - 2 * canvas.MARGIN) // columns - canvas.GAP
    side = max(min(room, gray.shape[1] * MAX_SCALE), UNIT_SIZE) if is_maps else UNIT_SIZE
    rows = -(-count // columns)
    label = 16
    picture = canvas.blank(rows * (side + label + canvas.GAP))
    for index, tile in enumerate(gray):
        row, column = divmod(index, columns)
        top, left = row * (side + label + canvas.GAP), canvas.MARGIN + column * (side + canvas.GAP)
        large = cv2.resize(tile, (side, side), interpolation=cv2.INTER_NEAREST)
        colored = cv2.applyColorMap(np.asarray(large, np.uint8), cv2.COLORMAP_VIRIDIS)
        picture[top : top + side, left : left + side] = colored
        canvas.write(picture, str(index), (left, top + side + label - 4), 0.4, canvas.FAINT_TEXT)
    return picture


def _columns(count: int, *, is_maps: bool) -> int:
    if is_maps:
        return min(count, 16)
    return 30 if count % 30 == 0 else 28


def _header(image: NDArray[np.uint8], digit: Digit) -> Picture:
    side = HEADER_HEIGHT - 64
    picture = canvas.blank(HEADER_HEIGHT)
    title = f"{digit.label}  {digit.confidence:.1%}" + ("" if digit.sure else "  not sure")
    for left, text in (
        (canvas.MARGIN, "the image"),
        (canvas.MARGIN + side + 3 * canvas.GAP, "what the network was given"),
        (canvas.MARGIN + 2 * (side + 6 * canvas.GAP) + 40, f"the ten outputs: {title}"),
    ):
        canvas.write(picture, text, (left, 32), 0.5, canvas.TEXT)
    top = 44
    shrunk, scale = canvas.fitted(image, side, side)
    canvas.frame_box(shrunk, digit.box, scale, canvas.GOOD)
    canvas.paste(picture, shrunk, top, canvas.MARGIN)
    canvas.paste(picture, canvas.glyph(digit, side), top, canvas.MARGIN + side + 3 * canvas.GAP)
    canvas.bars(
        picture, digit, top, canvas.MARGIN + 2 * (side + 6 * canvas.GAP) + 40, longest=480, step=19
    )
    return picture


def _tap_panel(tap: Tap, activation: NDArray[np.float32]) -> Picture:
    size = (
        f"{len(activation)} maps of {tap.shape[1]}x{tap.shape[2]}"
        if len(tap.shape) == 3
        else (f"{len(activation)} units")
    )
    title = canvas.blank(36)
    low, high = activation.min(), activation.max()
    canvas.write(title, tap.name, (canvas.MARGIN, 26), 0.7, canvas.TEXT)
    words = f"{size}, {tap.layer}, values {low:.2f} to {high:.2f}"
    canvas.write(title, words, (canvas.MARGIN + 90, 26), 0.5, canvas.FAINT_TEXT)
    return np.concatenate([title, mosaic(activation, tap.shape)])


def _each_to_bytes(maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = (bound(maps, axis=(1, 2), keepdims=True) for bound in (np.min, np.max))
    return _to_bytes(maps, low, np.maximum(high, low + 1e-6))


def _to_bytes(
    values: NDArray[np.float32], low: NDArray[np.float32] | float, high: NDArray[np.float32] | float
) -> NDArray[np.uint8]:
    return np.round(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
