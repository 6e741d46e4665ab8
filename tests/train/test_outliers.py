from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import ImageFont

from digitlens_train import outliers as module
from digitlens_train.mnist import Mnist, Split
from digitlens_train.outliers import FONTS, LETTERS, OUTLIER, SIGNS, outliers

KINDS = 15


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


def test_every_kind_of_outlier_has_ink_in_mnist_s_box_and_varies(subset: Mnist) -> None:
    images = outliers(20 * KINDS, subset.train, 0).images
    assert images.dtype == torch.uint8
    assert images.shape == (20 * KINDS, 28, 28)
    for kind in range(KINDS):
        same_kind = images[kind::KINDS].numpy()
        assert len({image.tobytes() for image in same_kind}) == 20
        for image in same_kind:
            assert image.max() > 150
            assert image.sum() / 255 > 5
            assert 14 <= max(extent(image)) <= 20  # less where thick strokes were thinned


def test_letters_that_look_like_digits_are_left_out() -> None:
    assert not set(LETTERS + SIGNS) & set("0123456789OoIlSsZzBbgqyDQ|")


@pytest.mark.parametrize("name", FONTS)
def test_every_letter_and_sign_is_in_its_font(name: str) -> None:
    signs = [sign for sign in SIGNS if name == "DejaVuSans" or ord(sign) <= 255]
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), 60)
    missing = bytes(font.getmask("\uffff"))
    for sign in [*LETTERS, *signs]:
        assert bytes(font.getmask(sign)) != missing
        assert any(font.getmask(sign))


def test_a_part_is_about_half_of_a_digit_whose_half_is_none() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    parts = [source.part(random) for _ in range(200)]
    sizes = {extent(part) for part in parts}
    assert all(
        (height == 20 and 5 <= width <= 7) or (9 <= height <= 11 and width == 12)
        for height, width in sizes
    )
    upright = set.union(*(drawn_from(part) for part in parts if extent(part)[0] == 20))
    lying = set.union(*(drawn_from(part) for part in parts if extent(part)[0] < 20))
    assert upright == {*module.LEFT_HALF, *module.RIGHT_HALF}
    assert lying == {*module.UPPER_HALF, *module.LOWER_HALF}


def test_a_pair_is_two_digits_side_by_side_close_or_touching() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    pairs = [source.pair(random) for _ in range(200)]
    assert {extent(pair)[1] for pair in pairs} == {24 + gap for gap in range(-3, 4)}
    assert max(extent(pair)[0] for pair in pairs) <= 28
    assert set.union(*map(drawn_from, pairs)) == set(range(10))
    assert {len(drawn_from(pair)) for pair in pairs} == {1, 2}


def test_a_stack_is_a_digit_above_another_or_above_its_upper_part() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    stacks = [source.stack(random) for _ in range(200)]
    heights = [extent(stack)[0] for stack in stacks]
    assert min(heights) >= 20 + 6 - 2
    assert max(heights) == 20 + 20 + 3
    assert 60 < sum(height < 38 for height in heights) < 140  # half of them have a part below
    assert set.union(*map(drawn_from, stacks)) == set(module.STACKED)


def test_a_digit_is_turned_by_a_right_angle_or_seen_in_a_mirror() -> None:
    source, random = module._Digits(blocks()), np.random.default_rng(0)
    turned = [source.turned(random) for _ in range(200)]
    lying = [ink for ink in turned if extent(ink) == (12, 20)]
    upright = [ink for ink in turned if extent(ink) == (20, 12)]
    assert len(lying) + len(upright) == 200
    assert 60 < len(lying) < 140
    assert set.union(*map(drawn_from, lying)) == set(module.TURNED)
    assert set.union(*map(drawn_from, upright)) == set(module.MIRRORED)
    assert 0 not in module.TURNED
    assert not {0, 1, 2, 5, 8} & set(module.MIRRORED)  # a 2 in a mirror may be read as a 5
