"""Candidates: everything in a foreground that may be one digit, none of it thrown away.

Components of every layer and level, merged with their neighbours, freed of lines, and split where
digits may touch. They overlap; `digitlens.vision.segmentation` chooses among them.

Splitting at all likely places and leaving the choice to the network is Y. LeCun, L. Bottou,
Y. Bengio and P. Haffner, "Gradient-Based Learning Applied to Document Recognition", 1998,
section VI.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.vision.component import Component, components
from digitlens.vision.foreground import Foreground
from digitlens.vision.lines import without_lines
from digitlens.vision.median import weighted_median

MIN_SIZE = 8
"""Pixels, at working size, under which the larger side of a component makes it a speck."""
RELATIVE_SIZE = 0.12
"""The same as a share of the usual height in the frame."""
STROKE_SIZE = 0.35
"""Share of the usual height from which a component may be a stroke of a digit."""
MAX_COMPONENTS = 400
"""Components looked at in a layer, those with most ink first; texture has thousands."""
OWN_LEVEL = 0.42
"""Share of a stroke's darkest ink that still belongs to it."""
FAINT = 0.24
"""Share from which its faint ends belong to it too, and with them some of what it touches."""
LONGER = 0.08
"""How much longer faint ends make a component at least, as a share of its larger side."""
HIGHER = (0.6, 0.75)
"""Shares at which doubtful components are looked at again."""
SPLIT_BELOW = 0.8
"""Confidence under which a component may be more than one digit."""
CERTAIN = 0.9
"""Confidence under which other ways to see a component are looked at."""
CLEAR = 0.99
"""Confidence under which a component is looked at with its faint ends, too."""
GAP = 0.18
"""How far apart two components of one digit may be, as a share of its height."""
LEAST_PART = 0.04
"""A component with a smaller share of the other's ink is not a stroke of the same digit."""
SAME = 0.92
"""Components with such a share of common pixels are the same candidate."""
CUTS = 4
"""Splits that are tried in a width as large as the height."""
MAX_CUTS = 32
MAX_SPLITS = 24
"""Components of a frame that are split; a printed page has hundreds that are not worth it."""
MAX_LINE_PIXELS = 250_000
"""Ink of a frame in which lines are looked for; a squared sheet has less, texture has more."""
WIDEST = 1.3
"""Width of a digit at most, as a share of the height of the component that it is split off."""
LOWEST = 0.6
"""Height of a digit that is split off, as a share of the component's."""
MAX_MERGES = 250
MAX_PIXELS = 8_000_000
"""How many merged pairs there are, and how many pixels the candidates of one step may have."""

