"""Printed text in the fonts that matplotlib ships."""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitlens_train.pages.draft import Draft, Layer, Region
from digitlens_train.pages.field import Ink, Random
from digitlens_train.pages.letters import WORDS
from digitlens_train.pages.pen import Pen

FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif",
         "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol")  # fmt: skip


@lru_cache(maxsize=128)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf")
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def draw(text: str, name: str, size: int) -> Ink:
    """Draw lines of text: uint8 `[h, w]`, ink 255 on 0."""
    font = _font(name, size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox(
        (0, 0), text, font
    )
    image = Image.new("L", (round(right - left) + 4, round(bottom - top) + 4))
    ImageDraw.Draw(image).multiline_text((2 - left, 2 - top), text, 255, font)
    return np.array(image)


def sentence(random: Random, count: int) -> str:
    """Choose words, separated by spaces."""
    return " ".join(str(word) for word in random.choice(WORDS, count))


def block(draft: Draft, area: Region, size: int, lines: int = 40) -> Layer:
    """Print lines of words into an area."""
    random = draft.random
    x0, y0, x1, y1 = (round(value) for value in area)
    tone = np.full(3, random.uniform(0, 0.3) + 0.7 * draft.is_dark, np.float32)
    layer = draft.layer(Pen(0, tone, random.uniform(0.5, 1)), 1)
    per_line = max(int((x1 - x0) / (size * 3.2)), 1)
    count = max(min(int((y1 - y0) / (size * 1.35)), lines), 1)
    text = "\n".join(sentence(random, per_line) for _ in range(count))
    ink = draw(text, str(random.choice(FONTS)), size)
    x0, y0 = max(x0, 0), max(y0, 0)
    window = layer.alpha[y0:y1, x0:x1]
    part = ink[: window.shape[0], : window.shape[1]]
    window[: part.shape[0], : part.shape[1]] = part
    draft.taken.append((x0, y0, x0 + part.shape[1], y0 + part.shape[0]))
    draft.mark_others(layer)
    return layer
