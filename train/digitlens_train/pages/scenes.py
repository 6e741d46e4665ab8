"""Pictures without digits: empty paper, textures, drawings."""

import cv2
import numpy as np

from digitlens_train.pages.draft import Draft, Layer, polyline
from digitlens_train.pages.field import Random
from digitlens_train.pages.forms import line_pen, rule
from digitlens_train.pages.paper import clouds, finger, grain, table, wood
from digitlens_train.pages.pen import Colour, Pen
from digitlens_train.pages.typeset import block
from digitlens_train.strokes import Points, handled, smooth

_DRAWINGS = {
    "house": "10,100 10,45 90,45 90,100 10,100|0,45 50,0 100,45|42,100 42,70 60,70 60,100",
    "tree": "45,100 45,60|58,100 58,62|~45,62 10,55 15,20 50,0 90,18 92,55 58,62",
    "face": "~50,0 5,25 5,75 50,100 95,75 95,25 52,0|30,35 33,40|66,35 69,40|~28,65 50,82 72,65",
    "fish": "~0,50 40,15 80,50 100,25|~0,50 40,85 80,50 100,78|100,25 92,50 100,78|16,46 19,48",
    "car": "0,75 0,50 25,48 35,25 70,25 80,48 100,52 100,75 0,75|~20,70 12,80 22,88 30,78 21,70"
           "|~78,70 70,80 80,88 88,78 79,70|38,30 38,48 68,48",
    "cup": "15,20 20,95 70,95 75,20 15,20|~75,35 98,35 95,70 72,70|30,12 34,0|50,12 54,0",
    "cloud": "~20,70 0,55 15,35 30,40 45,15 70,30 95,40 95,65 75,72 20,70",
    "heart": "~50,95 5,45 20,10 50,30 80,10 95,45 50,95",
    "triangle": "50,0 100,95 0,95 50,0",
    "square": "0,0 95,0 95,95 0,95 0,0",
    "rhomb": "50,0 100,50 50,100 0,50 50,0",
    "star": "50,0 80,100 0,38 100,38 20,100 50,0",
    "arrow": "0,50 100,50|75,30 100,50 75,72",
    "box": "0,30 70,30 70,100 0,100 0,30 28,0 98,0 98,70 70,100|70,30 98,0",
    "flower": "~50,45 35,20 50,5 66,20 50,45|~50,45 85,25 95,50 75,60 50,45|50,45 50,100"
              "|~50,45 15,25 5,50 25,60 50,45|~50,85 70,70 80,75 50,90",
    "axes": "5,0 5,95 100,95|~5,90 30,60 45,70 70,25 95,15",
    "wave": "0,50 100,50|10,0 10,100|~10,50 30,10 50,50 70,90 95,50",
    "zigzag": "0,80 15,20 30,80 45,20 60,80 75,20 95,80",
    "sun": "~50,30 30,50 50,70 70,50 51,30|50,0 50,18|50,82 50,100|0,50 18,50|82,50 100,50"
           "|15,15 28,28|85,15 72,28|15,85 28,72|85,85 72,72",
}  # fmt: skip


def blank(draft: Draft, pen: Pen) -> None:
    """Draw empty paper, plain or with lines, a grid, a form or punched holes."""
    random, (height, width) = draft.random, draft.size
    short = min(height, width)
    kind = random.random()
    if kind < 0.15:
        rule(draft, short / random.uniform(4, 16), random.uniform(0, 30))
    elif kind < 0.3:
        rule(draft, short / random.uniform(4, 20), 0, both=True)
    elif kind < 0.45:
        _form(draft)
    elif kind < 0.55:
        _lines(draft, pen)
    if random.random() < 0.15:
        _punched(draft)
    if random.random() < 0.25:
        table(draft)
    if random.random() < 0.08:
        finger(draft)


def _form(draft: Draft) -> None:
    """Draw an empty table or a row of empty boxes."""
    random, (height, width) = draft.random, draft.size
    layer = draft.layer(line_pen(random, draft.is_dark, strong=True), 1)
    rows, columns = int(random.integers(1, 8)), int(random.integers(2, 8))
    x = np.linspace(random.uniform(0.03, 0.25), random.uniform(0.7, 0.97), columns + 1) * width
    y = np.linspace(random.uniform(0.03, 0.4), random.uniform(0.6, 0.97), rows + 1) * height
    thickness = random.uniform(0.8, 3.5)
    for at in x:
        polyline(layer, [(at, y[0]), (at, y[-1])], thickness)
    for at in y:
        polyline(layer, [(x[0], at), (x[-1], at)], thickness)
    draft.mark_others(layer)


