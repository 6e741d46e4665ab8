import cv2
import numpy as np
import pytest
import torch

from digitlens_train import writing
from digitlens_train.mnist import Mnist
from digitlens_train.strokes import Points, draw
from digitlens_train.writing import WAYS, Way, written


def test_every_label_has_a_way_of_writing_and_every_stroke_lies_on_the_canvas() -> None:
    assert sorted(WAYS) == list(range(10))
    for ways in WAYS.values():
        assert ways
        for way in ways:
            assert way
            for _, corners in way:
                assert len(corners) > 1
                assert -0.1 <= np.min(corners) < np.max(corners) <= 1.1


def test_labels_and_ways_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Way] = []
    original = writing._image

    def record(way: Way, random: np.random.Generator) -> np.ndarray:
        drawn.append(way)
        return original(way, random)

    monkeypatch.setattr(writing, "_image", record)
    most = max(map(len, WAYS.values()))
    split = written(10 * most, 0)
    assert split.labels.tolist() == list(range(10)) * most
    for label, ways in WAYS.items():
        assert drawn[label::10] == (ways * most)[:most]


def test_the_same_seed_writes_the_same_digits_and_another_writes_others() -> None:
    first, again, other = written(40, 1), written(40, 1), written(40, 2)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, other.labels)
    for one, two in zip(first.images, other.images, strict=True):
        assert not torch.equal(one, two)
    assert torch.equal(written(25, 1).images, first.images[:25])


def test_written_digits_are_placed_as_mnist_places_them() -> None:
    images = written(300, 0).images
    assert images.dtype == torch.uint8
    assert images.shape == (300, 28, 28)
    for image in images.numpy():
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert image.max() > 200
        moments = cv2.moments(image)
        assert moments["m10"] / moments["m00"] == pytest.approx(13.5, abs=0.51)
        assert moments["m01"] / moments["m00"] == pytest.approx(13.5, abs=0.51)


def test_no_written_digit_is_cut_at_the_edge_of_its_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    papers: list[np.ndarray] = []

    def record(strokes: list[Points], thickness: float) -> np.ndarray:
        papers.append(draw(strokes, thickness))
        return papers[-1]

    monkeypatch.setattr(writing, "draw", record)
    written(500, 0)
    assert len(papers) == 500
    for ink in papers:
        assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()


def test_none_written_are_still_a_split() -> None:
    none = written(0, 0)
    assert none.images.shape == (0, 28, 28)
    assert none.labels.dtype == torch.int64


def test_written_digits_look_like_their_labels(subset: Mnist) -> None:
    """The nearest of MNIST's digits has the label of most: these are other ways to write them."""
    split = written(300, 0)
    known, asked = (images.flatten(1).float() for images in (subset.train.images, split.images))
    found = subset.train.labels[torch.cdist(asked, known).argmin(1)]
    right = (found == split.labels).double()
    assert right.mean() > 0.75
    for label in range(10):
        assert right[label::10].mean() > 0.4
