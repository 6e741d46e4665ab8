"""The picture of a live reading: the frame with its digits, and a panel that shows one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import canvas, maps
from digitlens.canvas import Color, Picture
from digitlens.contract import Tap
from digitlens.explain import Step
from digitlens.reading import UNSURE, Digit, LiveReading

KEYS = {
    "q Esc": "quit",
    "space": "pause, go on",
    ".": "one frame on",
    "Tab": "next digit; or click on it",
    "m": "maps on, off",
    "1 - 6": "one tap alone; again: the chosen ones",
    "e": "explain the steps of the search",
    "i": "rates, age, CPU",
    "s": "save frame, reading, maps",
    "r": "record, stop",
    "f": "full screen",
    "h": "these keys",
}
Line = tuple[str, Color]
"""What is said at the bottom of a picture, and the colour of its ground."""
GRAY: Color = (130, 130, 130)
CHOSEN: Color = (200, 90, 20)
_PANEL = 0.36
"""Share of the window that the panel takes."""
_FRAME_SIDES = 480, 720
"""Height of the frame in a new window, at least and at most."""
_MAX_WIDTH = 1280
_LEAST_SIZE = 160
"""Smaller pictures are drawn at this width or height, and shrunk."""
_LEAST_GLYPH = 10
_MAX_LINES = 4
"""How many rows of the text are written."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is to be seen.

    Attributes:
        reading: the newest one.
        chosen: which of its digits the panel shows.
        taps: what to draw of that digit, each with its activation, float32 in the tap's shape.
        steps: of the search, to be shown instead of the frame, or none.
        lines: what is said at the bottom, from the lowest line up.
        shows_keys: whether the keys are explained.
    """

    reading: LiveReading
    chosen: int | None = None
    taps: Sequence[tuple[Tap, NDArray[np.float32]]] = ()
    steps: Sequence[Step] = ()
    lines: Sequence[Line] = ()
    shows_keys: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where the frame stands in a picture: its left, top, and screen pixels a frame pixel."""

    left: int
    top: int
    scale: float

    def in_frame(self, x: int, y: int) -> tuple[float, float]:
        """Turn a place in the picture into one in the frame."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale


def usual_size(width: int, height: int) -> tuple[int, int]:
    """Give width and height of a new window for frames of that size: even numbers."""
    low, high = _FRAME_SIDES
    scale = min(max(low / height, 1), high / height)
    scale = min(scale, _MAX_WIDTH * (1 - _PANEL) / width)
    wide, tall = width * scale / (1 - _PANEL), height * scale
    return max(round(wide / 2) * 2, low), max(round(tall / 2) * 2, low)


def draw(scene: Scene, width: int, height: int) -> tuple[Picture, Place | None]:
    """Draw a scene.

    Returns:
        The picture, uint8 `[height, width, 3]` in blue, green, red, and where the frame is in it;
        None where it is not shown, or the picture is tiny.
    """
    if width < _LEAST_SIZE or height < _LEAST_SIZE:
        large, _ = draw(scene, max(width, _LEAST_SIZE), max(height, _LEAST_SIZE))
        return np.asarray(cv2.resize(large, (width, height)), np.uint8), None
    picture = canvas.blank(height, width)
    unit = min(max(min(height, width * 3 // 4) / 480, 0.6), 3.0)
    place = _draw_reading(picture, scene, unit)
    _write_lines(picture, scene.lines, unit)
    if scene.shows_keys:
        _write_keys(picture, unit)
    return picture, place


def _annotate(
    picture: Picture, reading: LiveReading, chosen: int | None, place: Place, unit: float
) -> None:
    """Draw boxes, labels and confidences into a frame that stands at `place`."""
    for number, digit in enumerate(reading.digits):
        color = CHOSEN if number == chosen else canvas.GOOD if digit.sure else GRAY
        left, top, width, height = (round(side * place.scale) for side in digit.box)
        left, top = left + place.left, top + place.top
        corner = left + width, top + height
        cv2.rectangle(picture, (left, top), corner, color, max(round(2 * unit), 1), cv2.LINE_AA)
        label = str(digit.label) if digit.sure else f"{digit.label}{UNSURE}"
        _tag(picture, f"{label} {digit.confidence:.0%}", left, top, color, unit)


def _tag(picture: Picture, text: str, left: int, top: int, color: Color, unit: float) -> None:
    size = 0.45 * unit
    (width, height), _ = cv2.getTextSize(text, canvas.FONT, size, 1)
    bottom = max(top, height + 6)
    cv2.rectangle(picture, (left, bottom - height - 5), (left + width + 3, bottom), color, -1)
    canvas.write(picture, text, (left + 2, bottom - 3), size, canvas.PAPER)


def _draw_reading(picture: Picture, scene: Scene, unit: float) -> Place | None:
    reading = scene.reading
    height, width = picture.shape[:2]
    if width > 1.1 * height:
        split = round(width * (1 - _PANEL))
        room, panel = picture[:, :split], picture[:, split:]
    else:
        split = round(height * (1 - _PANEL))
        room, panel = picture[:split], picture[split:]
    place = None
    if scene.steps:
        _draw_steps(room, scene.steps, unit)
    else:
        place = _center(room, reading.image)
        _annotate(room, reading, scene.chosen, place, unit)
    digit = None if scene.chosen is None else reading.digits[scene.chosen]
    _draw_panel(panel, reading, digit, scene.taps, unit)
    return place


def _draw_panel(
    panel: Picture,
    reading: LiveReading,
    digit: Digit | None,
    taps: Sequence[tuple[Tap, NDArray[np.float32]]],
    unit: float,
) -> None:
    margin = round(8 * unit)
    width = panel.shape[1] - 2 * margin
    top = _write_text(panel, reading.text, margin, width, unit)
    if digit is None:
        canvas.write(panel, "no digits", (margin, top + margin), 0.5 * unit, canvas.FAINT_TEXT)
        return
    side = min(round(160 * unit), round(width * 0.44), panel.shape[0] - top - margin)
    if side < _LEAST_GLYPH:
        return
    canvas.paste(panel, canvas.glyph(digit, side), top, margin)
    left = side + 2 * margin
    canvas.bars(panel, digit, top, margin + left, round(width - left - 75 * unit), side // 10)
    top += side + margin
    _draw_taps(panel[top:, margin : margin + width], taps, unit)


def _write_text(panel: Picture, text: str, margin: int, width: int, unit: float) -> int:
    """Write what was read, as large as fits; give where it ends."""
    lines = text.split("\n")
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], f"{lines[_MAX_LINES - 1]} ..."]
    longest = max(lines, key=len)
    scale, step = 1.0 * unit, round(34 * unit)
    if len(lines) > 2:
        scale, step = scale / 2, step // 2
    needed = cv2.getTextSize(longest, canvas.FONT, scale, 1)[0][0]
    scale *= min(1.0, width / max(needed, 1))
    for number, line in enumerate(lines):
        canvas.write(panel, line, (margin, (number + 1) * step), scale, canvas.TEXT)
    return (len(lines)) * step + round(14 * unit)


def _draw_taps(room: Picture, taps: Sequence[tuple[Tap, NDArray[np.float32]]], unit: float) -> None:
    title = round(18 * unit)
    for number, (tap, activation) in enumerate(taps):
        top = room.shape[0] * number // len(taps)
        free = room.shape[0] * (number + 1) // len(taps) - top - title - round(4 * unit)
        if free < 8:
            return
        words = f"{tap.name}  {activation.min():.2f} to {activation.max():.2f}"
        canvas.write(room, words, (0, top + title - round(5 * unit)), 0.42 * unit, canvas.TEXT)
        picture = maps.tiles(activation, tap.shape, room.shape[1], free)
        canvas.paste(room, picture, top + title, 0)


def _draw_steps(room: Picture, steps: Sequence[Step], unit: float) -> None:
    """Draw the steps of the search in two columns, row by row, each under its title."""
    title, rows = round(20 * unit), -(-len(steps) // 2)
    height, width = room.shape[0] // rows, room.shape[1] // 2
    for number, (words, image) in enumerate(steps):
        row, column = divmod(number, 2)
        cell = room[row * height : (row + 1) * height, column * width : (column + 1) * width]
        needed = cv2.getTextSize(words, canvas.FONT, 0.42 * unit, 1)[0][0] + round(8 * unit)
        scale = 0.42 * unit * min(1.0, width / needed)
        canvas.write(cell, words, (round(4 * unit), title - round(6 * unit)), scale, canvas.TEXT)
        colored = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image
        _center(cell[title:], np.asarray(colored, np.uint8))


def _center(room: Picture, image: Picture) -> Place:
    """Put an image into the middle of a room, as large as it can be."""
    scale = min(room.shape[1] / image.shape[1], room.shape[0] / image.shape[0])
    width, height = (max(round(side * scale), 1) for side in (image.shape[1], image.shape[0]))
    left, top = (room.shape[1] - width) // 2, (room.shape[0] - height) // 2
    if scale != 1:
        image = np.asarray(cv2.resize(image, (width, height)), np.uint8)
    canvas.paste(room, image, top, left)
    return Place(left, top, scale)


def _write_lines(picture: Picture, lines: Sequence[Line], unit: float) -> None:
    """Write lines at the bottom left, each on a ground of its own; the first is the lowest."""
    step = round(24 * unit)
    for number, (text, color) in enumerate(lines):
        scale = 0.5 * unit
        needed = cv2.getTextSize(text, canvas.FONT, scale, 1)[0][0] + round(12 * unit)
        scale *= min(1.0, picture.shape[1] / needed)
        bottom = picture.shape[0] - number * step
        right = min(needed, picture.shape[1])
        picture[bottom - step : bottom, :right] = color
        place = round(6 * unit), bottom - round(7 * unit)
        canvas.write(picture, text, place, scale, canvas.PAPER)


def _write_keys(picture: Picture, unit: float) -> None:
    step, scale = round(22 * unit), 0.48 * unit
    room = picture[: step * (len(KEYS) + 1), : round(380 * unit)]
    room[:] = room // 5
    for number, (key, words) in enumerate(KEYS.items()):
        base = (number + 1) * step
        canvas.write(picture, key, (round(10 * unit), base), scale, canvas.PAPER)
        canvas.write(picture, words, (round(85 * unit), base), scale, canvas.PAPER)
