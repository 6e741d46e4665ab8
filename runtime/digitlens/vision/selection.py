"""Which parts are digits, and why the others are not.

The network alone would take a speck or the edge of a table for a 1. So a digit must also be like
the other digits of its frame, and the frame must look like one that holds digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Part
from digitlens.vision.foreground import Ink
from digitlens.vision.median import weighted_median

KEEP = 0.5
"""Confidence from which a part is a digit, sure or not."""
CERTAIN = 0.9
"""Confidence from which a digit is an example for the others."""
HEIGHTS, HEIGHTS_OF_BARS = (0.3, 3.0), (0.5, 1.8)
"""Heights of digits as shares of the usual one; a bar may be anything long."""
FAINT, FAINT_BARS = 0.35, 0.45
"""Share of the usual darkness under which a digit is too faint."""
STROKES = (1 / 3, 3.0)
"""Stroke widths as shares of the usual one."""
FOREIGN = 0.6
"""Other ink in the box of a digit as a share of its own."""
EDGE = 0.025
"""How near to the frame's edge a bar may be that of a table, as a share of the short side."""
AROUND, NEAR = 6, 4
"""How many of the nearest signs are looked at, and within how many heights."""
ALIKE_HEIGHT, ALIKE_DARK, ALIKE_AREA = (0.4, 2.5), 0.5, 0.25
"""Another sign is like a digit if its height, darkness and ink are such shares of the digit's."""

NO_DIGIT = "not a digit"
TOO_SMALL = "too small beside the others"
TOO_LARGE = "too large beside the others"
RULED_LINE = "ruled line"
TOO_FAINT = "too faint beside the others"
OTHER_PEN = "strokes too thin or too thick beside the others"
INSIDE = "inside another digit"
AROUND_OTHERS = "a frame around something else"
CUT_OFF = "cut off by the edge"
AMONG_OTHERS = "among signs that are no digits"
LITTLE_INK = "most of the ink is no digit"


@dataclass(frozen=True, slots=True)
class Guess:
    """What the network takes a part for, and how sure it is, 0…1."""

    label: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Usual:
    """Height, darkness and stroke width of a frame's digits."""

    height: float
    dark: float
    stroke: float


def reasons(guesses: Mapping[Part, Guess], ink: Ink) -> dict[Part, str]:
    """Say for each part why it is no digit; an empty text means that it is one."""
    verdicts = {part: "" if g.confidence >= KEEP else NO_DIGIT for part, g in guesses.items()}
    digits = _kept(verdicts)
    if digits:
        usual = _usual({part: guesses[part] for part in digits})
        verdicts |= {part: _unlike(part, guesses[part], usual) for part in digits}
        verdicts |= dict.fromkeys(_inside(digits, guesses), INSIDE)
    digits = _kept(verdicts)
    if len(digits) > 1:
        cut = [part for part in digits if _is_cut_off(part, guesses[part], ink)]
        verdicts |= dict.fromkeys(cut, CUT_OFF)
    others = [part for part, reason in verdicts.items() if reason == NO_DIGIT]
    digits = _kept(verdicts)
    if digits and len(others) > 1:
        verdicts |= dict.fromkeys(_outnumbered(digits, others), AMONG_OTHERS)
    digits = _kept(verdicts)
    if digits:
        verdicts |= dict.fromkeys(digits, _doubt(digits, others, ink))
    return verdicts


def _kept(verdicts: Mapping[Part, str]) -> list[Part]:
    return [part for part, reason in verdicts.items() if not reason]


def _usual(guesses: Mapping[Part, Guess]) -> Usual:
    """Take what most ink has among certain digits; what looks like a 1 counts if all do."""
    certain = [part for part, guess in guesses.items() if guess.confidence >= CERTAIN]
    examples = [part for part in certain if guesses[part].label != 1] or certain or list(guesses)
    weights = [float(part.area * part.darkest) for part in examples]
    return Usual(
        weighted_median([part.height for part in examples], weights),
        weighted_median([part.darkest for part in examples], weights),
        weighted_median([part.stroke_width for part in examples], weights),
    )


