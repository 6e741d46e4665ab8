"""Lines around writing: ruled and squared paper, frames, boxes, underlines."""

from itertools import pairwise

import numpy as np

from digitlens_train.pages.draft import Draft, Layer, Region, boxes, polyline
from digitlens_train.pages.field import Plane, Random
from digitlens_train.pages.line import compose, gap, number, put
from digitlens_train.pages.pen import Pen
from digitlens_train.pages.rows import MIN_HEIGHT, any_of, row, scattered, single, write_row
from digitlens_train.strokes import Points, smooth


def line_pen(random: Random, on_dark: bool = False, strong: bool = False) -> Pen:
    """Choose printed lines: blue, grey, red or black ones, pale or dark."""
    if on_dark:
        grey = np.full(3, random.uniform(0.4, 0.9), np.float32)
        return Pen(0, grey, random.uniform(0.2, 0.7))
    tones = ([0.8, 0.5, 0.3], [0.45, 0.45, 0.45], [0.4, 0.4, 0.85], [0.05, 0.05, 0.05],
             [0.6, 0.7, 0.35], [0.9, 0.7, 0.5])  # fmt: skip
    tone = np.array(tones[random.integers(len(tones))]) + random.normal(0, 0.05, 3)
    least = 0.5 if strong else 0.15
    return Pen(0, np.clip(tone, 0, 1).astype(np.float32), random.uniform(least, 0.95))


def rule(draft: Draft, spacing: float, offset: float, *, both: bool = False) -> Layer:
    """Rule a sheet, across or both ways, with a slight slope."""
    random, (height, width) = draft.random, draft.size
    layer = draft.layer(line_pen(random, draft.is_dark), 1)
    thickness = max(float(random.choice([0.7, 1, 1, 2, 3])) * max(height, width) / 800, 0.7)
    slope = float(random.normal(0, 0.008))
    for y in np.arange(offset - 2 * spacing, height + 2 * spacing, spacing):
        polyline(
            layer, [(-2, y - slope * width / 2), (width + 2, y + slope * width / 2)], thickness
        )
    start = random.uniform(0, spacing)
    for x in np.arange(start - spacing, width + spacing, spacing) if both else ():
        polyline(layer, [(x + slope * height, -2), (x, height + 2)], thickness)
    if not both and random.random() < 0.25:
        _margin_line(draft, thickness)
    draft.mark_others(layer)
    return layer


def _margin_line(draft: Draft, thickness: float) -> None:
    random, (height, width) = draft.random, draft.size
    x0, y0, x1, y1 = draft.region
    x = random.uniform(0.05, 0.14) * width
    red = Pen(0, np.array([0.35, 0.3, 0.85], np.float32), random.uniform(0.4, 0.9))
    layer = draft.layer(red, 1)
    polyline(layer, [(x, -2), (x + random.normal(0, 2), height + 2)], thickness)
    draft.mark_others(layer)
    draft.region = (max(x0, x + 0.02 * width), y0, x1, y1)


def ruled(draft: Draft, pen: Pen) -> None:
    """Write on ruled paper, on the lines or across them."""
    random, (_, y0, _, y1) = draft.random, draft.region
    spacing = max((y1 - y0) / random.uniform(2.5, 11), 18)
    offset = y0 + random.uniform(0.5, 1) * spacing
    rule(draft, spacing, offset)
    if random.random() < 0.35:
        any_of(draft, pen)
        return
    height = max(spacing * random.uniform(0.5, 1.1), MIN_HEIGHT)
    baselines = np.arange(offset + spacing * (height > spacing), y1 - 0.15 * height, spacing)
    chosen = baselines[random.random(len(baselines)) < random.uniform(0.3, 0.9)]
    _write_on(draft, pen, height, chosen if len(chosen) else baselines[:1])


def _write_on(draft: Draft, pen: Pen, height: float, baselines: Points) -> None:
    random, (x0, _, x1, _) = draft.random, draft.region
    space = gap(random)
    writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
    most = max(int((x1 - x0) / (height * (0.72 + space))), 1)
    for baseline in baselines:
        text = number(random, int(random.integers(1, min(most, 10) + 1)))
        line = compose(writer, text, height, space)
        x = x0 + random.uniform(0.02, 0.3) * (x1 - x0)
        lift = random.normal(0.03, 0.06) * height
        put(draft, layer, line, min(x, max(x1 - line.width, x0)), baseline - height / 2 - lift)


