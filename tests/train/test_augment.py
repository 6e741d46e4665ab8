import math

import pytest
import torch
from torch import Tensor

from digitlens.model_file import PACKAGED
from digitlens_train.augment import BUMPS, LOOKS, Augmentation, look
from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.recipe import RECIPES, Recipe

CPU = torch.device("cpu")
MILD = Recipe(name="x", rotation=7, scale=0.08, shear=0.1, shift=1, elastic=1)
NEUTRAL = {"chosen": 0.0, "width": 0.4, "blur": 0.0, "contrast": 0.0, "fade": 0.0}
NEUTRAL |= {"direction": 0.0, "gap": 1.0, "right": 0.5, "down": 0.5, "hole": 0.5}
"""The numbers that leave ink as it is, in the order in which `look` takes them."""


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
    drawn = augment.draw(500, torch.Generator().manual_seed(0)).view(500, 2, 3 + BUMPS**2)
    still = drawn.clone()
    still[:, :, 3:] = 0
    moved = ((drawn - still) @ augment.basis).view(500, 2, 32, 32) * 14  # pixels of 28
    assert moved.square().mean().sqrt() == pytest.approx(1.5, abs=0.05)
    steps = moved.diff(dim=3).square().mean().sqrt() / moved.square().mean().sqrt()
    assert steps < 0.3  # neighbouring pixels go together


@pytest.mark.parametrize("recipe", [MILD, RECIPES["photo"]], ids=["mild", "photo"])
def test_the_same_numbers_give_the_same_images_and_others_give_others(
    subset: Mnist, recipe: Recipe
) -> None:
    images, augment = subset.train.images[:50], Augmentation(recipe, CPU)
    assert torch.equal(distort(augment, images, 1), distort(augment, images, 1))
    assert not torch.equal(distort(augment, images, 1), distort(augment, images, 2))
    values = distort(augment, images)
    assert values.min() >= 0
    assert values.max() <= 1


def test_narrowing_takes_from_the_width_at_most_what_was_asked_and_no_height() -> None:
    images = torch.zeros(300, 28, 28, dtype=torch.uint8)
    images[:, 4:24, 4:24] = 255
    before, after = glyphs(images)[:, 0], distort(augmentation(narrow=0.4), images)[:, 0]
    widths, heights = (after.sum(axis).amax(1) / before.sum(axis).amax(1) for axis in (2, 1))
    assert widths.min() == pytest.approx(0.6, abs=0.02)
    assert widths.max() == pytest.approx(1, abs=0.02)
    assert widths.mean() == pytest.approx(0.8, abs=0.02)
    assert heights.sub(1).abs().max() < 0.02
    assert centre(after.unsqueeze(1)).sub(0.5).abs().max() < 0.01


def looks(ink: Tensor, strength: float = 1, **numbers: float) -> Tensor:
    """Give one image `[28, 28]` the look that these numbers alone make."""
    drawn = torch.tensor([list({**NEUTRAL, **numbers}.values())])
    assert drawn.shape == (1, LOOKS)
    return look(ink.view(1, 1, 28, 28), drawn, strength)[0, 0]


def bar(width: int, level: float = 1) -> Tensor:
    ink = torch.zeros(28, 28)
    ink[4:24, 12 : 12 + width] = level
    return ink


