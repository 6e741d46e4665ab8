"""Sums and words: digits among operators and letters."""

import numpy as np

from digitlens_train.pages.draft import Draft, Layer, polyline
from digitlens_train.pages.field import Random
from digitlens_train.pages.hands import Writer
from digitlens_train.pages.letters import SOLITARY, WORDS
from digitlens_train.pages.line import Line, compose, fitting, number, put
from digitlens_train.pages.pen import Pen
from digitlens_train.pages.rows import MIN_HEIGHT
from digitlens_train.pages.typeset import block

OPERATORS = "+-×÷"
UNKNOWN = "xank"
"""Letters of equations that do not look like digits."""


def sums(draft: Draft, pen: Pen) -> None:
    """Write expressions, a column sum, or fractions."""
    kind = draft.random.random()
    if kind < 0.6:
        _expressions(draft, pen)
    else:
        (_column if kind < 0.8 else _fractions)(draft, pen)


def _term(random: Random) -> str:
    count = int(random.choice([1, 1, 1, 2, 2, 3, 4]))
    text = number(random, count)
    kind = random.random()
    if kind < 0.08 and count > 1:
        return f"{text[0]}{random.choice(list('.,'))}{text[1:]}"
    if kind < 0.14:
        return text + str(random.choice(list(UNKNOWN)))
    if kind < 0.2:
        return f"({text}{random.choice(list(OPERATORS))}{random.integers(10)})"
    return f"{text}/{random.integers(10)}" if kind < 0.25 else text


def expression(random: Random) -> str:
    """Choose a sum such as "12 + 7 = 19", often without a result."""
    space = " " if random.random() < 0.4 else ""
    terms = [_term(random) for _ in range(random.choice([2, 2, 2, 3]))]
    text = terms[0]
    for term in terms[1:]:
        text += f"{space}{random.choice(list(OPERATORS))}{space}{term}"
    kind = random.random()
    if kind < 0.6:
        text += f"{space}="
        text += f"{space}{_term(random)}" if kind < 0.4 else ""
    return text


def _expressions(draft: Draft, pen: Pen) -> None:
    random, (x0, y0, x1, y1) = draft.random, draft.region
    count = int(random.choice([1, 1, 1, 2, 3, 5]))
    texts = [expression(random) for _ in range(count)]
    space = float(random.uniform(0.12, 0.4))
    longest = max(len(text) for text in texts)
    pitch = (y1 - y0) / count
    height = fitting(draft, longest, space, random.uniform(0.6, 1))
    height = max(min(height, pitch * random.uniform(0.4, 0.75)), MIN_HEIGHT)
    writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
    left = x0 + random.uniform(0.02, 0.1) * (x1 - x0)
    for index, text in enumerate(texts):
        line = compose(writer, text, height, space)
        x = left if count > 1 else x0 + random.random() * max(x1 - x0 - line.width, 0)
        put(draft, layer, line, x, y0 + pitch * (index + random.uniform(0.4, 0.6)))


def _column(draft: Draft, pen: Pen) -> None:
    """Write numbers below each other, a line, and the result."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    terms = int(random.choice([2, 2, 3]))
    lengths = random.integers(1, 6, terms + 1)
    height = min((y1 - y0) / (terms + 1.4) / 1.3, (x1 - x0) / (lengths.max() + 2))
    height = max(height * random.uniform(0.5, 1), MIN_HEIGHT)
    writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
    pitch, space = 1.3 * height, random.uniform(0.1, 0.3)
    wide = (lengths.max() + 2) * (0.72 + space) * height
    right = random.uniform(min(x0 + wide, x1 - 2), x1 - 2)
    tall = pitch * (terms + 1) + 0.3 * height
    top = y0 + max(y1 - y0 - tall, 0) * random.random() + 0.65 * height
    for index, length in enumerate(lengths):
        is_result = index == terms
        if is_result and random.random() < 0.3:
            break
        text = number(random, int(length))
        if index == terms - 1:
            text = str(random.choice(list("+-×"))) + " " + text
        line = compose(writer, text, height, space)
        y = top + pitch * index + 0.3 * height * is_result
        put(draft, layer, line, right - line.width, y)
    y = top + pitch * (terms - 0.5) + 0.15 * height
    rule = [(right - wide, y), (right, y + random.normal(0, 0.04) * height)]
    _bar(draft, layer, rule)


def _bar(draft: Draft, layer: Layer, ends: list[tuple[float, float]]) -> None:
    polyline(layer, ends, max(layer.thickness, 1))
    draft.mark_others(layer) if not draft.labels else None


def _fractions(draft: Draft, pen: Pen) -> None:
    """Write fractions and numbers with operators between them; their order is not scored."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    draft.is_scattered = True
    count = int(random.integers(1, 4))
    height = min((y1 - y0) / 3.2, (x1 - x0) / (count * 2.6))
    height = max(height * random.uniform(0.45, 1), MIN_HEIGHT)
    writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
    x = x0 + random.uniform(0.02, 0.3) * max(x1 - x0 - count * 2.5 * height, 0) + 4
    y = random.uniform(y0 + 1.6 * height, max(y1 - 1.6 * height, y0 + 1.7 * height))
    for index in range(count):
        if index:
            sign = compose(writer, str(random.choice(list("+-×÷="))), height, 0.2)
            put(draft, layer, sign, x, y)
            x += sign.width + 0.35 * height
        is_whole = count > 1 and random.random() < 0.3
        x += _whole(draft, layer, writer, height, x, y) if is_whole else _fraction(
            draft, layer, writer, height, x, y
        )  # fmt: skip
        x += 0.35 * height


