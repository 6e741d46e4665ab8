"""Candidates that the finder makes of made pages, with the truth about each.

A network that judges candidates is trained on candidates: two digits in one, a digit with a piece
of the line that it touches, letters, signs, texture, as they come out of a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from digitlens.contract import MNIST_SIZE
from digitlens.vision import candidates, mnist_format
from digitlens.vision.candidates import Pool
from digitlens.vision.component import Component
from digitlens.vision.foreground import separate
from digitlens_train.mnist import Split
from digitlens_train.outliers import OUTLIER
from digitlens_train.pages import Hands, Page, pages

PURE, WHOLE = 0.85, 0.85
"""Least share of a candidate that is ink of its digit, and of the digit's ink that it has."""
DOUBTFUL = 0.7
"""Shares from which a candidate is neither one digit nor a clear non-digit."""
OUTLIERS_A_PAGE = 14
"""Non-digits that are taken from one page; texture has hundreds."""
WAYS_A_DIGIT = 2
"""Candidates that are taken of one digit: other layers and levels show it in other ways."""
SLACK = 2
"""Pixels by which ink may spread beyond its true edge: blur, and the level of the foreground."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """How candidates agree with the truth, a row for each.

    Attributes:
        digit: index of the digit that most of its pixels belong to, or -1, int64 `[n]`.
        purity: share of its pixels that belong to that digit, float64 `[n]`.
        recall: share of the digit's ink that it has, float64 `[n]`.
    """

    digit: NDArray[np.int64]
    purity: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def is_digit(self) -> NDArray[np.bool_]:
        """Whether each is one whole digit: bool `[n]`."""
        return (self.digit >= 0) & (self.purity >= PURE) & (self.recall >= WHOLE)

    @property
    def is_doubtful(self) -> NDArray[np.bool_]:
        """Whether each is nearly one digit, so that either answer would be right: bool `[n]`."""
        near = (self.digit >= 0) & (self.purity >= DOUBTFUL) & (self.recall >= DOUBTFUL)
        return np.asarray(near & ~self.is_digit)

    @property
    def is_part(self) -> NDArray[np.bool_]:
        """Whether each is only a part of one digit, which may look like another: bool `[n]`."""
        return (self.digit >= 0) & (self.purity >= PURE) & (self.recall < DOUBTFUL)


def match(page: Page, pool: Pool, shape: tuple[int, int]) -> Matches:
    """Compare the candidates of a page, found at a working size `[h, w]`, with its truth."""
    size = shape[1], shape[0]
    owner = np.asarray(cv2.resize(page.owner, size, interpolation=cv2.INTER_NEAREST), np.int16)
    ink = np.bincount(owner[owner > 0], minlength=len(page.labels) + 1)
    spread = _spread(owner)
    rows = [_match(component, owner, spread, ink) for component in pool.candidates]
    digit, purity, recall = np.array(rows, float).reshape(-1, 3).T
    return Matches(digit.astype(np.int64), purity, recall)


def _spread(owner: NDArray[np.int16]) -> NDArray[np.int16]:
    """Spread each owner over the paper within `SLACK` pixels."""
    kernel = np.ones((2 * SLACK + 1,) * 2, np.uint8)
    others = np.asarray(cv2.dilate((owner < 0).astype(np.uint8), kernel)) > 0
    digits = np.asarray(cv2.dilate(np.maximum(owner, 0), kernel))
    around = np.where(digits > 0, digits, np.where(others, -1, 0)).astype(np.int16)
    return np.where(owner != 0, owner, around).astype(np.int16)


def _match(
    component: Component,
    owner: NDArray[np.int16],
    spread: NDArray[np.int16],
    ink: NDArray[np.int64],
) -> tuple[int, float, float]:
    owners = spread[component.window][component.mask > 0]
    counts = np.bincount(owners[owners > 0], minlength=len(ink))
    digit = int(counts.argmax())
    if not counts[digit]:
        return -1, 0.0, 0.0
    top, left = max(component.top - 1, 0), max(component.left - 1, 0)
    mask = cv2.dilate(np.pad(component.mask, 1), np.ones((3, 3), np.uint8))
    mask = mask[top - component.top + 1 :, left - component.left + 1 :]
    window = owner[top : component.bottom + 1, left : component.right + 1]
    mask = mask[: window.shape[0], : window.shape[1]]
    common = np.count_nonzero((window == digit) & (mask > 0))
    return digit - 1, counts[digit] / component.area, common / ink[digit]


def found(count: int, hands: Hands, seed: int) -> Split:
    """Return the digits and some non-digits of `count` made pages.

    The images are uint8 `[n, 28, 28]`, as the network is given them. Parts of one digit are left
    out, since the upper half of an 8 is a good 0, and so are straight strokes, which are good 1s,
    and what is around a digit, since a circle is a good 0: that they are non-digits is not theirs
    to show.
    """
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    random = np.random.default_rng(seed)
    for page in pages(count, seed, hands):
        foreground = separate(page.image)
        pool = candidates.find(foreground, _unread)
        matches = match(page, pool, foreground.gray.shape)
        digits = _some(matches, random)
        is_bar = np.array([component.is_bar for component in pool.candidates], bool)
        is_frame = (matches.digit < 0) & _holds_digit(pool, page, foreground.scale)
        is_other = ~(matches.is_digit | matches.is_doubtful | matches.is_part | is_bar | is_frame)
        others = random.permutation(np.flatnonzero(is_other))[:OUTLIERS_A_PAGE]
        for number in [*digits.tolist(), *others.tolist()]:
            images.append(mnist_format.mnist_image(pool.candidates[number].soft()))
            one = matches.is_digit[number]
            labels.append(page.labels[matches.digit[number]] if one else OUTLIER)
    array = np.array(images, np.uint8).reshape(-1, MNIST_SIZE, MNIST_SIZE)
    return Split(torch.from_numpy(array), torch.tensor(labels, dtype=torch.int64))


def _some(matches: Matches, random: np.random.Generator) -> NDArray[np.int64]:
    """Choose at most `WAYS_A_DIGIT` of the candidates that are the same digit."""
    shuffled = random.permutation(np.flatnonzero(matches.is_digit))
    seen = np.zeros(matches.digit.max(initial=-1) + 1, np.int64)
    chosen = []
    for number in shuffled.tolist():
        seen[matches.digit[number]] += 1
        if seen[matches.digit[number]] <= WAYS_A_DIGIT:
            chosen.append(number)
    return np.array(chosen, np.int64)


def _holds_digit(pool: Pool, page: Page, scale: float) -> NDArray[np.bool_]:
    """Return which candidates have the middle of a digit in their box: bool `[n]`."""
    box = np.array([(c.left, c.top, c.right, c.bottom) for c in pool.candidates], float)
    box = box.reshape(-1, 1, 4)
    digits = np.array(page.boxes, float).reshape(-1, 4) * scale
    middle = digits[:, :2] + digits[:, 2:] / 2
    inside = np.logical_and(box[..., :2] < middle, middle < box[..., 2:])
    return np.asarray(np.any(np.all(inside, axis=2), axis=1))


def _unread(
    components: Sequence[Component],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return equal probabilities, so that every way to see the ink is tried."""
    count = len(components)
    return np.zeros((count, 1, 1), np.float32), np.full((count, 10), 0.1, np.float32)
