"""Random distortions that keep a digit what it is, drawn and applied to a whole batch at once.

Every distortion is a displacement of the sampling grid that is linear in some random numbers:
x, y and 1 carry the affine part, Gaussian bumps the elastic one. So the grids of a batch are one
matrix product, and the images are sampled once, from 28×28 pixels straight to the glyph.

The elastic part is that of Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis", 2003: random displacements, smoothed by a Gaussian.

Before that, ink may get the look it has in photos: thinner or thicker strokes, blur, other
contrast, less of it towards one side, a gap. Half of the images keep MNIST's look, whatever the
recipe asks for.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from digitlens.contract import GLYPH_SIZE, MNIST_SIZE
from digitlens_train.recipe import Recipe

SMOOTHING = 4.0
"""Standard deviation of the Gaussian in pixels of the 28×28 image; Simard et al. use 4."""
LOOKS = 10
"""Random numbers that give an image the look of a photo."""
BUMPS = 8
"""Gaussians along a side: as far apart as they are wide."""


class Augmentation:
    """The distortions of one recipe, on one device."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.basis = _basis(recipe.elastic).to(device)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw the random numbers of `count` images: float32 `[count, 2 (3 + BUMPS²)]`.

        Where the recipe changes the look, `LOOKS` more stand behind them, uniform, 0…1. All come
        from the CPU, so that every device trains on the same images.
        """
        recipe, unit = self.recipe, 2 / MNIST_SIZE
        limits = [math.radians(recipe.rotation), recipe.scale, recipe.scale, recipe.shear]
        limits += [recipe.shift * unit, recipe.shift * unit]
        uniform = torch.rand(count, len(limits), generator=generator) * 2 - 1
        turn, wider, higher, slant, right, down = (uniform * torch.tensor(limits)).T
        cos, sin, x, y = turn.cos(), turn.sin(), 1 + wider, 1 + higher
        if recipe.narrow:
            x = x / (1 - recipe.narrow * torch.rand(count, generator=generator))
        rows = [cos * x, cos * slant - sin * y, right, sin * x, sin * slant + cos * y, down]
        affine = torch.stack(rows, 1).view(count, 2, 3)
        elastic = torch.randn(count, 2, BUMPS**2, generator=generator)
        grid = torch.cat([affine, elastic], 2).flatten(1)
        if not recipe.look:
            return grid
        return torch.cat([grid, torch.rand(count, LOOKS, generator=generator)], 1)

    def __call__(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Distort uint8 `[n, 28, 28]` into glyphs float32 `[n, 1, 32, 32]`, 0…1, channels last."""
        count = len(self.basis)
        moves = drawn[:, : 2 * count].view(-1, 2, count)
        grid = (moves @ self.basis).view(-1, 2, GLYPH_SIZE, GLYPH_SIZE).permute(0, 2, 3, 1)
        ink = images.unsqueeze(1).float().div_(255)
        if self.recipe.look:
            ink = look(ink, drawn[:, 2 * count :], self.recipe.look)
        sampled = functional.grid_sample(ink, grid, align_corners=False)
        return sampled.contiguous(memory_format=torch.channels_last)


def look(ink: Tensor, drawn: Tensor, strength: float) -> Tensor:
    """Change strokes, sharpness and contrast of ink float32 `[n, 1, 28, 28]`, 0…1.

    `drawn` is uniform, 0…1, float32 `[n, LOOKS]`; where its first number is a half or more,
    nothing changes. A strength, 0…1, of 1 makes strokes up to two pixels thinner or three
    thicker.
    """
    chosen, width, blur, contrast, fade, direction, gap, right, down, hole = (
        column.view(-1, 1, 1, 1) for column in drawn.T
    )
    width = (width * 2.5 - 1) * strength
    thicker, thinner = width.clamp(0, 1), (-width).clamp(0, 1)
    wide, narrow = _spread(ink, torch.maximum), _spread(ink, torch.minimum)
    worn = ink + thicker * (wide - ink) + thinner * (narrow - ink)
    worn = worn + (width - 1).clamp(0, 1) * (_spread(wide, torch.maximum) - wide)
    # A stroke that vanished was too thin to be made thinner.
    kept = worn.sum((1, 2, 3), keepdim=True) > 0.35 * ink.sum((1, 2, 3), keepdim=True)
    worn = torch.where(kept, worn, ink)
    worn = worn + blur.square() * strength * (_spread(worn, torch.add) / 9 - worn)
    worn = ((worn - 0.5) * (1 + 3 * contrast.square() * strength) + 0.5).clamp(0, 1)
    place = (torch.arange(MNIST_SIZE, device=ink.device) + 0.5) / MNIST_SIZE
    away = (place - 0.15 - 0.7 * right) ** 2 + (place.unsqueeze(1) - 0.15 - 0.7 * down) ** 2
    size = (1 + hole) / MNIST_SIZE
    angle = 2 * math.pi * direction
    along = angle.cos() * (place - 0.5) + angle.sin() * (place.unsqueeze(1) - 0.5) + 0.5
    worn = worn * (1 - 0.7 * strength * fade.square() * along.clamp(0, 1))
    worn = worn * (1 - (gap < 0.3 * strength) * torch.exp(-away / (2 * size**2)))
    return torch.where(chosen < 0.5, worn, ink)


def _spread(ink: Tensor, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Combine each pixel of `[n, 1, h, w]` with its eight neighbours; beyond the edge is paper.

    On a CPU this is several times faster than pooling.
    """
    padded = functional.pad(ink, (1, 1, 1, 1))
    rows = combine(combine(padded[..., :-2, :], padded[..., 1:-1, :]), padded[..., 2:, :])
    return combine(combine(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])


def _basis(elastic: float) -> Tensor:
    """Give x, y, 1 and the bumps at every pixel of the glyph: float32 `[3 + BUMPS², 1024]`.

    Coordinates run from −1 to 1 over the image. The bumps are scaled so that normal random
    numbers displace every pixel by `elastic` pixels of the 28×28 image, root mean square.
    """
    unit = 2 / MNIST_SIZE
    axis = (torch.arange(GLYPH_SIZE) + 0.5) / GLYPH_SIZE * 2 - 1
    centres = torch.linspace(-1, 1, BUMPS)
    bumps = torch.exp(-((axis - centres.unsqueeze(1)) ** 2) / (2 * (SMOOTHING * unit) ** 2))
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    both = torch.einsum("ay,bx->abyx", bumps, bumps).flatten(0, 1)
    both *= elastic * unit / both.square().sum(0).sqrt()
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), both]).flatten(1)
