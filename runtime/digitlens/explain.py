"""A reading as a picture: the steps of the search, and why each candidate is a digit or not."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import canvas
from digitlens.canvas import Color, Picture
from digitlens.reading import Digit, Reading
from digitlens.vision.search import Search

STEP_SIZE = (canvas.WIDTH - 2 * canvas.MARGIN - 2 * canvas.GAP) // 3, 300
"""Width and height of one step in pixels."""
CARD_SIZE = (canvas.WIDTH - 2 * canvas.MARGIN - 3 * canvas.GAP) // 4, 190
"""Width and height of what is said of one digit, in pixels."""
Step = tuple[str, NDArray[np.uint8]]
"""What a step does, and its picture, grey `[h, w]` or `[h, w, 3]` in blue, green, red."""
MAX_DROPPED = 40
"""Rejected candidates that are shown, those with the highest score first."""


def draw(frame: NDArray[np.uint8], reading: Reading, search: Search | None) -> Picture:
    """Draw how a frame was read.

    At the top are the frame with what was found, sure digits green, unsure ones orange and
    rejected candidates red, and the steps: the colours mixed, the ink of thin and of thick
    strokes, and all candidates. Below, each digit and then each rejected candidate has its glyph,
    the ten outputs, its score and the reason.

    Args:
        frame: uint8 `[h, w, 3]`, blue, green, red.
        reading: what was read in it.
        search: how it was found, or None for an MNIST image, which is not searched.

    Returns:
        uint8 `[height, 1280, 3]`, blue, green, red.
    """
    cards = [_card(digit) for digit in (*reading.digits, *reading.dropped[:MAX_DROPPED])]
    shown = [
        (title, canvas.fitted(picture, *STEP_SIZE)[0])
        for title, picture in steps(frame, reading, search)
    ]
    height = max(len(picture) for _, picture in shown)
    panels = [_step(title, picture, height) for title, picture in shown]
    return np.concatenate([_grid(panels, 3), *([_grid(cards, 4)] if cards else [])])


def steps(frame: NDArray[np.uint8], reading: Reading, search: Search | None) -> list[Step]:
    """Return the steps only, of the same arguments as `draw`: at most five."""
    first = (_title(reading), _boxes(frame, reading))
    if search is None:
        return [first]
    thin, thick, *_ = search.foreground.layers
    count = len(search.pool.candidates)
    return [
        first,
        ("colours mixed for contrast, dark on light", search.foreground.gray),
        ("ink of thin strokes: how far from the paper", 255 - _stretched(thin.ink)),
        ("ink of thick strokes", 255 - _stretched(thick.ink)),
        (f"{count} candidates, the likelier the darker", _candidates(search)),
    ]


def color_of(digit: Digit) -> Color:
    """Green for a sure digit, orange for an unsure one, red for a rejected candidate."""
    return canvas.BAD if digit.line < 0 else canvas.GOOD if digit.sure else canvas.UNSURE


def _title(reading: Reading) -> str:
    text = reading.text.replace("\n", " / ") or "no digits"
    return f"{text[:36]}   ({len(reading.dropped)} rejected)"


def _boxes(frame: NDArray[np.uint8], reading: Reading) -> Picture:
    picture, scale = canvas.fitted(frame, *STEP_SIZE)
    for digit in (*reading.dropped, *reading.digits):
        canvas.frame_box(picture, digit.box, scale, color_of(digit))
    return picture


def _stretched(amount: NDArray[np.uint8]) -> NDArray[np.uint8]:
    stretched = cv2.normalize(amount, np.empty_like(amount), 0, 255, cv2.NORM_MINMAX)
    return np.asarray(stretched, np.uint8)


def _candidates(search: Search) -> Picture:
    """Draw every candidate in a colour of its own, as dark as its score is high."""
    hues = np.full((*search.foreground.gray.shape, 3), (0, 0, 255), np.uint8)
    for number in np.argsort(search.scores, kind="stable").tolist():
        component = search.pool.candidates[number]
        depth = 40 + round(200 * float(search.scores[number]))
        hues[component.window][component.mask > 0] = (number * 47 % 180, depth, 200)
    return np.asarray(cv2.cvtColor(hues, cv2.COLOR_HSV2BGR), np.uint8)


def _step(title: str, picture: Picture, height: int) -> Picture:
    panel = canvas.blank(height + 40, STEP_SIZE[0])
    canvas.write(panel, title, (0, 28), 0.5, canvas.TEXT)
    canvas.paste(panel, picture, 40, 0)
    return panel


def _card(digit: Digit) -> Picture:
    width, height = CARD_SIZE
    panel = canvas.blank(height, width)
    side = height - 50
    words = digit.reason or "sure"
    title = f"{digit.label}  {digit.confidence:.1%}   score {digit.score:.2f}"
    canvas.write(panel, title, (0, 20), 0.55, canvas.TEXT)
    canvas.write(panel, words, (0, height - 6), 0.4, color_of(digit))
    canvas.paste(panel, canvas.glyph(digit, side), 30, 0)
    canvas.bars(panel, digit, 30, side + 2 * canvas.GAP, width - side - 100, side // 10)
    return panel


def _grid(panels: list[Picture], columns: int) -> Picture:
    height, width = panels[0].shape[:2]
    rows = -(-len(panels) // columns)
    grid = canvas.blank(rows * (height + canvas.GAP) + canvas.MARGIN)
    cv2.line(grid, (canvas.MARGIN, 4), (canvas.WIDTH - canvas.MARGIN, 4), canvas.FAINT_TEXT, 1)
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        canvas.paste(
            grid,
            panel,
            canvas.MARGIN // 2 + row * (height + canvas.GAP),
            canvas.MARGIN + column * (width + canvas.GAP),
        )
    return grid
