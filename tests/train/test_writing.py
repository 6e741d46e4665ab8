from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
import torch

from digitlens_train import writing
from digitlens_train.fonts import Font
from digitlens_train.mnist import Mnist
from digitlens_train.strokes import Points, draw
from digitlens_train.writing import HOLLOW, WAYS, Way, written


@pytest.fixture
def fonts() -> list[Font]:
    """Two fonts in the place of those of hands."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    names = "DejaVuSans", "STIXGeneralItalic"
    return [Font(name, folder / f"{name}.ttf") for name in names]


def test_every_label_has_a_way_of_writing_and_every_stroke_lies_on_the_canvas() -> None:
    assert sorted(WAYS) == list(range(10))
    for ways in (*WAYS.values(), *HOLLOW.values()):
        assert ways
        for way in ways:
            assert way
            for _, corners in way:
                assert len(corners) > 1
                assert -0.1 <= np.min(corners) < np.max(corners) <= 1.1


def test_labels_and_ways_come_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Way] = []
    original = writing.paths

    def record(way: Way, random: np.random.Generator) -> list[Points]:
        drawn.append(way)
        return original(way, random)

    monkeypatch.setattr(writing, "paths", record)
    most = max(len(ways) + len(HOLLOW.get(label, [])) for label, ways in WAYS.items())
    split = written(10 * most, 0)
    assert split.labels.tolist() == list(range(10)) * most
    for label, ways in WAYS.items():
        assert drawn[label::10] == ((ways + HOLLOW.get(label, [])) * most)[:most]


def test_half_of_the_digits_are_of_fonts_in_turn(
    fonts: list[Font], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    original = writing.handwritten

    def record(font: Font, text: str, random: np.random.Generator) -> np.ndarray:
        asked.append((font.name, text))
        return original(font, text, random)

    monkeypatch.setattr(writing, "handwritten", record)
    split = written(80, 0, fonts)
    assert split.labels.tolist() == list(range(10)) * 8
    names = [font.name for font in fonts]
    assert asked == [(name, str(digit)) for name in names * 2 for digit in range(10)]
    asked.clear()
    written(80, 0)
    assert not asked


def test_digits_of_fonts_follow_from_the_seed(fonts: list[Font]) -> None:
    first, again, other = (written(40, seed, fonts) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    for one, two in zip(first.images, other.images, strict=True):
        assert not torch.equal(one, two)
    assert torch.equal(written(25, 1, fonts).images, first.images[:25])


def test_hollow_digits_have_paper_inside_their_strokes() -> None:
    random = np.random.default_rng(0)
    for label, ways in HOLLOW.items():
        for way in ways:
            assert way in WAYS[label] or label == 0
            image = writing._hollow_image(way, random)
            areas = cv2.connectedComponents((image < 100).astype(np.uint8), connectivity=4)[0] - 1
            assert areas >= 2


def test_the_same_seed_writes_the_same_digits_and_another_writes_others() -> None:
    first, again, other = written(40, 1), written(40, 1), written(40, 2)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, other.labels)
    for one, two in zip(first.images, other.images, strict=True):
        assert not torch.equal(one, two)
    assert torch.equal(written(25, 1).images, first.images[:25])


@pytest.mark.parametrize("with_fonts", [False, True])
def test_written_digits_are_placed_as_mnist_places_them(
    fonts: list[Font], with_fonts: bool
) -> None:
    images = written(300, 0, fonts if with_fonts else ()).images
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


@pytest.mark.parametrize("with_fonts", [False, True])
def test_written_digits_look_like_their_labels(
    subset: Mnist, fonts: list[Font], with_fonts: bool
) -> None:
    """The nearest of MNIST's digits has the label of most: these are other ways to write them."""
    split = written(500, 0, fonts if with_fonts else ())
    known, asked = (images.flatten(1).float() for images in (subset.train.images, split.images))
    found = subset.train.labels[torch.cdist(asked, known).argmin(1)]
    right = (found == split.labels).double()
    assert right.mean() > 0.75
    for label in range(10):
        assert right[label::10].mean() > 0.4
