"""Score: how likely a candidate is one digit that is read right, by two ensembles of trees.

The first judges each candidate on its own. The second also sees those that explain the frame best
by the first, so that a digit is one among digits. Both are gradient boosting, J. H. Friedman,
"Greedy Function Approximation: A Gradient Boosting Machine", 2001, fitted by
`scripts/fit_score.py`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitlens.files import replacing
from digitlens.vision import features
from digitlens.vision.candidates import Pool
from digitlens.vision.foreground import Foreground
from digitlens.vision.segmentation import segment

PACKAGED = Path(__file__).parent / "score.npz"
READABLE = 0.3
"""Confidence up to which a candidate is rejected, whatever its surroundings are."""
PROMISING = 0.02
"""Score on its own from which a candidate is compared with the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Binary decision trees of one depth, stored level by level.

    Attributes:
        feature: which one each node looks at, uint8 `[trees, 2^depth - 1]`.
        limit: up to which value it goes left, float32 of the same shape.
        leaf: what each leaf adds to the log-odds, float32 `[trees, 2^depth]`.
        base: log-odds before the first tree.
    """

    feature: NDArray[np.uint8]
    limit: NDArray[np.float32]
    leaf: NDArray[np.float32]
    base: float

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return probabilities, float64 `[n]`, for features float32 `[n, features]`."""
        trees, nodes = self.feature.shape
        offset = np.arange(trees) * nodes
        node = np.zeros((len(values), trees), np.intp)
        rows = np.arange(len(values))[:, np.newaxis]
        feature, limit = self.feature.ravel(), self.limit.ravel()
        while nodes:
            here = node + offset
            node = 2 * node + 1 + (values[rows, feature[here]] > limit[here])
            nodes //= 2
        node -= self.feature.shape[1]
        odds = self.leaf.ravel()[node + np.arange(trees) * self.leaf.shape[1]].sum(1)
        return np.asarray(1 / (1 + np.exp(-(odds.astype(np.float64) + self.base))))


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Both ensembles, with the thresholds that were chosen for them.

    Attributes:
        own: looks at `features.OWN`.
        shared: looks at `features.OWN` and `features.SHARED`.
        keep: score from which a candidate is a digit.
        sure: score from which it is a sure one.
        weights_sha256: digest of the network that the coefficients were fitted with.
    """

    own: Trees
    shared: Trees
    keep: float
    sure: float
    weights_sha256: str

    @classmethod
    def load(cls, path: Path = PACKAGED) -> "Score":
        """Read the coefficients that `scripts/fit_score.py` wrote."""
        with np.load(path) as data:
            own, shared = (
                Trees(
                    data[f"{name}_feature"],
                    data[f"{name}_limit"],
                    data[f"{name}_leaf"],
                    float(data[f"{name}_base"]),
                )
                for name in ("own", "shared")
            )
            keep, sure = float(data["keep"]), float(data["sure"])
            return cls(own, shared, keep, sure, str(data["weights_sha256"]))

    def __call__(self, pool: Pool, foreground: Foreground) -> tuple[NDArray[np.float64], list[int]]:
        """Return the score of each candidate, 0…1, and the numbers of those that are digits."""
        readable = np.flatnonzero([each.max() > READABLE for each in pool.probabilities])
        if not len(readable):
            return np.zeros(len(pool.candidates)), []
        return self.judge(pool, readable, features.own(pool, foreground, readable))

    def judge(
        self, pool: Pool, readable: NDArray[np.intp], values: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], list[int]]:
        """Do the same with what was measured of the `readable` candidates; others score 0."""
        scores = np.zeros(len(pool.candidates))
        if not len(readable):
            return scores, []
        scores[readable] = self.own(values)
        first = segment(pool.candidates, scores, self.keep)
        likely = scores[readable] > PROMISING
        numbers = readable[likely]
        if len(numbers):
            compared = features.shared(pool, scores, first, numbers)
            scores[numbers] = self.shared(np.concatenate([values[likely], compared], 1))
        return scores, segment(pool.candidates, scores, self.keep)

    def save(self, path: Path = PACKAGED) -> None:
        """Write the coefficients, the same bytes for the same numbers."""
        arrays: dict[str, Any] = {
            f"{name}_{field}": np.asarray(getattr(trees, field))
            for name, trees in (("own", self.own), ("shared", self.shared))
            for field in ("feature", "limit", "leaf", "base")
        }
        arrays |= {name: np.asarray(getattr(self, name)) for name in ("keep", "sure")}
        arrays["weights_sha256"] = np.asarray(self.weights_sha256)
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)
