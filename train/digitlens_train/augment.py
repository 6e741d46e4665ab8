"""Random distortions that keep a digit what it is, drawn and applied to a whole batch at once.

Every distortion is a displacement of the sampling grid that is linear in some random numbers:
x, y and 1 carry the affine part, Gaussian bumps the elastic one. So the grids of a batch are one
matrix product, and the images are sampled once, from 28×28 pixels straight to the glyph.

The elastic part is that of Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis", 2003: random displacements, smoothed by a Gaussian.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from digitlens.contract import GLYPH_SIZE
from digitlens_train.recipe import Recipe

IMAGE_SIZE = 28
SMOOTHING = 4.0
"""Standard deviation of the Gaussian in pixels of the 28×28 image; Simard et al. use 4."""
BUMPS = 8
"""Gaussians along a side: as far apart as they are wide."""


class Augmentation:
    """The distortions of one recipe, on one device."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe = recipe
        self.basis = _basis(recipe.elastic).to(device)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw the random numbers of `count` images: float32 `[count, 2, 3 + BUMPS²]`.

        They come from the CPU, so that every device trains on the same images.
        """
        recipe, unit = self.recipe, 2 / IMAGE_SIZE
        limits = [math.radians(recipe.rotation), recipe.scale, recipe.scale, recipe.shear]
        limits += [recipe.shift * unit, recipe.shift * unit]
        uniform = torch.rand(count, len(limits), generator=generator) * 2 - 1
        turn, wider, higher, slant, right, down = (uniform * torch.tensor(limits)).T
        cos, sin, x, y = turn.cos(), turn.sin(), 1 + wider, 1 + higher
        rows = [cos * x, cos * slant - sin * y, right, sin * x, sin * slant + cos * y, down]
        affine = torch.stack(rows, 1).view(count, 2, 3)
        elastic = torch.randn(count, 2, BUMPS**2, generator=generator)
        return torch.cat([affine, elastic], 2)

    def __call__(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Distort uint8 `[n, 28, 28]` into glyphs float32 `[n, 1, 32, 32]`, 0…1, channels last."""
        grid = (drawn @ self.basis).view(-1, 2, GLYPH_SIZE, GLYPH_SIZE).permute(0, 2, 3, 1)
        ink = images.unsqueeze(1).float().div_(255)
        sampled = functional.grid_sample(ink, grid, align_corners=False)
        return sampled.contiguous(memory_format=torch.channels_last)


def _basis(elastic: float) -> Tensor:
    """Give x, y, 1 and the bumps at every pixel of the glyph: float32 `[3 + BUMPS², 1024]`.

    Coordinates run from −1 to 1 over the image. The bumps are scaled so that normal random
    numbers displace every pixel by `elastic` pixels of the 28×28 image, root mean square.
    """
    unit = 2 / IMAGE_SIZE
    axis = (torch.arange(GLYPH_SIZE) + 0.5) / GLYPH_SIZE * 2 - 1
    centres = torch.linspace(-1, 1, BUMPS)
    bumps = torch.exp(-((axis - centres.unsqueeze(1)) ** 2) / (2 * (SMOOTHING * unit) ** 2))
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    both = torch.einsum("ay,bx->abyx", bumps, bumps).flatten(0, 1)
    both *= elastic * unit / both.square().sum(0).sqrt()
    return torch.cat([torch.stack([x, y, torch.ones_like(x)]), both]).flatten(1)
