"""Paper: its colour and grain, and its surroundings: table, fingers, dust."""

import cv2
import numpy as np

from digitlens_train.pages.draft import Draft, Layer
from digitlens_train.pages.field import Ink, Plane, Random
from digitlens_train.pages.pen import Colour, Pen

Planes = list[Plane]
"""Blue, green and red, float32 `[h, w]`, 0…1."""
Size = tuple[int, int]


def colour(random: Random, is_dark: bool = False) -> Colour:
    """Choose the colour of paper, or of a dark board."""
    if is_dark:
        base = random.uniform(0.03, 0.28) + random.normal(0, 0.03, 3)
        return np.clip(base, 0, 0.35).astype(np.float32)
    kind = random.random()
    if kind < 0.6:
        base = random.uniform(0.85, 1) + random.normal(0, 0.015, 3)
    elif kind < 0.75:
        base = random.uniform(0.55, 0.85) + random.normal(0, 0.02, 3)
    elif kind < 0.87:
        base = np.array([random.uniform(0.55, 0.85), 0.88, 0.94])
    elif kind < 0.95:
        base = np.array([0.95, 0.9, random.uniform(0.7, 0.88)])
    else:
        base = random.uniform(0.7, 0.95) - random.uniform(0, 0.25, 3)
    return np.clip(base, 0, 1).astype(np.float32)


def planes(size: Size, tone: Colour, random: Random) -> Planes:
    """Return paper of a colour with grain, and sometimes with clouds or fibres."""
    texture = np.ones(size, np.float32)
    kind = random.random()
    if kind < 0.35:
        texture += grain(size, random, 0.6) * np.float32(random.uniform(0.004, 0.02))
    elif kind < 0.5:
        texture += clouds(size, random, int(random.integers(6, 40))) * np.float32(0.007)
    elif kind < 0.6:
        texture += grain(size, random, random.uniform(1, 2.5)) * np.float32(0.025)
    return [texture * value for value in tone]


def grain(size: Size, random: Random, sigma: float) -> Plane:
    """Return noise of unit deviation, smoothed by `sigma` pixels."""
    noise, deviation = noise_bytes(size, random, sigma)
    scale = 1 / deviation
    plane = cv2.addWeighted(noise, scale, noise, 0, -127.5 * scale, dtype=cv2.CV_32F)
    return np.asarray(plane, np.float32)


def noise_bytes(size: Size, random: Random, sigma: float) -> tuple[Ink, float]:
    """Return noise around 127.5 smoothed by `sigma` pixels, and its deviation."""
    height, width = size
    noise: Ink = np.frombuffer(random.bytes(height * width), np.uint8).reshape(size)
    if sigma <= 0.3:
        return noise, 73.9
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.uint8)
    return smooth, 73.9 * min(1.0, 0.282 / sigma)


def clouds(size: Size, random: Random, cells: int) -> Plane:
    """Return smooth noise around 0 with `cells` cells on the long side."""
    height, width = size
    step = max(size) / cells
    shape = (max(round(height / step), 2), max(round(width / step), 2))
    small = random.standard_normal(shape, np.float32)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def paint(target: Planes, layer: Layer, random: Random) -> None:
    """Paint a layer's ink onto planes, in place."""
    x, y, width, height = cv2.boundingRect(layer.alpha)
    height_all, width_all = layer.alpha.shape
    part = np.s_[max(y - 8, 0) : min(y + height + 8, height_all),
                 max(x - 8, 0) : min(x + width + 8, width_all)]  # fmt: skip
    if not width:
        return
    alpha = layer.alpha[part].astype(np.float32)
    alpha *= np.float32(1 / 255)
    texture = None if layer.texture is None else layer.texture[part]
    coat = layer.pen.coat(alpha, layer.thickness, random)
    _blend([plane[part] for plane in target], coat, layer.pen.colour, texture)


def _blend(target: Planes, alpha: Plane, tone: Colour, texture: Plane | None) -> None:
    buffer = np.empty_like(alpha)
    for plane, value in zip(target, tone, strict=True):
        if texture is None:
            np.subtract(value, plane, out=buffer)
        else:
            np.multiply(texture, value, out=buffer)
            buffer -= plane
        buffer *= alpha
        plane += buffer