def _lines(draft: Draft, pen: Pen) -> None:
    """Draw some long lines, as of a margin, a fold or a crossed-out page."""
    random, (height, width) = draft.random, draft.size
    layer = draft.layer(pen, 2)
    for _ in range(random.integers(1, 5)):
        ends = random.uniform(-0.1, 1.1, (2, 2)) * (width, height)
        ends[:, random.integers(2)] = (-3, max(height, width) + 3)
        polyline(layer, ends.astype(np.float32), random.uniform(0.7, 4))
    draft.mark_others(layer)


def _punched(draft: Draft) -> None:
    """Punch holes near the left edge, two or a row of them."""
    random, (height, width) = draft.random, draft.size
    dark = np.full(3, random.uniform(0, 0.3), np.float32)
    layer = draft.layer(Pen(0, dark), 1)
    count = int(random.choice([2, 2, 4, 18]))
    radius = round(min(height / count / 4, 0.02 * width + 2) * 16)
    for y in (np.arange(count) + 0.5) / count * height:
        centre = (round(0.05 * width * 16), round(y * 16))
        cv2.circle(layer.alpha, centre, radius, 255, -1, cv2.LINE_AA, 4)
    draft.mark_others(layer)


def texture(draft: Draft, pen: Pen) -> None:
    """Fill a picture with a texture, a drawing, a scribble or print."""
    kinds = (_cloth, _surface, _leaves, _blobs, _scribble, _drawings, _drawings, _hand, _print)
    kinds[draft.random.integers(len(kinds))](draft, pen)


def _tone(random: Random) -> Colour:
    grey = random.uniform(0.1, 0.95)
    return np.clip(grey + random.normal(0, 0.12, 3), 0.02, 1).astype(np.float32)


