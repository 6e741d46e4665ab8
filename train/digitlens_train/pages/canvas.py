"""Pictures without a camera: drawing apps, and crops of one digit."""

import cv2
import numpy as np

from digitlens_train.pages.draft import Draft
from digitlens_train.pages.field import Random
from digitlens_train.pages.line import compose, number, put
from digitlens_train.pages.page import Frame
from digitlens_train.pages.pen import Colour, Pen, ink
from digitlens_train.pages.rows import put_single

SIZES = ((360, 640), (280, 280), (400, 400), (300, 600), (200, 200), (512, 512), (480, 640),
         (140, 140), (400, 900), (300, 300))  # fmt: skip
MIN_BRUSH, MAX_BRUSH = 3.0, 60.0
_WIDEST = 0.24
"""Most of a digit's height that a brush takes."""


def canvas_size(random: Random) -> tuple[int, int]:
    """Choose the height and width of a canvas."""
    return SIZES[random.integers(len(SIZES))]


def crop_size(random: Random) -> tuple[int, int]:
    """Choose the height and width of a crop."""
    height = int(np.exp(random.uniform(np.log(20), np.log(300))))
    return height, max(round(height * random.uniform(0.55, 1.15)), 18)


def brush_colour(random: Random, is_dark: bool) -> Colour:
    """Choose a pure colour for a brush."""
    if random.random() < 0.7:
        return np.full(3, float(is_dark), np.float32)
    return (1 - 0.6 * random.random(3)).astype(np.float32) if is_dark else ink(random)


def draw_canvas(draft: Draft) -> None:
    """Draw one to six digits with a round brush of constant width."""
    random, (height, width) = draft.random, draft.size
    count = int(random.choice([1, 1, 1, 2, 3, 4, 5, 6]))
    if width < 1.2 * height:
        count = min(count, 3)
    tall = min(height * random.uniform(0.35, 0.9), 0.9 * width / (count * 0.85 + 0.15))
    low, high = MIN_BRUSH, max(min(MAX_BRUSH, _WIDEST * tall), MIN_BRUSH + 0.1)
    brush = float(np.exp(random.uniform(np.log(low), np.log(high))))
    pen = Pen(brush / tall, brush_colour(random, draft.is_dark))
    layer, writer = draft.layer(pen, brush), draft.writer(pen, tall)
    writer.unevenness = 0.0
    if count == 1:
        put_single(draft, layer, writer, tall)
        return
    line = compose(writer, number(random, count), tall, random.uniform(0.08, 0.3))
    x = max(width - line.width, 0) * random.uniform(0.1, 0.9)
    y = height / 2 + random.normal(0, 0.15) * max(height - tall, 0)
    put(draft, layer, line, x, float(np.clip(y, 0.57 * tall, height - 0.57 * tall)))


def draw_crop(draft: Draft, pen: Pen) -> None:
    """Draw one digit that fills the picture and may touch its border."""
    random, (height, width) = draft.random, draft.size
    share = random.uniform(0.75, 1.01)
    writer = draft.writer(pen, share * height)
    layer = draft.layer(pen, pen.width * share * height)
    for _ in range(8):
        mark = writer.digit(int(random.integers(10)), max(share * height, 11))
        share *= min(1.0, 1.02 * width / max(mark.size[0], 1)) if mark.size[0] > width else 0.97
        place = _centred(mark.ink, mark.anchor, random, draft.size)
        if draft.write(layer, mark, *place):
            return


def _centred(
    mark: Frame, anchor: tuple[float, float], random: Random, size: tuple[int, int]
) -> tuple[float, float]:
    """Return where the middle of a mark goes so that its ink is near that of the picture."""
    x, y, width, height = cv2.boundingRect((mark > 127).astype(np.uint8))
    free = (size[1] - width, size[0] - height)
    shift = random.uniform(0.2, 0.8, 2) if min(free) > 0 else np.array([0.5, 0.5])
    return free[0] * shift[0] - x + anchor[0], free[1] * shift[1] - y + anchor[1]


def flat(draft: Draft, paper: Colour, is_binary: bool) -> Frame:
    """Return a picture of pure colours, with smooth edges or without."""
    image = np.empty((*draft.size, 3), np.float32)
    image[:] = paper
    for layer in draft.layers:
        alpha = layer.alpha.astype(np.float32)[..., np.newaxis] / 255
        image += (layer.pen.colour - image) * (alpha > 0.5 if is_binary else alpha)
    return np.asarray(cv2.convertScaleAbs(image, alpha=255), np.uint8)
