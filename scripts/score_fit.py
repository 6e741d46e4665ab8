"""How the score of candidates is fitted: examples from pages and pictures, trees from examples.

Of a made page the truth of every pixel is known. Of a picture only its labels are: a candidate
counts as right if it is in the alignment of a first score's reading with the labels, as wrong if
it overlaps one of these or if no label is missing, and otherwise not at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from digitlens import sources
from digitlens.vision import features
from digitlens.vision.candidates import Pool, Read, find
from digitlens.vision.component import Component
from digitlens.vision.foreground import separate
from digitlens.vision.reading_order import rows
from digitlens.vision.score import PROMISING, READABLE, Score, Trees
from digitlens.vision.segmentation import segment
from digitlens_train.found import match
from digitlens_train.pages import Page
from photo_score import Answer, Given, Picture

KEEP = 0.55
"""Score from which a candidate is a digit."""
SURE = 0.7
"""Score from which a digit is sure; `scripts/cross_validate.py` prints what others would do."""
DEPTH = 4
OWN_TREES, SHARED_TREES = 160, 190
LEARNING_RATE = 0.06
FEATURES_A_NODE = 0.3
"""Share of the features that each node may choose from, at random: fits vary less."""
NEGATIVES = 20
"""Weight of all wrong candidates of a picture together, where a right one weighs 1."""
PICTURE_WEIGHT = 2.0
"""Weight of a picture's candidates as a multiple of a made page's."""
RISING = {
    "confidence": 1, "margin": 1, "entropy": -1, "contact": -1, "contact_wide": -1, "foreign": -1,
    "around": -1, "score": 1, "near_others": -1, "frame_others": -1,
}  # fmt: skip
"""Features with which the score may only rise (1) or fall (-1)."""
MEASURED = ("area", "darkest", "stroke_width")
"""Cached properties of a component that need its image."""
LEVELS = (0.5, 0.3, 0.15, 0.07, 0.03)
"""Scores at which a picture is segmented until its labels are found."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture with its candidates measured; `target` and `weight` are of the readable ones.

    Attributes:
        picture: labels, kind and origin.
        pool: all candidates, without their images.
        readable: numbers of those that have features, int64 `[n]`.
        values: their features, float32 `[n, len(features.OWN)]`.
        target: whether each is one digit that is read right, bool `[n]`.
        weight: what each counts, float64 `[n]`.
    """

    picture: Picture
    pool: Pool
    readable: NDArray[np.intp]
    values: NDArray[np.float32]
    target: NDArray[np.bool_]
    weight: NDArray[np.float64]


def of_pages(pages: Iterable[Page], read: Read) -> Iterator[Example]:
    """Measure the candidates of made pages and compare them with the truth."""
    for page in pages:
        pool, readable, values, shape = _measured(page.image, read)
        matches = match(page, pool, shape)
        labels = np.array([*page.labels, -1])
        read_as = np.array([each.argmax() for each in pool.probabilities], int)
        is_right = matches.is_digit & (labels[matches.digit] == read_as)
        weight = _weights(is_right[readable], ~matches.is_doubtful[readable])
        picture = Picture("", page.stratum, page.labels, page.is_scattered, page.stratum)
        yield Example(picture, _light(pool), readable, values, is_right[readable], weight)


def of_pictures(folder: Path, pictures: Iterable[Picture], read: Read) -> Iterator[Example]:
    """Measure the candidates of pictures; nothing is known of them before `labelled`."""
    for picture in pictures:
        pool, readable, values, _ = _measured(sources.read(folder / picture.file), read)
        nothing = np.zeros(len(readable), bool)
        yield Example(picture, _light(pool), readable, values, nothing, nothing.astype(float))


def labelled(example: Example, score: Score) -> Example:
    """Return a picture's example with targets: its labels aligned with what a score reads."""
    pool, labels = example.pool, example.picture.labels
    scores, _ = judged(example, score)
    right = _aligned(example, scores)
    chosen = [pool.candidates[number] for number in right]
    is_complete = len(right) == len(labels)
    target = np.isin(example.readable, right)
    counts = np.ones(len(target), bool)
    for row, number in enumerate(example.readable.tolist()):
        if not target[row]:
            shares = [_common(pool.candidates[number], other) for other in chosen]
            most = max(shares, default=0.0)
            is_same = most > 0.7 and _label(pool, number) == _label(
                pool, right[int(np.argmax(shares))]
            )
            counts[row] = not is_same and (is_complete or most > 0)
    weight = PICTURE_WEIGHT * _weights(target, counts)
    return replace(example, target=target, weight=weight)


def judged(example: Example, score: Score) -> tuple[NDArray[np.float64], list[int]]:
    """Return the scores of all candidates, and the numbers of those that are digits."""
    return score.judge(example.pool, example.readable, example.values)


def answer(example: Example, score: Score) -> Answer:
    """Return what is read with a score; each digit has its score as confidence."""
    scores, chosen = judged(example, score)
    digits = tuple(
        Given(_label(example.pool, number), bool(scores[number] >= score.sure), scores[number])
        for number in _ordered(example.pool, chosen)
    )
    return Answer(example.picture, digits, 0.0, 1.0)


