"""From a stratum and a seed to a page: sheet, writing, light, camera."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from digitlens_train.pages import camera, canvas, forms, light, paper, rows, scenes, texts
from digitlens_train.pages.draft import Draft, boxes
from digitlens_train.pages.field import Random
from digitlens_train.pages.hands import Hands
from digitlens_train.pages.page import Box, Frame, Owner, Page
from digitlens_train.pages.pen import Colour, Pen, choose

Content = Callable[[Draft, Pen], None]

CONTENTS: dict[str, Content] = {
    "single": rows.single,
    "row": rows.row,
    "rows": rows.rows,
    "scattered": rows.scattered,
    "touching": rows.touching,
    "tilted": rows.tilted,
    "ruled": forms.ruled,
    "squared": forms.squared,
    "framed": forms.framed,
    "boxed": forms.boxed,
    "underlined": forms.underlined,
    "sums": texts.sums,
    "words": texts.words,
    "shadow": rows.any_of,
    "table": rows.any_of,
    "faint": rows.any_of,
    "thick": rows.any_of,
}
DIGITLESS: dict[str, Content] = {"blank": scenes.blank, "texture": scenes.texture}

STRATA: tuple[str, ...] = (*CONTENTS, "canvas", "crop", *DIGITLESS)
"""The kinds of pages, in the order in which `pages` makes them."""

_STRIPS = ("row", "touching", "underlined", "sums")
_PLAIN = ("single", "row", "rows", "scattered", "touching", "tilted", "sums", "faint", "thick")


def make(stratum: str, seed: int, hands: Hands) -> Page:
    """Make a page; the same arguments make the same one, bit for bit.

    Raises:
        ValueError: unknown stratum.
    """
    if stratum not in STRATA:
        raise ValueError(f"no stratum {stratum!r}; choose from {', '.join(STRATA)}")
    random = np.random.default_rng([STRATA.index(stratum), seed])
    if stratum == "canvas":
        return _canvas(hands, random)
    if stratum == "crop":
        return _crop(hands, random)
    return _photo(stratum, hands, random)


def pages(count: int, seed: int, hands: Hands, strata: Sequence[str] = STRATA) -> Iterator[Page]:
    """Make pages of all strata in turn."""
    for number in range(count):
        yield make(strata[number % len(strata)], (seed << 32) + number // len(strata), hands)


def photo_size(random: Random, is_strip: bool) -> tuple[int, int]:
    """Choose the height and width of a photo."""
    kind = random.random()
    long = np.exp(random.uniform(np.log(300), np.log(900)))
    if kind < 0.05:
        long = np.exp(random.uniform(np.log(40), np.log(300)))
    elif kind > 0.96:
        long = random.uniform(900, 1280)
    shapes = [3 / 4, 9 / 16, 1.0, 0.66]
    ratio = shapes[random.integers(4)]
    if is_strip and random.random() < 0.35:
        ratio = random.uniform(0.2, 0.5)
    sides = max(round(long * ratio), 28), max(round(long), 40)
    is_portrait = random.random() < 0.25 and ratio > 0.5
    return (sides[1], sides[0]) if is_portrait else sides


def _photo(stratum: str, hands: Hands, random: Random) -> Page:
    is_dark = random.random() < (0.05 if stratum in ("table", "shadow") else 0.13)
    while True:
        draft = _written(stratum, hands, random, is_dark)
        has_content = bool(draft.labels) or stratum in (*DIGITLESS, "words")
        if has_content and not draft.is_covered:
            page = _developed(stratum, draft, paper.colour(random, is_dark))
            if page.is_legible:
                return page


def _written(stratum: str, hands: Hands, random: Random, is_dark: bool) -> Draft:
    """Write a page, on which in small pictures no digit may fit."""
    content = CONTENTS.get(stratum) or DIGITLESS[stratum]
    size = photo_size(random, stratum in _STRIPS)
    draft = Draft(random, hands, size, is_dark)
    _surround(draft, stratum)
    content(draft, _pen(stratum, random, is_dark))
    if random.random() < 0.15:
        paper.specks(draft)
    return draft


def _surround(draft: Draft, stratum: str) -> None:
    """Add the surroundings of the writing: a table, a finger, lines on the paper."""
    random = draft.random
    if stratum in DIGITLESS:
        return
    if stratum == "table" or random.random() < 0.06:
        paper.table(draft)
    if random.random() < (0.3 if stratum == "table" else 0.02):
        paper.finger(draft)
    if stratum in _PLAIN and random.random() < 0.1:
        spacing = min(draft.size) / random.uniform(3, 14)
        forms.rule(draft, spacing, random.uniform(0, spacing), both=random.random() < 0.5)
    x0, y0, x1, y1 = draft.region
    margin = random.uniform(0, 0.04) * min(draft.size)
    draft.region = (x0 + margin, y0 + margin, x1 - margin, y1 - margin)


def _pen(stratum: str, random: Random, is_dark: bool) -> Pen:
    if stratum == "thick":
        return rows.thick_pen(random, is_dark)
    pen = choose(random, on_dark=is_dark)
    if stratum == "faint":
        strength = random.uniform(0.09, 0.33)
        return Pen(max(pen.width, 0.05), pen.colour, strength, pen.grain * 0.4, pen.soft)
    return pen


def _developed(stratum: str, draft: Draft, tone: Colour) -> Page:
    """Put the ink of a draft on paper, light it and take its picture."""
    random = draft.random
    planes = paper.planes(draft.size, tone, random)
    limits = camera.Limits(draft.thickness, 1.0)
    for layer in draft.layers:
        if layer.pen.width:
            limits.note(layer.pen.strength * float(abs(layer.pen.colour - tone).mean()))
        paper.paint(planes, layer, random)
    light.shine(planes, random)
    if stratum == "shadow" or random.random() < 0.05:
        light.cast_shadow(planes, random)
    shot = camera.shoot(planes, draft.owner, draft.rough, random, limits)
    return _page(stratum, draft, *shot)


def _page(stratum: str, draft: Draft, image: Frame, owner: Owner, rough: Sequence[Box]) -> Page:
    labels = tuple(draft.labels)
    return Page(stratum, image, labels, draft.is_scattered, boxes(owner, rough), owner)


def _canvas(hands: Hands, random: Random) -> Page:
    is_dark = random.random() < 0.3
    while True:
        draft = Draft(random, hands, canvas.canvas_size(random), is_dark)
        canvas.draw_canvas(draft)
        if draft.labels:
            break
    tone = np.full(3, 0.0 if is_dark else 1.0, np.float32)
    image = canvas.flat(draft, tone, is_binary=random.random() < 0.3)
    return _page("canvas", draft, image, draft.owner, draft.rough)


def _crop(hands: Hands, random: Random) -> Page:
    is_dark = random.random() < 0.3
    while True:
        page = _try_crop(hands, random, is_dark)
        if page.labels and page.is_legible:
            return page


def _try_crop(hands: Hands, random: Random, is_dark: bool) -> Page:
    """Make a crop, which may be illegible: a photo, in grey or in pure colours."""
    draft = Draft(random, hands, canvas.crop_size(random), is_dark)
    pen = choose(random, on_dark=is_dark)
    canvas.draw_crop(draft, replace(pen, width=max(pen.width, 0.06)))
    kind = random.random()
    if kind < 0.5:
        page = _developed("crop", draft, paper.colour(random, is_dark))
        if kind < 0.25:
            grey = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
            page = replace(page, image=np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8))
        return page
    tone = np.full(3, 0.0 if is_dark else 1.0, np.float32)
    for layer in draft.layers:
        layer.pen = Pen(layer.pen.width, canvas.brush_colour(random, is_dark))
    image = canvas.flat(draft, tone, is_binary=kind > 0.75)
    if random.random() < 0.3:
        image = camera.compress(image, random, 60)
    return _page("crop", draft, image, draft.owner, draft.rough)