def _whole(d: Draft, layer: Layer, writer: Writer, height: float, x: float, y: float) -> float:
    line = compose(writer, number(d.random, int(d.random.integers(1, 3))), height, 0.2)
    put(d, layer, line, x, y)
    return line.width


def _fraction(d: Draft, layer: Layer, writer: Writer, height: float, x: float, y: float) -> float:
    upper, lower = (
        compose(writer, number(d.random, int(d.random.choice([1, 1, 2]))), height, 0.15)
        for _ in range(2)
    )
    wide = max(upper.width, lower.width) + 0.3 * height
    away = height * (0.62 + d.random.uniform(0.08, 0.2)) + layer.thickness / 2
    put(d, layer, upper, x + (wide - upper.width) / 2, y - away)
    put(d, layer, lower, x + (wide - lower.width) / 2, y + away)
    _bar(d, layer, [(x, y), (x + wide, y + d.random.normal(0, 0.03) * height)])
    return wide


def words(draft: Draft, pen: Pen) -> None:
    """Write or print words, in half of the cases with numbers among them."""
    random = draft.random
    has_numbers = random.random() < 0.5
    kind = random.random()
    if kind < 0.55:
        _written(draft, pen, has_numbers)
    elif kind < 0.75:
        _letters(draft, pen, has_numbers)
    else:
        _printed(draft, pen, has_numbers)


def _written(draft: Draft, pen: Pen, has_numbers: bool) -> None:
    """Write lines of words and numbers."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    count = int(random.choice([1, 1, 2, 3, 4]))
    pitch = (y1 - y0) / count
    height = min(pitch * random.uniform(0.3, 0.6), (x1 - x0) / random.uniform(4, 10))
    height = max(height, MIN_HEIGHT)
    narrow = Pen(min(pen.width, 0.13), pen.colour, pen.strength, pen.grain, pen.soft)
    writer, layer = draft.writer(narrow, height), draft.layer(narrow, narrow.width * height)
    for index in range(count):
        x, y = x0 + random.uniform(0.02, 0.12) * (x1 - x0), y0 + pitch * (index + 0.5)
        for _ in range(4):
            is_number = has_numbers and random.random() < 0.45
            text = number(random, int(random.integers(1, 5))) if is_number else _word(random)
            line = _word_line(writer, text, height)
            if x + line.width > x1 - 2:
                break
            put(draft, layer, line, x, y)
            x += line.width + random.uniform(0.45, 0.8) * height


def _word(random: Random) -> str:
    word = str(random.choice(WORDS))
    return word.upper() if random.random() < 0.15 else word


def _word_line(writer: Writer, text: str, height: float) -> Line:
    """Compose a word, from a font in one piece."""
    mark = None if text.isdigit() else writer.word(text, height)
    if mark is None:
        return compose(writer, text, height, 0.2 if text.isdigit() else 0.1)
    return Line([mark], [(mark.size[0] / 2, mark.drop)], mark.size[0])


def _letters(draft: Draft, pen: Pen, has_numbers: bool) -> None:
    """Write separate letters and signs, some of them next to digits."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    lines, columns = int(random.choice([1, 1, 2, 3])), int(random.integers(1, 7))
    space = random.uniform(0.25, 0.9)
    pitch = (y1 - y0) / lines
    height = min(fitting(draft, columns, space, random.uniform(0.5, 0.95)), 0.7 * pitch)
    height = max(height, MIN_HEIGHT)
    writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
    for index in range(lines):
        signs = random.choice(list(SOLITARY), columns)
        digits = random.integers(0, 10, columns)
        is_digit = random.random(columns) < (0.5 if has_numbers else 0)
        text = "".join(np.where(is_digit, digits.astype(str), signs))
        line = compose(writer, text, height, space)
        x = x0 + max(x1 - x0 - line.width, 0) * random.random()
        put(draft, layer, line, x, y0 + pitch * (index + 0.5))


def _printed(draft: Draft, pen: Pen, has_numbers: bool) -> None:
    """Print lines of text, with a written number below or above."""
    random, (x0, y0, x1, y1) = draft.random, draft.region
    size = int(random.integers(9, max(10, round((y1 - y0) / 9))))
    share = random.uniform(0.35, 0.6) if has_numbers else random.uniform(0.5, 0.95)
    is_above = random.random() < 0.7
    split = y0 + (y1 - y0) * (share if is_above else 1 - share)
    left = x0 + random.uniform(0.02, 0.08) * (x1 - x0)
    area = (left, y0 + 3, x1 - 3, split) if is_above else (left, split, x1 - 3, y1 - 3)
    block(draft, area, size)
    if has_numbers:
        draft.region = (x0, split + 2, x1, y1) if is_above else (x0, y0, x1, split - 2)
        top, bottom = draft.region[1], draft.region[3]
        count = int(random.integers(1, 8))
        height = min(fitting(draft, count, 0.2, random.uniform(0.3, 0.9)), 0.7 * (bottom - top))
        height = max(height, MIN_HEIGHT)
        writer, layer = draft.writer(pen, height), draft.layer(pen, pen.width * height)
        line = compose(writer, number(random, count), height, 0.2)
        put(draft, layer, line, left, (top + bottom) / 2)
