import math

import pytest
import torch
from torch import Tensor

from digitlens.model_file import PACKAGED
from digitlens_train.augment import BUMPS, Augmentation
from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.recipe import RECIPES, Recipe

CPU = torch.device("cpu")
MILD = Recipe(name="x", rotation=7, scale=0.08, shear=0.1, shift=1, elastic=1)


def augmentation(**fields: float) -> Augmentation:
    return Augmentation(Recipe(name="x", **fields), CPU)  # type: ignore[arg-type]


def distort(augment: Augmentation, images: Tensor, seed: int = 0) -> Tensor:
    return augment(images, augment.draw(len(images), torch.Generator().manual_seed(seed)))


def centre(ink: Tensor) -> Tensor:
    """Centre of mass of `[n, 1, h, w]`, as (y, x) in shares of the side, `[n, 2]`."""
    size = ink.shape[-1]
    place = (torch.arange(size) + 0.5) / size
    mass = ink.sum((1, 2, 3))
    y, x = (ink.sum(3)[:, 0] * place).sum(1), (ink.sum(2)[:, 0] * place).sum(1)
    return torch.stack([y / mass, x / mass], 1)


def test_no_distortion_is_the_resize_of_evaluation(subset: Mnist) -> None:
    images = subset.train.images[:200]
    difference = (distort(augmentation(), images) - glyphs(images)).abs()[..., 1:-1, 1:-1]
    assert difference.max() <= 1.01 / 255  # the resize rounds to bytes, and repeats the edge


def test_a_shift_moves_the_centre_of_mass_within_its_limit(subset: Mnist) -> None:
    images = subset.train.images[:200]
    moved = centre(distort(augmentation(shift=2), images)) - centre(glyphs(images))
    pixels = moved * 28
    assert pixels.abs().max() <= 2.1
    assert pixels.abs().max() > 1.8
    assert pixels.mean().abs() < 0.3


def test_a_rotation_turns_a_bar_by_its_limit_at_most() -> None:
    images = torch.zeros(300, 28, 28, dtype=torch.uint8)
    images[:, 4:24, 13:15] = 255
    turned = distort(augmentation(rotation=10), images)[:, 0]
    place = torch.arange(32.0)
    angles = []
    for ink in turned:
        y, x = torch.meshgrid(place, place, indexing="ij")
        y, x = y - (ink * y).sum() / ink.sum(), x - (ink * x).sum() / ink.sum()
        yy, xx, xy = ((ink * part).sum() for part in (y * y, x * x, x * y))
        angles.append(math.degrees(0.5 * math.atan2(2 * xy, yy - xx)))
    assert max(map(abs, angles)) == pytest.approx(10, abs=0.7)
    assert abs(sum(angles) / len(angles)) < 2


def test_elastic_displacements_have_the_asked_size_and_are_smooth() -> None:
    augment = augmentation(elastic=1.5)
    drawn = augment.draw(500, torch.Generator().manual_seed(0))
    still = drawn.clone()
    still[:, :, 3:] = 0
    moved = ((drawn - still) @ augment.basis).view(500, 2, 32, 32) * 14  # pixels of 28
    assert moved.square().mean().sqrt() == pytest.approx(1.5, abs=0.05)
    steps = moved.diff(dim=3).square().mean().sqrt() / moved.square().mean().sqrt()
    assert steps < 0.3  # neighbouring pixels go together
    assert drawn.shape == (500, 2, 3 + BUMPS**2)


def test_the_same_numbers_give_the_same_images_and_others_give_others(subset: Mnist) -> None:
    images, augment = subset.train.images[:50], Augmentation(MILD, CPU)
    assert torch.equal(distort(augment, images, 1), distort(augment, images, 1))
    assert not torch.equal(distort(augment, images, 1), distort(augment, images, 2))
    values = distort(augment, images)
    assert values.min() >= 0
    assert values.max() <= 1


def test_a_distorted_digit_keeps_its_label(subset: Mnist) -> None:
    """The mildly distorted digits of `best` are read as well as plain ones, but for few."""
    from digitlens_train.run import Run
    from digitlens_train.trainer import predict

    model = Run(PACKAGED.with_suffix("")).load_model()
    images, labels = subset.valid.images, subset.valid.labels
    plain, distorted = (
        (predict(model, glyph).argmax(1) == labels).double().mean().item()
        for glyph in (glyphs(images), distort(Augmentation(RECIPES["best"], CPU), images))
    )
    assert plain > 0.995
    assert distorted > plain - 0.02
