from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from digitlens.vision.mnist_format import mnist_image
from digitlens_train import outliers as module
from digitlens_train.fonts import Font
from digitlens_train.mnist import Mnist, Split
from digitlens_train.outliers import (
    HAND_LETTERS,
    HAND_SIGNS,
    LETTERS,
    OUTLIER,
    PRINTED,
    SIGNS,
    is_bar,
    outliers,
)
from digitlens_train.strokes import draw

FOLDER = Path(matplotlib.get_data_path(), "fonts", "ttf")
KINDS = len(
    module.kinds(module._Digits(Split(torch.zeros(1, 28, 28), torch.zeros(1))), module._Texts([]))
)


@pytest.fixture
def fonts() -> list[Font]:
    """Two fonts in the place of those of hands."""
    return [Font(name, FOLDER / f"{name}.ttf") for name in ("cmmi10", "STIXGeneralBolIta")]


def blocks() -> Split:
    """For every label a block of 20×12 pixels, whose grey level tells the label."""
    images = torch.zeros(10, 28, 28, dtype=torch.uint8)
    for label in range(10):
        images[label, 4:24, 8:20] = 100 + label
    return Split(images, torch.arange(10))


def drawn_from(ink: NDArray[np.uint8]) -> set[int]:
    """The labels of the blocks that are in `ink`."""
    return {int(level) - 100 for level in np.unique(ink) if level}