def fit(examples: Sequence[Example], seed: int = 0) -> Score:
    """Fit both ensembles; the second to scores of a first that did not see the same picture."""
    some = [example for example in examples if len(example.readable)]
    half = np.random.default_rng(seed).integers(2, size=len(some))
    halves = [
        _trees([e for e, side in zip(some, half, strict=True) if side == which], features.OWN)
        for which in (0, 1)
    ]
    compared = []
    for example, side in zip(some, half, strict=True):
        scores = np.zeros(len(example.pool.candidates))
        scores[example.readable] = halves[1 - side](example.values)
        first = segment(example.pool.candidates, scores, KEEP)
        likely = scores[example.readable] > PROMISING
        if likely.any():
            numbers = example.readable[likely]
            more = features.shared(example.pool, scores, first, numbers)
            compared.append(
                replace(
                    example,
                    values=np.concatenate([example.values[likely], more], 1),
                    target=example.target[likely],
                    weight=example.weight[likely],
                )
            )
    own = _trees(some, features.OWN)
    shared = _trees(compared, features.OWN + features.SHARED, SHARED_TREES)
    return Score(own, shared, KEEP, SURE, "")


def packaged(score: Score, weights_sha256: str) -> Score:
    """Return a score with the digest of the network that it was fitted with."""
    return replace(score, weights_sha256=weights_sha256)


def _trees(examples: Sequence[Example], names: Sequence[str], count: int = OWN_TREES) -> Trees:
    model = HistGradientBoostingClassifier(
        max_iter=count,
        learning_rate=LEARNING_RATE,
        max_features=FEATURES_A_NODE,
        max_depth=DEPTH,
        max_leaf_nodes=2**DEPTH,
        min_samples_leaf=40,
        l2_regularization=1.0,
        monotonic_cst=[RISING.get(name, 0) for name in names],
        random_state=0,
        early_stopping=False,
    )
    model.fit(
        np.concatenate([example.values for example in examples]),
        np.concatenate([example.target for example in examples]),
        sample_weight=np.concatenate([example.weight for example in examples]),
    )
    return _stored(model)


def _stored(model: Any) -> Trees:  # noqa: ANN401 - scikit-learn keeps its trees in private fields
    """Lay scikit-learn's trees out level by level, as `Trees` keeps them."""
    trees, nodes = len(model._predictors), 2**DEPTH - 1
    feature = np.zeros((trees, nodes), np.uint8)
    limit = np.full((trees, nodes), np.inf, np.float32)
    leaf = np.zeros((trees, nodes + 1), np.float32)

    def fill(tree: int, grown: NDArray[Any], node: int, slot: int) -> None:
        given = grown[node]
        if slot >= nodes:
            leaf[tree, slot - nodes] = given["value"]
            return
        left = right = node
        if not given["is_leaf"]:
            feature[tree, slot], limit[tree, slot] = given["feature_idx"], given["num_threshold"]
            left, right = given["left"], given["right"]
        fill(tree, grown, left, 2 * slot + 1)
        fill(tree, grown, right, 2 * slot + 2)

    for number, (predictor,) in enumerate(model._predictors):
        fill(number, predictor.nodes, 0, 0)
    return Trees(feature, limit, leaf, float(model._baseline_prediction[0, 0]))


def _measured(
    frame: NDArray[np.uint8], read: Read
) -> tuple[Pool, NDArray[np.intp], NDArray[np.float32], tuple[int, int]]:
    foreground = separate(frame)
    pool = find(foreground, read)
    readable = np.flatnonzero([each.max() > READABLE for each in pool.probabilities])
    values = np.zeros((0, len(features.OWN)), np.float32)
    if len(readable):
        values = features.own(pool, foreground, readable)
    height, width = foreground.gray.shape
    return pool, readable, values, (height, width)


def _light(pool: Pool) -> Pool:
    """Drop the images, so that thousands of pools fit into memory."""
    layers: dict[int, Any] = {}
    for candidate in pool.candidates:
        for name in MEASURED:
            getattr(candidate, name)  # which keeps it
        layer = layers.setdefault(id(candidate.layer), len(layers))
        object.__setattr__(candidate, "layer", layer)
    pool.glyphs.clear()
    return pool


def _weights(target: NDArray[np.bool_], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    wrong = np.count_nonzero(~target & counts)
    return np.where(target, 1.0, min(1.0, NEGATIVES / max(wrong, 1))) * counts


def _label(pool: Pool, number: int) -> int:
    return int(pool.probabilities[number].argmax())


def _ordered(pool: Pool, numbers: Iterable[int]) -> list[int]:
    places = {pool.candidates[number]: number for number in numbers}
    return [places[component] for row in rows(places) for component in row]


def _common(one: Component, other: Component) -> float:
    common = one.overlap(other)
    return common / (one.area + other.area - common)


def _aligned(example: Example, scores: NDArray[np.float64]) -> list[int]:
    """Return the numbers of candidates that are read as labels of the picture, in place."""
    pool, labels = example.pool, example.picture.labels
    if len(labels) == 1:
        good = [n for n in example.readable.tolist() if _label(pool, n) == labels[0]]
        return [max(good, key=lambda number: scores[number])] if good else []
    best: list[int] = []
    for level in LEVELS:
        order = _ordered(pool, segment(pool.candidates, scores, level))
        digits = tuple(Given(_label(pool, number)) for number in order)
        right = Answer(example.picture, digits, 0.0, 1.0).right
        found = [number for number, is_right in zip(order, right, strict=True) if is_right]
        if len(found) > len(best):
            best = found
    return best


def folds(origins: Iterable[str], count: int, seed: int) -> dict[str, int]:
    """Deal origins out into folds."""
    names = sorted(set(origins))
    order = np.random.default_rng(seed).permutation(len(names))
    return {name: int(place) % count for name, place in zip(names, order, strict=True)}
