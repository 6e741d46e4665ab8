"""Digits on a sheet: one, a row, rows, scattered ones."""

import numpy as np

from digitlens_train.pages.draft import Draft, Layer
from digitlens_train.pages.field import Random
from digitlens_train.pages.hands import Writer
from digitlens_train.pages.line import compose, fitting, gap, grouped, number, put
from digitlens_train.pages.pen import Pen, choose

MIN_HEIGHT = 13.0
"""Lowest digits that are asked for, in pixels."""
MAX_TILT = np.radians(15)


def single(draft: Draft, pen: Pen) -> None:
    """Write one digit anywhere, of any size."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    share = float(np.exp(random.uniform(np.log(0.14), np.log(0.88))))
    height = max(min((y1 - y0) * share, 0.9 * (x1 - x0)), MIN_HEIGHT)
    writer = draft.writer(pen, height)
    layer = draft.layer(pen, pen.width * height)
    put_single(draft, layer, writer, height)


def put_single(draft: Draft, layer: Layer, writer: Writer, height: float) -> None:
    """Write one digit near the middle or anywhere in the region."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    for _ in range(4):
        mark = writer.digit(int(random.integers(10)), height)
        tall, across = (length / 2 + 1 for length in mark.ink.shape)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        if random.random() < 0.6:
            x += random.uniform(-1, 1) * max((x1 - x0) / 2 - across, 0)
            y += random.uniform(-1, 1) * max((y1 - y0) / 2 - tall, 0)
        dx = (mark.ink.shape[1] / 2) - mark.anchor[0]
        dy = (mark.ink.shape[0] / 2) - mark.anchor[1]
        if draft.write(layer, mark, x - dx, y - dy):
            return
        height *= 0.85


def row(draft: Draft, pen: Pen) -> None:
    """Write two to ten digits in a row."""
    random = draft.random
    count = int(random.integers(2, 11) if random.random() < 0.6 else random.integers(2, 6))
    write_row(draft, pen, grouped(random, number(random, count)), gap(random))


def touching(draft: Draft, pen: Pen) -> None:
    """Write digits of which neighbours touch or overlap."""
    random = draft.random
    count = int(random.integers(2, 7))
    write_row(draft, pen, number(random, count), -0.05, touch=True)


def tilted(draft: Draft, pen: Pen) -> None:
    """Write one to three rows at up to 15 degrees."""
    random = draft.random
    angle = float(random.uniform(np.radians(3.5), MAX_TILT) * random.choice([-1, 1]))
    if random.random() < 0.3:
        write_rows(draft, pen, angle=angle)
    else:
        count = int(random.integers(2, 9))
        write_row(draft, pen, number(random, count), gap(random), angle=angle)


def write_row(
    draft: Draft, pen: Pen, text: str, space: float, *, angle: float = 0.0, touch: bool = False
) -> None:
    """Write one row somewhere in the region, as large as fits or smaller."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    share = random.uniform(0.45, 0.95)
    height = fitting(draft, len(text), max(space, 0), share)
    drop = abs(np.sin(angle)) * share * (x1 - x0)
    height = max(min(height, 0.85 * (y1 - y0) - drop), MIN_HEIGHT)
    writer = draft.writer(pen, height)
    layer = draft.layer(pen, pen.width * height)
    line = compose(writer, text, height, space, angle=angle, touching=touch)
    cos, sin = np.cos(angle), np.sin(angle)
    wide, low, high = line.width * cos, min(0, line.width * sin), max(0, line.width * sin)
    x = x0 + random.uniform(0.1, 0.9) * max(x1 - x0 - wide, 0)
    top, bottom = y0 + 0.58 * height - low, y1 - 0.58 * height - high
    y = random.uniform(top, bottom) if bottom > top else (top + bottom) / 2
    put(draft, layer, line, x, y, angle)


def rows(draft: Draft, pen: Pen) -> None:
    """Write two to six rows."""
    write_rows(draft, pen)


def write_rows(draft: Draft, pen: Pen, *, angle: float = 0.0, most: int = 6) -> None:
    """Write rows with a common pen, height and left edge, or digits in a grid."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    most = min(most, max(int((y1 - y0) / (1.5 * MIN_HEIGHT)), 1))
    count, columns = int(random.integers(min(2, most), most + 1)), int(random.integers(2, 11))
    space = gap(random)
    drop = abs(np.sin(angle)) * (x1 - x0) * 0.8
    pitch = (y1 - y0 - drop) / count * random.uniform(0.75, 1)
    height = min(pitch * random.uniform(0.4, 0.8), fitting(draft, columns, space, 0.88))
    height = max(height, MIN_HEIGHT)
    writer = draft.writer(pen, height)
    layer = draft.layer(pen, pen.width * height)
    left = x0 + random.uniform(0.02, 0.12) * (x1 - x0)
    top = y0 + (y1 - y0 - pitch * count) * random.random() + pitch / 2 + drop * (angle < 0)
    is_even = random.random() < 0.6
    for index in range(count):
        length = columns if is_even else int(random.integers(1, columns + 1))
        text = grouped(random, number(random, length))
        line = compose(writer, text, height, space, angle=angle)
        x = left + random.normal(0, 0.1) * height - np.sin(angle) * pitch * index
        put(draft, layer, line, x, top + pitch * index, angle)
        top += random.normal(0, 0.02) * pitch


def scattered(draft: Draft, pen: Pen) -> None:
    """Write 2 to 14 digits of several sizes, sometimes with several pens."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    draft.is_scattered = True
    base = min(x1 - x0, y1 - y0) * float(np.exp(random.uniform(np.log(0.06), np.log(0.32))))
    base, spread = max(base, 1.3 * MIN_HEIGHT), random.uniform(0.03, 0.3)
    pens = [pen]
    while random.random() < 0.35 and len(pens) < 3:
        pens.append(choose(random, on_dark=draft.is_dark))
    pairs = [(draft.layer(p, p.width * base), draft.writer(p, base)) for p in pens]
    for _ in range(random.integers(3, 20)):
        height = max(base * float(np.exp(random.normal(0, spread))), MIN_HEIGHT)
        draft.height = min(draft.height, height)
        x = random.uniform(x0 + 0.5 * height, max(x1 - 0.5 * height, x0 + 0.6 * height))
        y = random.uniform(y0 + 0.6 * height, max(y1 - 0.6 * height, y0 + 0.7 * height))
        half = 0.55 * height
        if not draft.is_free((x - half, y - half, x + half, y + half), 0.1 * height):
            continue
        layer, writer = pairs[random.integers(len(pairs))]
        mark = writer.digit(int(random.integers(10)), height, float(random.normal(0, 0.1)))
        across, tall = mark.ink.shape[1] / 2, mark.ink.shape[0] / 2
        if x0 <= x - across and x + across <= x1 and y0 <= y - tall and y + tall <= y1:
            draft.write(layer, mark, x, y)


def any_of(draft: Draft, pen: Pen) -> None:
    """Write one digit, a row, or rows."""
    kind = draft.random.random()
    (single if kind < 0.2 else row if kind < 0.7 else rows)(draft, pen)


def thick_pen(random: Random, on_dark: bool) -> Pen:
    """Choose a pen 18 to 30 % of a digit's height wide."""
    pen = choose(random, on_dark=on_dark, kind="marker")
    width = 0.18 + 0.12 * float(random.random() ** 1.5)
    return Pen(width, pen.colour, pen.strength, pen.grain * 0.5, pen.soft * 0.5, 0.0)
