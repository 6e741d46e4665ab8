from pathlib import Path

import numpy as np
import pytest

from digitlens import Reader
from digitlens.vision import features
from digitlens.vision.score import PACKAGED, Score, Trees


@pytest.fixture(scope="module")
def score() -> Score:
    return Score.load()


def walked(trees: Trees, values: np.ndarray) -> float:
    """Return the probability of one row, node by node."""
    odds = trees.base
    for feature, limit, leaf in zip(trees.feature, trees.limit, trees.leaf, strict=True):
        node = 0
        while node < len(feature):
            node = 2 * node + (2 if values[feature[node]] > limit[node] else 1)
        odds += float(leaf[node - len(feature)])
    return 1 / (1 + np.exp(-odds))


def test_trees_are_walked_as_they_are_stored() -> None:
    random = np.random.default_rng(0)
    trees = Trees(
        random.integers(0, 5, (9, 7)).astype(np.uint8),
        random.normal(0, 1, (9, 7)).astype(np.float32),
        random.normal(0, 1, (9, 8)).astype(np.float32),
        -0.3,
    )
    values = random.normal(0, 1, (50, 5)).astype(np.float32)
    expected = [walked(trees, row) for row in values]
    assert trees(values) == pytest.approx(expected, rel=1e-5)


def test_a_tree_goes_left_up_to_its_limit() -> None:
    feature, limit = np.zeros((1, 1), np.uint8), np.full((1, 1), 2, np.float32)
    trees = Trees(feature, limit, np.array([[-9, 9]], np.float32), 0.0)
    below, at, above = trees(np.array([[1], [2], [3]], np.float32))
    assert below == at < 0.01
    assert above > 0.99


def test_a_saved_score_is_loaded_as_it_was(score: Score, tmp_path: Path) -> None:
    score.save(tmp_path / "score.npz")
    assert (tmp_path / "score.npz").read_bytes() == PACKAGED.read_bytes()
    again = Score.load(tmp_path / "score.npz")
    assert (again.keep, again.sure) == (score.keep, score.sure)
    assert np.array_equal(again.shared.limit, score.shared.limit)


def test_the_packaged_score_fits_the_features_and_the_network(score: Score) -> None:
    assert score.own.feature.max() < len(features.OWN)
    assert score.shared.feature.max() < len(features.OWN) + len(features.SHARED)
    assert score.weights_sha256 == Reader().contract.weights_sha256
    assert 0 < score.keep <= score.sure < 1
    assert PACKAGED.stat().st_size < 60_000