def _unlike(part: Part, guess: Guess, usual: Usual) -> str:
    is_bar = guess.label == 1 and part.is_bar
    low, high = HEIGHTS_OF_BARS if is_bar else HEIGHTS
    if part.height < low * usual.height:
        return TOO_SMALL
    if part.height > high * usual.height:
        return RULED_LINE if is_bar else TOO_LARGE
    if part.darkest < (FAINT_BARS if is_bar else FAINT) * usual.dark:
        return TOO_FAINT
    if not STROKES[0] * usual.stroke < part.stroke_width < STROKES[1] * usual.stroke:
        return OTHER_PEN
    if _foreign(part) > FOREIGN * part.area:
        return AROUND_OTHERS
    return ""


def _foreign(part: Part) -> int:
    """Count the pixels in the box of a part that are as dark as its ink and do not belong to it."""
    level = max(part.level, FAINT * part.darkest)
    dark = cv2.threshold(part.amount[part.window], level, 1, cv2.THRESH_BINARY)[1]
    return cv2.countNonZero(cv2.subtract(dark, part.mask))


def _inside(parts: Sequence[Part], guesses: Mapping[Part, Guess]) -> list[Part]:
    """Give the parts in the box of a larger one of which the network is as sure."""
    reach = np.array([(-part.left, -part.top, part.right, part.bottom) for part in parts])
    area = np.array([part.area for part in parts])
    confidence = np.array([guesses[part].confidence for part in parts])
    is_inside = (reach[:, np.newaxis] <= reach).all(2) & (area[:, np.newaxis] < area)
    is_inside &= confidence[:, np.newaxis] - 0.1 <= confidence
    return [parts[number] for number in np.flatnonzero(is_inside.any(1)).tolist()]


def _is_cut_off(part: Part, guess: Guess, ink: Ink) -> bool:
    height, width = ink.amount.shape
    room = min(part.left, part.top, width - part.right, height - part.bottom)
    is_weak = part.is_bar or guess.confidence < CERTAIN
    return bool(room <= (EDGE * min(height, width) if is_weak else 0))


class _Signs:
    """Parts as arrays, to find those that are like a digit."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.centers = np.array([part.center for part in parts]).reshape(-1, 2)
        self.heights, self.dark, self.areas = (
            np.array([getattr(part, name) for part in parts])
            for name in ("height", "darkest", "area")
        )

    def alike(self, height: float, dark: float, area: float) -> NDArray[np.bool_]:
        """Tell which are like a digit of such a height, darkness and area."""
        is_high = (ALIKE_HEIGHT[0] * height < self.heights) & (
            self.heights < ALIKE_HEIGHT[1] * height
        )
        return is_high & (self.dark > ALIKE_DARK * dark) & (self.areas > ALIKE_AREA * area)


def _outnumbered(digits: Sequence[Part], others: Sequence[Part]) -> list[Part]:
    """Give the digits whose nearest signs that are like them are mostly no digits."""
    signs = _Signs([*digits, *others])
    found = []
    for number, part in enumerate(digits):
        distance = np.abs(signs.centers - part.center).max(1)
        is_near = distance < NEAR * part.height
        is_near &= signs.alike(part.height, part.darkest, part.area)
        is_near[number] = False
        near = np.flatnonzero(is_near)
        near = near[np.argsort(distance[near], kind="stable")[:AROUND]]
        count = int(np.count_nonzero(near >= len(digits)))
        if count > 1 and 2 * count > len(near):
            found.append(part)
    return found


def _doubt(digits: Sequence[Part], others: Sequence[Part], ink: Ink) -> str:
    """Say why the frame as a whole does not look like one with digits, or nothing."""
    own = _Signs(digits)
    height, dark, area = (median(v.tolist()) for v in (own.heights, own.dark, own.areas))
    signs = np.count_nonzero(_Signs(others).alike(height, dark, area))
    if signs > 1 and signs > len(digits):
        return AMONG_OTHERS
    level = max(ink.noise, dark / 2)
    strong = cv2.threshold(ink.amount, level, 0, cv2.THRESH_TOZERO)[1]
    explained = sum(cv2.sumElems(cv2.multiply(strong[p.window], p.mask))[0] for p in digits)
    # Many digits speak for each other, so a smaller share will do; bars alone say little.
    share = 0.08 + 0.17 / len(digits)
    if all(part.is_bar for part in digits):
        share *= 3
    return LITTLE_INK if explained < share * cv2.sumElems(strong)[0] else ""