@pytest.mark.parametrize(
    ("strength", "numbers"),
    [
        (1, {}),
        (1, {"chosen": 0.5, "width": 1, "blur": 1, "contrast": 1, "fade": 1, "gap": 0}),
        (1e-6, {"width": 1, "blur": 1, "contrast": 1, "fade": 1}),
        (1e-6, {"width": 0, "blur": 1, "contrast": 1, "fade": 1}),
        (0, {"width": 1, "blur": 1, "contrast": 1, "fade": 1, "gap": 0}),
    ],
    ids=["neutral", "not chosen", "weak", "weak and thin", "off"],
)
def test_ink_keeps_its_look(subset: Mnist, strength: float, numbers: dict[str, float]) -> None:
    for image in subset.train.images[:20].float() / 255:
        torch.testing.assert_close(looks(image, strength, **numbers), image, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("number", "strength", "pixels"),
    [(1, 1, 3), (0.8, 1, 2), (0.6, 1, 1), (0.2, 1, -1), (0, 1, -2), (1, 0.4, 1.2), (0, 0.5, -1)],
)
def test_strokes_get_thicker_and_thinner(number: float, strength: float, pixels: float) -> None:
    worn = looks(bar(5), strength, width=number)
    assert worn[14].sum() == pytest.approx(5 + pixels, abs=1e-4)
    assert worn[:, 14].sum() == pytest.approx(20 + pixels, abs=1e-4)


def test_a_stroke_too_thin_to_be_made_thinner_stays() -> None:
    assert torch.equal(looks(bar(2), width=0), bar(2))
    assert looks(bar(6), width=0).sum() < bar(6).sum()


def test_blur_spreads_ink_and_keeps_its_amount() -> None:
    worn = looks(bar(3), blur=1)
    assert worn.sum() == pytest.approx(bar(3).sum().item())
    assert worn[14, 10:17].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0])


def test_contrast_takes_greys_away_from_the_middle() -> None:
    assert looks(bar(4, 0.6), contrast=1)[14, 13] == pytest.approx(0.9)
    assert looks(bar(4, 0.4), contrast=1)[14, 13] == pytest.approx(0.1)
    assert looks(bar(4, 0.2), contrast=1).max() == 0


def test_ink_fades_towards_one_side() -> None:
    ink = torch.ones(28, 28)
    for direction, (row, column) in {0: (14, 27), 0.25: (27, 14), 0.5: (14, 0)}.items():
        worn = looks(ink, fade=1, direction=direction)
        assert worn[row, column] == pytest.approx(0.3, abs=0.02)
        assert worn.min() == pytest.approx(0.3, abs=0.02)
        assert worn.max() == pytest.approx(1, abs=0.02)


def test_a_gap_is_a_small_hole_where_it_was_put() -> None:
    ink = torch.ones(28, 28)
    away = ink - looks(ink, gap=0.29, right=0, down=1, hole=0)
    row, column = divmod(int(away.argmax()), 28)
    assert (row + 0.5) / 28 == pytest.approx(0.85, abs=0.02)
    assert (column + 0.5) / 28 == pytest.approx(0.15, abs=0.02)
    assert away.sum() == pytest.approx(2 * math.pi, rel=0.01)  # a deviation of one pixel
    assert torch.equal(looks(ink, gap=0.31), ink)


def test_half_of_the_images_keep_their_look_and_the_others_do_not(subset: Mnist) -> None:
    images = subset.train.images[:400]
    plain, worn = (distort(augmentation(look=strength), images) for strength in (0, 1))
    changed = (plain != worn).flatten(1).any(1)
    assert 160 < changed.sum() < 240
    assert (plain - worn).abs().flatten(1).amax(1)[changed].median() > 0.2
    drawn = augmentation(look=1).draw(400, torch.Generator().manual_seed(0))
    assert drawn.shape == (400, 2 * (3 + BUMPS**2) + LOOKS)
    assert torch.equal(changed, drawn[:, -LOOKS] < 0.5)


def test_any_look_leaves_values_between_paper_and_ink(subset: Mnist) -> None:
    ink = subset.train.images[:300].unsqueeze(1).float() / 255
    numbers = torch.rand(300, LOOKS, generator=torch.Generator().manual_seed(0)).round()
    for strength in (0.3, 1):
        worn = look(ink, numbers, strength)
        assert worn.shape == ink.shape
        assert worn.min() >= 0
        assert worn.max() <= 1


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
    assert plain > 0.99
    assert distorted > plain - 0.02