def squared(draft: Draft, pen: Pen) -> None:
    """Write on squared paper, one digit a square or freely."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    cell = max(min(x1 - x0, y1 - y0) / random.uniform(3, 22), 11)
    rule(draft, cell, random.uniform(0, cell), both=True)
    if random.random() < 0.5:
        any_of(draft, pen)
        return
    height = cell * float(random.choice([0.8, 1.0, 1.6, 2.0])) * random.uniform(0.85, 1.1)
    height = max(min(height, 0.6 * (y1 - y0)), MIN_HEIGHT)
    count = max(int((y1 - y0) / (height * 1.5)), 1)
    first = y0 + 0.2 * height
    baselines = first + height + cell * np.arange(0, count) * np.ceil(1.2 * height / cell)
    _write_on(draft, pen, height, baselines[baselines < y1 - 0.1 * height][:5])


def framed(draft: Draft, pen: Pen) -> None:
    """Write, and draw a rectangle or an oval around all of it."""
    random, outer = draft.random, draft.region
    x0, y0, x1, y1 = outer
    inset = 0.13 * min(x1 - x0, y1 - y0)
    is_oval = random.random() < 0.3
    across = 0.24 * (x1 - x0) if is_oval else inset
    down = 0.22 * (y1 - y0) if is_oval else inset
    draft.region = (x0 + across, y0 + down, x1 - across, y1 - down)
    any_of(draft, pen)
    draft.region = outer
    by_hand = random.random() < 0.55
    thickness = max(pen.width * draft.height, 1) if by_hand else random.uniform(0.8, 4)
    layer = draft.layer(pen if by_hand else line_pen(random, draft.is_dark, strong=True), thickness)
    margin = max(random.uniform(0.15, 0.45) * draft.height, thickness + 4)
    polyline(layer, _frame(draft.extent(), margin, by_hand, is_oval, random), thickness)
    draft.mark_others(layer)


def _frame(area: Region, margin: float, by_hand: bool, is_oval: bool, random: Random) -> Plane:
    x0, y0, x1, y1 = area
    middle = np.array([x0 + x1, y0 + y1]) / 2
    half = np.array([x1 - x0, y1 - y0]) / 2 + margin
    if is_oval:
        turns = random.uniform(0.98, 1.08) if by_hand else 1.0
        angles = np.linspace(0, 2 * np.pi * turns, 24) + random.uniform(0, 6)
        wave = 1 + (random.normal(0, 0.012, (24, 1)) if by_hand else 0)
        ring = np.stack([np.cos(angles), np.sin(angles)], 1) * wave
        return np.asarray(smooth(middle + ring * half * 1.3), np.float32)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    if by_hand:
        corners = corners + random.normal(0, 0.2 * margin, corners.shape)
        parts = [np.linspace(a, b, 5)[:-1] for a, b in pairwise(corners)]
        path = np.concatenate([*parts, corners[-1:]])
        corners = path + random.normal(0, 0.05 * margin, path.shape)
    return np.asarray(middle + corners, np.float32)


def underlined(draft: Draft, pen: Pen) -> None:
    """Write, and underline each row once or twice."""
    random, outer = draft.random, draft.region
    x0, y0, x1, y1 = outer
    draft.region = (x0, y0, x1, y1 - 0.1 * (y1 - y0))
    (single if random.random() < 0.15 else row)(draft, pen)
    left, _, right, bottom = draft.extent()
    height = draft.height
    by_hand = random.random() < 0.75
    thickness = max(pen.width * height, 1) if by_hand else random.uniform(1, 3)
    layer = draft.layer(pen if by_hand else line_pen(random, draft.is_dark, strong=True), thickness)
    y = bottom + thickness / 2 + random.uniform(-0.02, 0.25) * height
    for _ in range(1 if random.random() < 0.75 else 2):
        x = np.linspace(left - random.uniform(0, 0.4) * height,
                        right + random.uniform(0, 0.4) * height, 5)  # fmt: skip
        wave = random.normal(0, 0.02 * height if by_hand else 0, 5)
        slope = random.normal(0, 0.015) * (x - left)
        polyline(
            layer, np.asarray(smooth(np.stack([x, y + wave + slope], 1)), np.float32), thickness
        )
        y += 2.5 * thickness + 0.08 * height
    draft.mark_others(layer)
    draft.region = outer


def boxed(draft: Draft, pen: Pen) -> None:
    """Write digits in the boxes of a form, or write some and draw a box around each."""
    (_boxed_each if draft.random.random() < 0.4 else _in_boxes)(draft, pen)


def _boxed_each(draft: Draft, pen: Pen) -> None:
    """Draw a box around each digit, except where it would cross a neighbour."""
    random, outer = draft.random, draft.region
    x0, y0, x1, y1 = outer
    inset = 0.08 * min(x1 - x0, y1 - y0)
    draft.region = (x0 + inset, y0 + inset, x1 - inset, y1 - inset)
    kind = random.random()
    if kind < 0.5:
        (single if kind < 0.2 else scattered)(draft, pen)
    else:
        text = number(random, int(random.integers(2, 8)))
        write_row(draft, pen, text, random.uniform(0.3, 1))
    draft.region = outer
    by_hand = random.random() < 0.6
    width = random.uniform(0.03, 0.1) if random.random() < 0.5 else pen.width
    thickness = max(width * draft.height, 1)
    layer = draft.layer(pen if by_hand else line_pen(random, draft.is_dark, strong=True), thickness)
    margin = random.uniform(0.08, 0.35) * draft.height + thickness
    areas = [(x, y, x + w, y + h) for x, y, w, h in boxes(draft.owner, draft.rough)]
    for area in areas:
        crossed = sum(_meet(area, other, margin + thickness) for other in areas)
        if crossed == 1:  # itself
            polyline(layer, _frame(area, margin, by_hand, False, random), thickness)
    draft.mark_others(layer)


def _meet(area: Region, other: Region, margin: float) -> bool:
    """Return whether an area with a margin around it and another one overlap."""
    return (
        area[0] - margin < other[2]
        and area[2] + margin > other[0]
        and area[1] - margin < other[3]
        and area[3] + margin > other[1]
    )


def _in_boxes(draft: Draft, pen: Pen) -> None:
    """Write digits in boxes, separate or joined, of which some stay empty."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    columns, lines = int(random.integers(1, 11)), int(random.choice([1, 1, 1, 2, 3, 4]))
    is_joined = random.random() < 0.5
    space = 0.0 if is_joined else random.uniform(0.15, 0.6)
    down = 0.0 if is_joined and random.random() < 0.6 else random.uniform(0.2, 0.8)
    shape = random.uniform(0.8, 1.4)  # height of a box over its width
    side = min((x1 - x0) * 0.94 / (columns * (1 + space)),
               (y1 - y0) * 0.94 / (lines * (shape + down)))  # fmt: skip
    side = max(side * random.uniform(0.6, 1), 18)
    height = max(side * shape * random.uniform(0.5, 0.8), MIN_HEIGHT)
    by_hand = random.random() < 0.25
    thickness = (
        max(pen.width * height, 1) if by_hand else max(random.uniform(0.015, 0.05) * side, 1)
    )
    lines_layer = draft.layer(
        pen if by_hand else line_pen(random, draft.is_dark, strong=True), thickness
    )
    layer, writer = draft.layer(pen, pen.width * height), draft.writer(pen, height)
    width, tall = side * columns * (1 + space), side * lines * (shape + down)
    left = x0 + max(x1 - x0 - width, 0) * random.random()
    top = y0 + max(y1 - y0 - tall, 0) * random.random()
    empty = random.choice([0, 0.15, 0.4])
    for number_ in range(lines * columns):
        column, line = number_ % columns, number_ // columns
        x, y = left + side * (1 + space) * column, top + side * (shape + down) * line
        area = (x, y, x + side, y + side * shape)
        if area[2] > x1 + 1 or area[3] > y1 + 1:
            continue
        wobble = random.normal(0, 0.02 * side if by_hand else 0, (4, 2))
        corners = np.array([[x, y], [area[2], y], [area[2], area[3]], [x, area[3]]]) + wobble
        polyline(lines_layer, corners.astype(np.float32), thickness, closed=True)
        if random.random() >= empty:
            mark = writer.digit(int(random.integers(10)), height)
            shift = random.normal(0, 0.05, 2) * side
            draft.write(layer, mark, x + side / 2 + shift[0], y + side * shape / 2 + shift[1])
    draft.mark_others(lines_layer)