def table(draft: Draft) -> None:
    """Draw a table or another sheet around the paper; writing stays on the paper."""
    random, (height, width) = draft.random, draft.size
    short = min(height, width)
    sides = random.random(4) < 0.4
    sides[random.integers(4)] = True
    inset = np.where(sides, random.uniform(0.04, 0.2, 4) * short, -0.2 * short)
    left, top, right, bottom = inset[0], inset[1], width - inset[2], height - inset[3]
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    corners += random.normal(0, 0.012 * short, (4, 2))
    sheet = np.zeros(draft.size, np.uint8)
    cv2.fillPoly(sheet, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    layer = Layer(Pen(0, _table_colour(random)), 255 - sheet, 1, wood(draft.size, random))
    draft.layers.append(layer)
    draft.mark_others(layer)
    if random.random() < 0.6:
        _edge_shadow(draft, sheet)
    slack = 0.045 * short
    inner = np.maximum(inset, 0) + np.where(sides, slack, 0)
    x0, y0, x1, y1 = draft.region
    draft.region = (
        max(x0, inner[0]), max(y0, inner[1]), min(x1, width - inner[2]), min(y1, height - inner[3]),
    )  # fmt: skip


def _edge_shadow(draft: Draft, sheet: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> None:
    """Darken the table next to the paper, on the side away from the light."""
    random = draft.random
    sigma = random.uniform(2, 8)
    shift = random.normal(0, sigma, 2)
    moved = cv2.warpAffine(
        sheet, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (sheet.shape[1], sheet.shape[0])
    )
    soft = cv2.GaussianBlur(moved, (0, 0), sigma)
    shade = np.asarray(cv2.min(soft, 255 - sheet), np.uint8)
    draft.layers.append(Layer(Pen(0, np.zeros(3, np.float32), 0.6), shade, 1))


def _table_colour(random: Random) -> Colour:
    kind = random.random()
    if kind < 0.4:
        base = np.array([0.2, 0.4, 0.6]) * random.uniform(0.4, 1.4)
    elif kind < 0.7:
        base = np.full(3, random.uniform(0.02, 0.35))
    elif kind < 0.85:
        base = np.full(3, random.uniform(0.5, 0.95))
    else:
        base = random.uniform(0.1, 0.8, 3)
    return np.clip(base, 0, 1).astype(np.float32)


def wood(size: Size, random: Random) -> Plane:
    """Return the texture of a table: streaks, clouds or weave, around 1."""
    height, width = size
    across, along = (3, 60) if random.random() < 0.5 else (60, 3)
    if random.random() < 0.4:
        across = along = int(random.integers(10, 60))
    shape = (max(height * across // max(size), 2), max(width * along // max(size), 2))
    small = random.standard_normal(shape, np.float32)
    streaks = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.float32(1) + np.asarray(streaks) * np.float32(random.uniform(0.02, 0.14))


def finger(draft: Draft) -> None:
    """Draw a finger that reaches into the picture from an edge."""
    random, (height, width) = draft.random, draft.size
    short = min(height, width)
    on_left = random.random() < 0.5
    thick = random.uniform(0.05, 0.09) * short
    start = np.array([-thick if on_left else width + thick, random.uniform(0.3, 1.1) * height])
    reach = random.uniform(0.06, 0.14) * short + thick
    end = start + np.array([reach if on_left else -reach, random.normal(0, 0.3) * reach])
    shape = np.zeros(draft.size, np.uint8)
    ends = [tuple(int(v) for v in point) for point in (start, end)]
    cv2.line(shape, ends[0], ends[1], 255, round(2 * thick), cv2.LINE_AA)
    skin = np.array([0.5, 0.6, 0.85]) * random.uniform(0.45, 1.05)
    shape = np.asarray(cv2.GaussianBlur(shape, (0, 0), random.uniform(0.6, 2)), np.uint8)
    layer = Layer(Pen(0, skin.astype(np.float32)), shape, 1)
    draft.layers.append(layer)
    draft.mark_others(layer)
    edge = reach + thick
    x0, y0, x1, y1 = draft.region
    draft.region = (max(x0, edge), y0, x1, y1) if on_left else (x0, y0, min(x1, width - edge), y1)


def specks(draft: Draft) -> None:
    """Scatter dust and dots of ink, smaller than a digit."""
    random, (height, width) = draft.random, draft.size
    limit = max(0.07 * (draft.height or 0.1 * min(draft.size)), 1.0)
    layer = draft.layer(Pen(0, np.full(3, random.uniform(0, 0.6), np.float32), 0.8), 1)
    for _ in range(random.integers(1, 25)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        radius = min(0.4 + random.exponential(0.25) * limit, limit)
        if draft.is_free((x - radius, y - radius, x + radius, y + radius), 2 * radius + 1):
            centre = (round(x * 16), round(y * 16))
            shade = int(random.integers(60, 255))
            cv2.circle(layer.alpha, centre, round(radius * 16), shade, -1, cv2.LINE_AA, 4)
    draft.mark_others(layer)