def _cover(draft: Draft, pattern: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    whole = np.full(draft.size, 255, np.uint8)
    draft.layers.append(Layer(Pen(0, _tone(draft.random)), whole, 1, pattern))


def _cloth(draft: Draft, _: Pen) -> None:
    """Draw woven cloth: two waves, with noise."""
    random, (height, width) = draft.random, draft.size
    y, x = np.arange(height)[:, np.newaxis], np.arange(width)
    pace = 2 * np.pi / random.uniform(3, 40, 2)
    angle, depth = random.normal(0, 0.2), random.uniform(0.03, 0.2)
    weave = np.sin(pace[0] * (x + angle * y)) + np.sin(pace[1] * (y - angle * x))
    noise = grain(draft.size, random, 0.8) * np.float32(0.05)
    _cover(draft, (1 + depth * weave).astype(np.float32) + noise)


def _surface(draft: Draft, _: Pen) -> None:
    """Draw wood, noise, plaster or marble."""
    random = draft.random
    pattern = wood(draft.size, random)
    for cells in random.integers(3, 90, random.integers(1, 4)):
        rough = clouds(draft.size, random, int(cells))
        pattern += (np.abs(rough) - 0.8) * np.float32(random.uniform(0.02, 0.12))
    _cover(draft, pattern + grain(draft.size, random, 0.7) * np.float32(random.uniform(0, 0.12)))


def _leaves(draft: Draft, _: Pen) -> None:
    """Draw leaves over each other."""
    random, (height, width) = draft.random, draft.size
    t = np.linspace(0, np.pi, 9)
    half = np.stack([np.cos(t), 0.4 * np.sin(t)], 1)
    outline = np.concatenate([half, -half])
    for _number in range(random.integers(3, 8)):
        base = np.array([0.2, 0.55, 0.3]) * random.uniform(0.4, 1.5)
        tone = np.clip(base + random.normal(0, 0.08, 3), 0, 1)
        layer = draft.layer(Pen(0, tone.astype(np.float32)), 1)
        veins = draft.layer(Pen(0, np.clip(tone * 1.4, 0, 1).astype(np.float32), 0.6), 1)
        for _leaf in range(random.integers(1, 8)):
            angle, size = random.uniform(0, 6.3), random.uniform(0.08, 0.3) * max(height, width)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            middle = random.uniform(0, 1, 2) * (width, height)
            path = outline * size @ turn + middle
            cv2.fillPoly(layer.alpha, [np.rint(path).astype(np.int32)], 255, cv2.LINE_AA)
            ends = np.array([[-size, 0], [size, 0]]) @ turn + middle
            polyline(veins, ends.astype(np.float32), max(size / 40, 1))
        draft.mark_others(layer)


def _blobs(draft: Draft, _: Pen) -> None:
    """Draw smooth light and dark areas, like a picture out of focus."""
    random = draft.random
    pattern = 1 + clouds(draft.size, random, int(random.integers(3, 9))) * np.float32(0.25)
    if random.random() < 0.5:
        pattern += clouds(draft.size, random, 20) * np.float32(0.08)
    _cover(draft, np.maximum(pattern, 0.05))


def _scribble(draft: Draft, pen: Pen) -> None:
    """Scribble with long strokes that cross themselves many times."""
    random, (height, width) = draft.random, draft.size
    thickness = max(pen.width * 0.25 * min(height, width), 1)
    layer = draft.layer(pen, thickness)
    for _ in range(random.integers(1, 4)):
        middle = random.uniform(0.25, 0.75, 2) * (width, height)
        spread = random.uniform(0.1, 0.3) * min(height, width)
        corners = random.normal(0, 1, (random.integers(12, 40), 2)) * spread + middle
        path = smooth(corners) if random.random() < 0.8 else corners
        polyline(layer, path.astype(np.float32), min(thickness, spread / 6 + 1))
    draft.mark_others(layer)


def _corners(text: str) -> Points:
    return np.array([[float(n) / 100 for n in point.split(",")] for point in text.split()])


def _drawings(draft: Draft, pen: Pen) -> None:
    """Draw objects and shapes, one or several."""
    random, (height, width) = draft.random, draft.size
    count = int(random.choice([1, 1, 2, 3, 6]))
    size = min(height, width) * random.uniform(0.3, 0.8) / np.sqrt(count)
    thickness = max(min(pen.width, 0.1) * size * 0.6, 1)
    layer = draft.layer(pen, thickness)
    for _ in range(count):
        parts = str(random.choice(list(_DRAWINGS.values()))).split("|")
        lines = handled([_corners(part.removeprefix("~")) for part in parts], random)
        middle = random.uniform(0.5 * size, np.array([width, height]) - 0.5 * size)
        area = (*(middle - 0.6 * size), *(middle + 0.6 * size))
        if not draft.is_free(area):
            continue
        for line, part in zip(lines, parts, strict=True):
            path = smooth(line) if part.startswith("~") else line
            polyline(layer, ((path - 0.5) * size + middle).astype(np.float32), thickness)
        draft.taken.append(area)
    draft.mark_others(layer)


def _hand(draft: Draft, _: Pen) -> None:
    """Draw a hand-like shape: a palm and five fingers from below."""
    random, (height, width) = draft.random, draft.size
    skin = np.array([0.5, 0.6, 0.85]) * random.uniform(0.4, 1.1)
    layer = draft.layer(Pen(0, np.clip(skin, 0, 1).astype(np.float32)), 1)
    size = random.uniform(0.3, 0.6) * min(height, width)
    palm = np.array([random.uniform(0.3, 0.7) * width, random.uniform(0.6, 0.95) * height])
    start = (int(palm[0]), int(palm[1]))
    cv2.line(layer.alpha, start, (start[0], height + 50), 255, round(0.55 * size), cv2.LINE_AA)
    cv2.circle(layer.alpha, start, round(0.38 * size), 255, -1, cv2.LINE_AA)
    for angle in np.radians([-150, -115, -92, -68, -35]) + random.normal(0, 0.08, 5):
        reach = random.uniform(0.75, 1) * size
        tip = (int(palm[0] + reach * np.cos(angle)), int(palm[1] + reach * np.sin(angle)))
        cv2.line(layer.alpha, start, tip, 255, max(round(0.18 * size), 1), cv2.LINE_AA)
    layer.texture = 1 + clouds(draft.size, random, 8) * np.float32(0.08)
    draft.mark_others(layer)


def _print(draft: Draft, _: Pen) -> None:
    """Print a page of fine text."""
    random, (height, width) = draft.random, draft.size
    margin = random.uniform(-0.05, 0.1) * width
    block(draft, (margin, 0.03 * height, width - margin, height), int(random.integers(6, 17)))
