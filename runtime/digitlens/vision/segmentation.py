"""Which parts are one digit: several ways to cut and join them, and the network chooses.

Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", 1998, section VI: cut at all likely places, let the network judge every piece, and
take the cuts with the best sum.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from digitlens.vision import finder
from digitlens.vision.component import Part
from digitlens.vision.finder import MIN_SIZE, Found

Judge = Callable[[Sequence[Part]], NDArray[np.float32]]
"""Gives the confidence, 0…1, that each part is a digit: float32 `[n]`."""

CERTAIN = 0.9
"""Confidence from which a part is taken as it is."""
NEUTRAL = 0.5
"""Confidence up to which a part is worth nothing."""
LEAST_GAIN = 1.1
"""How many times more a revision must be worth than what it replaces."""
EXPLAINED = 0.75
"""Share of the ink that must be certain digits after a cut."""
HIGHER = (0.6, 0.75)
"""Shares of the darkest ink at which doubtful parts are cut again."""
CRUMB = 0.08
"""Share of a part's ink up to which a piece of it may be left out."""
MAX_SPLITS = 60
"""How many parts of a frame are cut apart; a printed page has hundreds that are not worth it."""
LOWEST = 0.7
"""Height of a digit that is cut off its neighbours, as a share of theirs."""
MAX_REVISIONS = 300
MAX_PIXELS = 8_000_000
"""How many revisions are looked at, and how many pixels their parts may have together."""


@dataclass(frozen=True, slots=True, eq=False)
class Revision:
    """Another way to see the ink of `old`."""

    old: tuple[Part, ...]
    new: tuple[Part, ...]


def segmented(found: Found, judge: Judge) -> list[Part]:
    """Give the parts of a frame that are most likely one digit each, or none."""
    parts = [piece for _, pieces in found.components for piece in pieces]
    worth = _Worth(judge)
    worth.learn(parts)
    parts = _improved(parts, _wholes(found, worth), worth)
    for revise in (_higher, _joins, _joins, _splits):
        parts = _improved(parts, revise(parts, worth), worth)
    return parts


class _Worth:
    """What parts are worth: how far their confidence is above neutral, the mean by area."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.confidence: dict[Part, float] = {}

    def learn(self, parts: Sequence[Part]) -> None:
        new = [part for part in dict.fromkeys(parts) if part not in self.confidence]
        if new:
            self.confidence |= zip(new, self.judge(new).tolist(), strict=True)

    def __call__(self, parts: Sequence[Part]) -> float:
        good = sum(max(self.confidence[part] - NEUTRAL, 0) * part.area for part in parts)
        return good / max(sum(part.area for part in parts), 1)

    def is_doubtful(self, part: Part) -> bool:
        return self.confidence[part] < CERTAIN

    def explains(self, revision: Revision) -> bool:
        """Whether a cut gives digits but for a tail or a speck, and not bars alone."""
        good = [part for part in revision.new if not self.is_doubtful(part)]
        area = sum(part.area for part in good)
        return len(revision.new) == 1 or (
            2 * sum(part.is_bar for part in good) <= len(good)
            and area >= EXPLAINED * sum(part.area for part in revision.old)
        )


def _improved(parts: list[Part], offered: Iterable[Revision], worth: _Worth) -> list[Part]:
    """Take the revisions that gain most, each part in one of them at most."""
    revisions = _affordable(offered)
    if not revisions:
        return parts
    worth.learn([part for revision in revisions for part in revision.new])
    gains = [
        (worth(revision.new) - LEAST_GAIN * worth(revision.old), revision)
        for revision in revisions
        if worth.explains(revision)
    ]
    left = dict.fromkeys(parts)
    for gain, revision in sorted(gains, key=lambda pair: -pair[0]):
        if gain > 0 and all(part in left for part in revision.old):
            for part in revision.old:
                del left[part]
            left |= dict.fromkeys(revision.new)
    return list(left)


def _affordable(offered: Iterable[Revision]) -> list[Revision]:
    """Take the first revisions, as many as time and memory allow."""
    taken, pixels = [], 0
    for revision in islice(offered, MAX_REVISIONS):
        taken.append(revision)
        pixels += sum(part.width * part.height for part in revision.new)
        if pixels > MAX_PIXELS:
            break
    return taken


def _wholes(found: Found, worth: _Worth) -> list[Revision]:
    """Put what fell apart together again."""
    return [
        Revision(tuple(pieces), (whole,))
        for whole, pieces in found.components
        if pieces != [whole]
        and any(worth.is_doubtful(p) and p.area > CRUMB * whole.area for p in pieces)
    ]


def _higher(parts: Sequence[Part], worth: _Worth) -> Iterator[Revision]:
    """Cut doubtful parts at higher levels."""
    for part in filter(worth.is_doubtful, parts):
        for share in HIGHER:
            yield Revision((part,), tuple(part.cut(share, MIN_SIZE)))


def _joins(parts: Sequence[Part], worth: _Worth) -> Iterator[Revision]:
    """Join doubtful parts with their neighbours."""
    doubtful = [part for part in parts if worth.is_doubtful(part)]
    for part, other in finder.neighbours(doubtful, parts):
        yield Revision((part, other), (part.joined(other),))


def _splits(parts: Sequence[Part], worth: _Worth) -> Iterator[Revision]:
    """Cut parts that are more likely none than one digit, and wide enough for two."""
    wide = (
        part
        for part in parts
        if worth.confidence[part] < NEUTRAL
        and 0.6 * part.height < part.width < 8 * part.height
        and part.height > MIN_SIZE
    )
    for part in islice(wide, MAX_SPLITS):
        best = _best_cuts(part, worth)
        if len(best) > 1:
            yield Revision((part,), tuple(best))


def _best_cuts(part: Part, worth: _Worth) -> list[Part]:
    """Choose among all sequences of cuts the one whose segments are worth most."""
    columns = finder.cuts(part)
    segments = {
        (i, j): segment
        for i, start in enumerate(columns)
        for j, end in enumerate(columns[i + 1 :], i + 1)
        if end - start < 1.3 * part.height
        and (segment := part.columns(start, end, MIN_SIZE))
        and segment.height > LOWEST * part.height
    }
    worth.learn(list(segments.values()))
    best: list[tuple[float, list[Part]]] = [(0.0, [])]
    for j in range(1, len(columns)):
        choices = best[-1:]
        for i, (total, before) in enumerate(best):
            segment = segments.get((i, j))
            if segment and (gain := worth([segment])):
                choices.append((total + gain * segment.area, [*before, segment]))
        best.append(max(choices, key=lambda choice: choice[0]))
    return sorted(best[-1][1], key=attrgetter("left"))