def extent(ink: NDArray[np.uint8]) -> tuple[int, int]:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_outliers_follow_from_their_seed_and_leave_the_digits_alone(subset: Mnist) -> None:
    digits = subset.train.first(500)
    before = digits.images.clone()
    first, again, other = (outliers(60, digits, seed) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    for one, two in zip(first.images, other.images, strict=True):
        assert not torch.equal(one, two)
    assert torch.equal(outliers(20, digits, 1).images, first.images[:20])
    assert torch.equal(digits.images, before)


def test_outliers_have_a_label_of_their_own(subset: Mnist) -> None:
    split = outliers(30, subset.train.first(500), 0)
    assert OUTLIER == 10
    assert split.labels.tolist() == [OUTLIER] * 30
    assert split.labels.dtype == torch.int64


@pytest.mark.parametrize("with_fonts", [False, True])
def test_every_kind_of_outlier_has_ink_in_mnist_s_box_and_varies(
    subset: Mnist, fonts: list[Font], with_fonts: bool
) -> None:
    images = outliers(20 * KINDS, subset.train, 0, fonts if with_fonts else ()).images
    assert images.dtype == torch.uint8
    assert images.shape == (20 * KINDS, 28, 28)
    for kind in range(KINDS):
        same_kind = images[kind::KINDS].numpy()
        assert len({image.tobytes() for image in same_kind}) > 17  # dashes can be the same
        for image in same_kind:
            assert image.max() > 150
            assert image.sum() / 255 > 5
            assert 10 <= max(extent(image)) <= 20  # less where thick strokes were thinned
            assert not is_bar(image)


def test_fonts_change_letters_and_signs_only(subset: Mnist, fonts: list[Font]) -> None:
    first, again = (outliers(40, subset.train, 1, fonts).images for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, outliers(40, subset.train, 1).images)
    texts, random = module._Texts(fonts), np.random.default_rng(0)
    hands = sum(texts._by_hand(random) for _ in range(1000)) / 1000
    assert hands == pytest.approx(module.FROM_HANDS, abs=0.05)
    assert not module._Texts([])._by_hand(random)


def test_letters_that_look_like_digits_are_left_out() -> None:
    unclear = set("0123456789OoIlSsZzBbgqyDQ|()[]")
    assert not set(LETTERS + SIGNS) & unclear
    assert not set(HAND_LETTERS + HAND_SIGNS) & (unclear | set("GiJjL}!"))


@pytest.mark.parametrize("name", PRINTED)
def test_every_letter_and_sign_is_in_its_font(name: str) -> None:
    font = Font(name, FOLDER / f"{name}.ttf")
    signs = [sign for sign in SIGNS if name == PRINTED[0] or ord(sign) < 256]
    for sign in [*LETTERS, *signs]:
        assert font.has(sign)


def test_signs_come_from_fonts_that_have_them(fonts: list[Font]) -> None:
    texts = module._Texts(fonts)
    assert set(texts.by_sign) == set(HAND_SIGNS)
    for sign, having in texts.by_sign.items():
        assert all(font.has(sign) for font in having)


@pytest.mark.parametrize("degrees", range(-90, 91, 15))
def test_only_upright_bars_are_like_a_one(degrees: int) -> None:
    angle = np.radians(degrees)
    half = np.array([np.sin(angle), -np.cos(angle)]) / 2
    for thickness in (0.05, 0.2):
        image = mnist_image(draw([np.stack([0.5 - half, 0.5 + half])], thickness))
        assert is_bar(image) == (abs(degrees) < module.MAX_LEAN)


def test_blank_images_are_not_outliers_and_broad_ones_are() -> None:
    assert is_bar(np.zeros((28, 28), np.uint8))
    ring = mnist_image(draw([np.array([(0, 0), (0.7, 0), (0.7, 1), (0, 1), (0, 0)])], 0.1))
    assert not is_bar(ring)


def test_a_part_is_a_half_or_a_third_of_a_digit_on_a_side_that_is_none() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    for cut, sides, share in (
        (source.part, module.HALVES, (0.4, 0.6)),
        (source.third, module.THIRDS, (0.15, 0.42)),
    ):
        parts = [cut(random) for _ in range(300)]
        for part in parts:
            assert share[0] * 240 < np.count_nonzero(part) < share[1] * 240
        assert set.union(*map(drawn_from, parts)) == {
            one for some in sides.values() for one in some
        }
        straight = {part.tobytes() for part in parts if np.prod(extent(part)) == (part > 0).sum()}
        assert 100 < sum(part.tobytes() in straight for part in parts) < 280
        assert all(
            drawn_from(part) <= set(module.SLANTED)
            for part in parts
            if part.tobytes() not in straight
        )


def test_neighbours_are_the_facing_parts_of_two_digits() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    pairs = [source.neighbours(random) for _ in range(300)]
    assert set.union(*map(drawn_from, pairs)) == set(range(10))
    for pair in pairs:
        assert 0.7 * 240 < np.count_nonzero(pair) < 1.2 * 240


def test_a_pair_is_two_digits_side_by_side_close_or_overlapping() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    pairs = [source.pair(random) for _ in range(300)]
    assert {extent(pair)[1] for pair in pairs} == {24 + gap for gap in range(-4, 5)}
    assert max(extent(pair)[0] for pair in pairs) <= 28
    assert set.union(*map(drawn_from, pairs)) == set(range(10))
    assert {len(drawn_from(pair)) for pair in pairs} == {1, 2}


def test_a_triple_is_three_digits_side_by_side() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    triples = [source.triple(random) for _ in range(200)]
    widths = {extent(triple)[1] for triple in triples}
    assert min(widths) >= 36 - 6
    assert max(widths) <= 36 + 8
    assert {len(drawn_from(triple)) for triple in triples} == {1, 2, 3}


def test_a_stack_is_a_digit_above_another_or_above_its_upper_part() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    stacks = [source.stack(random) for _ in range(200)]
    heights = [extent(stack)[0] for stack in stacks]
    assert min(heights) >= 20 + 9 - 2
    assert max(heights) == 20 + 20 + 3
    assert 60 < sum(height < 38 for height in heights) < 140  # half of them have a part below
    assert set.union(*map(drawn_from, stacks)) == set(module.STACKED)


def test_a_digit_is_turned_by_right_angles_or_mirrored() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    turned = [source.turned(random) for _ in range(300)]
    lying = [ink for ink in turned if extent(ink) == (12, 20)]
    upright = [ink for ink in turned if extent(ink) == (20, 12)]
    assert len(lying) + len(upright) == 300
    assert 80 < len(lying) < 160
    assert set.union(*map(drawn_from, lying)) == {*module.TURNED[1], *module.TURNED[3]}
    assert set.union(*map(drawn_from, upright)) == {*module.TURNED[2], *module.MIRRORED}
    every = {*module.MIRRORED, *(one for some in module.TURNED.values() for one in some)}
    assert not {0, 1, 2, 5, 8} & every


def test_crossed_out_digits_are_mostly_zigzag(subset: Mnist) -> None:
    source, random = module._Digits(subset.train), np.random.default_rng(0)
    for _ in range(50):
        ink = source.crossed_out(random)
        assert ink.shape == (128, 128)
        assert min(extent(ink)) > 40
