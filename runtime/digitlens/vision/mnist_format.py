"""From a crop to a glyph, by the recipe that made MNIST.

LeCun's description of the data set: the digit is scaled into a 20×20 box with its aspect kept,
and placed in 28×28 pixels so that its centre of mass is in the middle. Training then resizes
those to 32×32 with Pillow's bilinear filter, and so does this, bit for bit.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.contract import GLYPH_SIZE, MNIST_SIZE

BOX_SIZE = 20
"""Side of the box that MNIST's digits were scaled into, in pixels."""

STROKE_WIDTH = 2.0, 5.0
"""Thinnest and thickest stroke, in pixels of the 20×20 box, that is left as it is.

Of MNIST's training images, 98 of 100 lie between these by the measure of `stroke_width`.
"""

HUGE = 400
"""Side of a digit, in pixels, from which it is shrunk before its strokes are measured."""

MIN_CONTRAST = 24
"""Grey levels of 255 that the ink of an MNIST image must stand out."""

FAINT = 160
"""An MNIST image whose strongest ink is below this grey level is stretched to 255."""

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def mnist_image(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Place the ink of one digit, uint8 `[h, w]` with ink 255 on 0, as MNIST does: `[28, 28]`."""
    canvas = np.zeros((MNIST_SIZE, MNIST_SIZE), np.uint8)
    x, y, width, height = cv2.boundingRect(ink)
    if not width:
        return canvas
    digit = ink[y : y + height, x : x + width]
    digit = _in_box(_with_usual_strokes(digit))
    height, width = digit.shape
    moments = cv2.moments(digit)
    mass = max(moments["m00"], 1.0)
    top, left = (
        min(max(round((MNIST_SIZE - 1) / 2 - moments[m] / mass), 0), MNIST_SIZE - size)
        for m, size in (("m01", height), ("m10", width))
    )
    canvas[top : top + height, left : left + width] = digit
    return canvas


def mnist_ink(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take images uint8 `[n, 28, 28]` of either polarity as one digit each: their ink, 255 on 0.

    The paper's level is that of the pixels next to the outermost ones: MNIST keeps both free, and
    the outermost may be half transparent. Ink is what differs more on the whole, above or below.
    Ink that is strong enough is left exactly as it is.
    An image without ink becomes 0 everywhere.
    """
    flat = images.reshape(len(images), MNIST_SIZE**2)
    paper = _paper(images)
    ink = flat
    if paper.any():
        levels = np.repeat(paper, MNIST_SIZE**2, axis=1)
        lighter, darker = cv2.subtract(flat, levels), cv2.subtract(levels, flat)
        ink = np.where(_weight(darker) > _weight(lighter), darker, lighter).astype(np.uint8)
    strongest = ink.max(1, initial=0)
    if (strongest < FAINT).any():
        ink = ink.copy()
        ink[strongest < MIN_CONTRAST] = 0
        faint = (strongest >= MIN_CONTRAST) & (strongest < FAINT)
        stretched = ink[faint] * (255 / strongest[faint, np.newaxis])
        ink[faint] = np.clip(stretched, 0, 255).astype(np.uint8)
    return ink.reshape(images.shape)


def glyph(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Resize MNIST images, uint8 `[…, 28, 28]`, to glyphs, float32 `[…, 32, 32]`, 0…1."""
    glyphs = _resized(images)
    glyphs /= np.float32(255)
    return glyphs


def resize(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Resize uint8 `[…, 28, 28]` to `[…, 32, 32]` exactly as Pillow's `Image.resize(BILINEAR)`."""
    return _resized(images).astype(np.uint8)


def _resized(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Filter rows, round to bytes, then filter columns and round, as Pillow does.

    Pillow's weights in fixed point are multiples of 1/16 for these sizes, so float32 holds every
    product and sum without loss.
    """
    return _round(_WEIGHTS @ _round(images.astype(np.float32) @ _WEIGHTS.T))


def stroke_width(ink: NDArray[np.uint8]) -> float:
    """Mean stroke width in pixels.

    In a stroke of width w, the distance of a pixel's centre to the edge averages w/4. OpenCV
    measures it to the centre of the nearest pixel outside, which lies half a pixel further.
    """
    mask = _framed(cv2.threshold(ink, 127, 1, cv2.THRESH_BINARY)[1])
    # The labels are not needed: without them the distances are not the same on every processor.
    distance, _ = cv2.distanceTransformWithLabels(
        mask, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    return 4 * max(cv2.sumElems(distance)[0] / max(cv2.countNonZero(mask), 1) - 0.5, 0)


def rough_stroke_width(mask: NDArray[np.uint8]) -> float:
    """Mean stroke width in pixels of a mask of 0 and 1, from its area and its two sides.

    A quarter off where strokes cross or are a few pixels wide, and ten times faster.
    """
    area = cv2.countNonZero(mask)
    inner = cv2.countNonZero(cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0))
    return 2 * area / max(area - inner, 1)


def _framed(mask: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0), np.uint8)


def _in_box(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = BOX_SIZE / max(digit.shape)
    height, width = (max(round(size * scale), 1) for size in digit.shape)
    if scale >= 1:
        resized = cv2.resize(digit, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    else:  # in float64, since the same bytes are to come out on every processor
        area = cv2.resize(digit.astype(float), (width, height), interpolation=cv2.INTER_AREA)
        resized = np.rint(area)
    return np.asarray(resized, np.uint8)


def _not_huge(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink what is larger than `HUGE`, without losing strokes of a pixel."""
    step = -(-max(digit.shape) // HUGE)
    if step == 1:
        return digit
    spread = cv2.dilate(digit, np.ones((step, step), np.uint8))
    return np.ascontiguousarray(np.asarray(spread, np.uint8)[::step, ::step])


def _with_usual_strokes(digit: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Thicken or thin the strokes where MNIST has none like them."""
    digit = _not_huge(digit)
    scale = BOX_SIZE / max(digit.shape)
    width = stroke_width(digit) * scale
    usual = min(max(width, STROKE_WIDTH[0]), STROKE_WIDTH[1])
    size = 2 * round(abs(usual - width) / scale / 2) + 1
    if size == 1:
        return digit
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if usual > width:
        return np.asarray(cv2.dilate(np.pad(digit, size // 2), kernel), np.uint8)
    thinned = np.asarray(cv2.erode(digit, kernel), np.uint8)
    return thinned if thinned.any() else digit


def _paper(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the medians of the pixels next to the outermost, rounded down: `[n, 1]`."""
    sides = (images[:, 1, 1:-1], images[:, -2, 1:-1], images[:, 2:-2, 1], images[:, 2:-2, -2])
    edge = np.concatenate(sides, axis=1)
    half = edge.shape[1] // 2
    edge.partition((half - 1, half), axis=1)
    middle = edge[:, half - 1 : half + 1].sum(1, dtype=np.int32, keepdims=True)
    return np.asarray(middle // 2, np.uint8)


def _weight(ink: NDArray[Any]) -> NDArray[np.float64]:
    """Sum the squares of ink `[n, pixels]` that stands out: `[n, 1]`."""
    strong = np.where(ink >= MIN_CONTRAST, ink, 0).astype(np.float64)
    return np.asarray(np.square(strong).sum(1, keepdims=True), np.float64)


def _bilinear_weights(size: int, new_size: int) -> NDArray[np.float32]:
    """Pillow's weights `[new_size, size]` of its triangle filter when enlarging."""
    centers = (np.arange(new_size) + 0.5) * size / new_size
    distance = np.abs(np.arange(size) + 0.5 - centers[:, np.newaxis])
    weights = np.maximum(1 - distance, 0)
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def _round(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values += np.float32(0.5)
    return np.floor(values, out=values)


_WEIGHTS = _bilinear_weights(MNIST_SIZE, GLYPH_SIZE)