Read = Callable[[Sequence[Component]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Return the glyph of each component, `[n, 32, 32]`, and its ten probabilities, `[n, 10]`."""


@dataclass(eq=False)
class Pool:
    """Candidates of a frame, no two the same.

    Attributes:
        candidates: in the order in which they were added.
        glyphs: what the network was given of each, float32 `[32, 32]`.
        probabilities: what it said of each, float32 `[10]`.
        roots: number of the connected ink that each is from, or of its larger part.
        root_areas: pixels of each connected ink.
        kinds: how each was made: `piece`, `level`, `merge`, `line` or `split`.
    """

    candidates: list[Component] = field(default_factory=list)
    glyphs: list[NDArray[np.float32]] = field(default_factory=list)
    probabilities: list[NDArray[np.float32]] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    root_areas: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def add(self, kind: str, new: Iterable[tuple[Component, int]], read: Read) -> list[int]:
        """Read components with their roots and keep those that are new; return their numbers."""
        fresh = list(self._fresh(new))
        if not fresh:
            return []
        start = len(self.candidates)
        self.candidates += [component for component, _ in fresh]
        self.roots += [root for _, root in fresh]
        self.kinds += [kind] * len(fresh)
        glyphs, probabilities = read([component for component, _ in fresh])
        self.glyphs += list(glyphs)
        self.probabilities += list(probabilities)
        return list(range(start, len(self.candidates)))

    def doubtful(self, numbers: Iterable[int]) -> list[int]:
        """Return those of which other ways to see them are worth a look."""
        return [number for number in numbers if self.probabilities[number].max() < CERTAIN]

    def _fresh(self, new: Iterable[tuple[Component, int]]) -> Iterator[tuple[Component, int]]:
        known = _Known(self.candidates)
        pixels = 0
        for component, root in new:
            if known.add(component):
                pixels += component.mask.size
                if pixels > MAX_PIXELS:
                    return
                yield component, root


class _Known:
    """Components by the place and size of their boxes, to find those that are nearly the same."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._cells: dict[tuple[int, int], list[Component]] = {}
        for component in components:
            self._cells.setdefault(self._cell(component), []).append(component)

    def add(self, component: Component) -> bool:
        """Add a component; return whether there was none like it."""
        x, y = self._cell(component)
        near = [
            other
            for right, down in product((-1, 0, 1), repeat=2)
            for other in self._cells.get((x + right, y + down), ())
        ]
        if any(_is_same(component, other) for other in near):
            return False
        self._cells.setdefault((x, y), []).append(component)
        return True

    @staticmethod
    def _cell(component: Component) -> tuple[int, int]:
        x, y = component.center
        return int(x) >> 4, int(y) >> 4


def _box(component: Component) -> tuple[int, int, int, int, int]:
    return component.left, component.top, component.right, component.bottom, component.area


def _is_same(one: Component, other: Component) -> bool:
    if min(one.area, other.area) < SAME * max(one.area, other.area):
        return False
    common = one.overlap(other)
    return common > SAME * (one.area + other.area - common)


def find(foreground: Foreground, read: Read) -> Pool:
    """Find all candidates of a frame."""
    pool = Pool()
    roots: list[Component] = []
    for layer in foreground.layers:
        least = max(MIN_SIZE, layer.whole)
        found = _large(components(layer.mask, layer, layer.noise, least), layer.ink.shape)
        pieces = (
            (piece, number)
            for number, root in enumerate(found, len(roots))
            for piece in root.above(OWN_LEVEL, MIN_SIZE)
        )
        roots += found
        pool.root_areas += [root.area for root in found]
        pool.add("piece", pieces, read)
    faint = set(pool.add("level", _with_faint_ends(pool, roots), read))
    least = STROKE_SIZE * _usual_height(pool.candidates, foreground.gray.shape)
    strokes = pool.doubtful(
        n for n, c in enumerate(pool.candidates) if max(c.width, c.height) >= least
    )
    doubtful = [number for number in strokes if pool.candidates[number].height >= least]
    pool.add("level", _levels(pool, doubtful, roots), read)
    merged = pool.add("merge", _merged(pool, strokes), read)
    pool.add("merge", _merged(pool, pool.doubtful(merged)), read)
    darker = [number for number in doubtful if number not in faint]  # the lines are the same
    freed = pool.add("line", _freed(pool, darker), read)
    pool.add("merge", _merged(pool, pool.doubtful(freed)), read)
    pool.add("split", _split(pool, [*doubtful, *pool.doubtful(freed)]), read)
    return pool


def _large(found: list[Component], shape: tuple[int, ...]) -> list[Component]:
    """Leave out specks, by the usual height of ink."""
    least = RELATIVE_SIZE * _usual_height(found, shape)
    large = [each for each in found if max(each.width, each.height) >= least]
    return sorted(large, key=lambda each: -each.area)[:MAX_COMPONENTS]


def _usual_height(found: list[Component], shape: tuple[int, ...]) -> float:
    """Return the median height of ink, weighted by area; without what spans half."""
    usual = [c for c in found if c.width < shape[1] / 2 and c.height < shape[0] / 2]
    if not usual:
        return 0
    return weighted_median([c.height for c in usual], [c.area for c in usual])


def _with_faint_ends(pool: Pool, roots: Sequence[Component]) -> Iterator[tuple[Component, int]]:
    """Look at a component at a fainter level, where that makes it longer or a piece is unclear.

    What is left of a faint 8 may be a certain 5, and thicker strokes are a second look at a digit.
    """
    darker: dict[int, list[int]] = {}
    for number, root in enumerate(pool.roots):
        darker.setdefault(root, []).append(number)
    for root, numbers in darker.items():
        is_clear = min(pool.probabilities[number].max() for number in numbers) >= CLEAR
        pieces = [pool.candidates[number] for number in numbers]
        for piece in roots[root].above(FAINT, MIN_SIZE):
            if not (is_clear and any(_has_box(piece, other) for other in pieces)):
                yield piece, root


def _has_box(one: Component, other: Component) -> bool:
    """Return whether two components have nearly the same box."""
    near = LONGER * max(one.width, one.height)
    return (
        abs(one.left - other.left) <= near
        and abs(one.top - other.top) <= near
        and abs(one.right - other.right) <= near
        and abs(one.bottom - other.bottom) <= near
    )


def _levels(
    pool: Pool, numbers: Sequence[int], roots: Sequence[Component]
) -> Iterator[tuple[Component, int]]:
    """Look at doubtful components at other levels, the whole root among them."""
    for root in dict.fromkeys(pool.roots[number] for number in numbers):
        yield roots[root], root
    for number in numbers:
        for share in HIGHER:
            for piece in pool.candidates[number].above(share, MIN_SIZE):
                yield piece, pool.roots[number]


def _merged(pool: Pool, numbers: Sequence[int]) -> Iterator[tuple[Component, int]]:
    """Merge doubtful components with their neighbours of the same layer."""
    pairs: set[tuple[int, int]] = set()
    for number, other in islice(_neighbours(pool, numbers), MAX_MERGES):
        one, two = pool.candidates[number], pool.candidates[other]
        pair = min(number, other), max(number, other)
        if pair in pairs or one.layer is not two.layer or one.overlap(two):
            continue
        pairs.add(pair)
        yield one.merged(two), pool.roots[number if one.area > two.area else other]


def _neighbours(pool: Pool, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of candidates that may be strokes of the same digit."""
    if not numbers:
        return
    left, top, right, bottom, area = np.array([_box(c) for c in pool.candidates]).T
    for number in numbers:
        one = pool.candidates[number]
        across = np.maximum(one.left, left) - np.minimum(one.right, right)
        down = np.maximum(one.top, top) - np.minimum(one.bottom, bottom)
        height = np.maximum(one.bottom, bottom) - np.minimum(one.top, top)
        width = np.maximum(one.right, right) - np.minimum(one.left, left)
        is_near = (np.maximum(across, down) < GAP * height) & (width < 1.5 * height)
        is_near &= np.minimum(one.area, area) >= LEAST_PART * np.maximum(one.area, area)
        is_near[number] = False
        for other in np.flatnonzero(is_near).tolist():
            yield number, other


def _freed(pool: Pool, numbers: Sequence[int]) -> Iterator[tuple[Component, int]]:
    """Take long lines out of doubtful components, the largest first."""
    sizes = {n: max(pool.candidates[n].width, pool.candidates[n].height) for n in numbers}
    left = MAX_LINE_PIXELS
    for number in sorted(sizes, key=lambda number: -sizes[number]):
        component = pool.candidates[number]
        left -= component.area
        if sizes[number] < 3 * MIN_SIZE or left < 0:
            break
        mask = without_lines(component)
        if cv2.countNonZero(mask) > 0.97 * component.area:
            continue
        corner = component.left, component.top
        for piece in components(mask, component.layer, component.level, MIN_SIZE, corner):
            yield piece, pool.roots[number]


def _split(pool: Pool, numbers: Sequence[int]) -> Iterator[tuple[Component, int]]:
    """Split components that are wide enough for two digits."""
    wide = [
        number
        for number in numbers
        if pool.probabilities[number].max() < SPLIT_BELOW
        and 0.6 * (height := pool.candidates[number].height) < pool.candidates[number].width
        and pool.candidates[number].width < 12 * height
        and height > MIN_SIZE
    ]
    for number in wide[:MAX_SPLITS]:
        component = pool.candidates[number]
        columns = cuts(component)
        for i, start in enumerate(columns):
            for end in columns[i + 1 :]:
                if end - start > WIDEST * component.height or (start, end) == (0, component.width):
                    continue
                piece = component.columns(start, end, MIN_SIZE)
                if piece and piece.height > LOWEST * component.height:
                    yield piece, pool.roots[number]


def cuts(component: Component) -> list[int]:
    """Return the columns in which touching digits may be split, ends included.

    They are the valleys of the ink per column, the deepest first, then its ridges, since two round
    digits touch in one, an eighth of the height apart.
    """
    profile = component.mask.sum(0, dtype=np.int32).astype(np.float32)[np.newaxis]
    smooth = cv2.blur(profile, (2 * (component.height // 20) + 1, 1))[0]
    before, here, after = smooth[:-2], smooth[1:-1], smooth[2:]
    valleys = np.flatnonzero((here <= before) & (here < after)) + 1
    ridges = np.flatnonzero((here >= before) & (here > after)) + 1
    valleys = valleys[np.argsort(smooth[valleys], kind="stable")]
    ridges = ridges[np.argsort(-smooth[ridges], kind="stable")]
    apart = max(component.height // 8, 2)
    most = min(round(CUTS * component.width / component.height) + 1, MAX_CUTS)
    chosen = [0, component.width]
    for column in [*valleys.tolist(), *ridges.tolist()]:
        if len(chosen) < most + 2 and all(abs(column - other) >= apart for other in chosen):
            chosen.append(column)
    return sorted(chosen)
