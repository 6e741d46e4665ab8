"""A line of handwriting: digits, signs and words next to each other."""

from dataclasses import dataclass

import numpy as np

from digitlens_train.pages.draft import Draft, Layer
from digitlens_train.pages.field import Mark, Random
from digitlens_train.pages.hands import Writer

_TIGHTEST = 0.12
"""Most by which neighbours that touch overlap, as a share of their height."""


@dataclass(slots=True, eq=False)
class Line:
    """Marks with the places of their middles; (0, 0) is the left end at half the height."""

    marks: list[Mark]
    places: list[tuple[float, float]]
    width: float


def compose(
    writer: Writer,
    text: str,
    height: float,
    gap: float,
    *,
    angle: float = 0.0,
    touching: bool = False,
) -> Line:
    """Write a text of digits, signs and spaces; `gap` is between marks, in heights.

    The line is level; with an `angle` its marks are turned, so that `put` can turn the line.
    """
    random = writer.random
    line = Line([], [], 0.0)
    spread, sway = random.uniform(0.01, 0.14), random.uniform(0, 0.08)
    phase, pace = random.uniform(0, 6.3), random.uniform(0.2, 0.8)
    x, before = 0.0, None
    for index, character in enumerate(text):
        if character == " ":
            x += height * max(0.35, 1.2 * gap)
            before = None
            continue
        mark = _mark(writer, character, height, spread, angle)
        y = mark.drop + height * (sway * np.sin(phase + pace * index) + random.normal(0, 0.02))
        if before is not None and touching:
            nearest = line.places[-1][0] + 0.3 * (before.size[0] + mark.size[0])
            x = max(_kiss(line.places[-1], before, (x, y), mark), nearest)
            x -= height * abs(random.normal(0, _TIGHTEST / 3))
            middle = x
        else:
            middle = x + mark.size[0] / 2
        line.marks.append(mark)
        line.places.append((middle, float(y)))
        x = middle + mark.size[0] / 2
        line.width = x
        if not touching:
            x += height * max(gap + random.normal(0, 0.03 + 0.12 * max(gap, 0)), min(gap, 0.04))
        before = mark
    return line


def _mark(writer: Writer, character: str, height: float, spread: float, angle: float) -> Mark:
    if character.isdigit():
        vary = float(np.clip(writer.random.normal(0, spread), -0.3, 0.35))
        return writer.digit(int(character), height * (1 + vary), angle)
    return writer.sign(character, height, angle)


def _kiss(place: tuple[float, float], left: Mark, here: tuple[float, float], right: Mark) -> float:
    """Return the x at which the ink of a mark touches that of the one before."""
    y_left, y_right = place[1] - left.anchor[1], here[1] - right.anchor[1]
    low = round(max(y_left, y_right))
    high = round(min(y_left + len(left.ink), y_right + len(right.ink)))
    ends = _profile(left)[round(low - y_left) : round(high - y_left)]
    starts = _profile(right, from_left=True)[round(low - y_right) : round(high - y_right)]
    rows = min(len(ends), len(starts))
    gaps = starts[:rows] - ends[:rows]
    known = gaps[np.isfinite(gaps)]
    nearest = float(known.min()) if len(known) else -0.5 * (left.size[0] + right.size[0])
    return place[0] - left.anchor[0] - nearest + right.anchor[0]


def _profile(mark: Mark, from_left: bool = False) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return where ink ends in each row of a mark, or begins; infinite in empty rows."""
    has_ink = mark.ink > 127
    if from_left:
        return np.where(has_ink.any(1), has_ink.argmax(1), np.inf)
    width = has_ink.shape[1]
    return np.where(has_ink.any(1), width - has_ink[:, ::-1].argmax(1), -np.inf)


def put(draft: Draft, layer: Layer, line: Line, x: float, y: float, angle: float = 0.0) -> int:
    """Write a line from (x, y) on, turned by an angle; return how many marks fitted."""
    cos, sin = np.cos(angle), np.sin(angle)
    x0, y0, x1, y1 = draft.region
    count = 0
    for mark, (along, down) in zip(line.marks, line.places, strict=True):
        at_x, at_y = x + cos * along - sin * down, y + sin * along + cos * down
        left, top = at_x - mark.anchor[0], at_y - mark.anchor[1]
        right, bottom = left + mark.ink.shape[1], top + mark.ink.shape[0]
        slack = 3
        if left < x0 - slack or right > x1 + slack or top < y0 - slack or bottom > y1 + slack:
            continue
        count += draft.write(layer, mark, at_x, at_y)
    return count


def number(random: Random, count: int) -> str:
    """Choose `count` digits: any, all alike, in sequence, or mostly 0, 1 and 8."""
    kind = random.random()
    if kind < 0.68:
        chosen = random.integers(0, 10, count)
    elif kind < 0.78:
        chosen = np.full(count, random.integers(10))
    elif kind < 0.9:
        chosen = (random.integers(10) + np.arange(count)) % 10
    else:
        chosen = random.choice([0, 0, 1, 1, 8, 6, 7], count)
    return "".join(map(str, chosen))


def grouped(random: Random, digits: str) -> str:
    """Put spaces between groups of digits, in a third of the cases."""
    if len(digits) < 4 or random.random() < 0.67:
        return digits
    size = int(random.integers(2, 5))
    return " ".join(digits[i : i + size] for i in range(0, len(digits), size))


def gap(random: Random) -> float:
    """Choose a distance of digits, in heights."""
    kind = random.random()
    if kind < 0.5:
        return float(random.uniform(0.08, 0.35))
    return float(random.uniform(0.35, 0.8) if kind < 0.85 else random.uniform(0.8, 1.6))


def fitting(draft: Draft, count: int, space: float, share: float = 0.95) -> float:
    """Return the height at which a line of `count` digits is as wide as a share of the region."""
    x0, _, x1, _ = draft.region
    return share * (x1 - x0) / (count * (0.72 + space) + 0.2)
