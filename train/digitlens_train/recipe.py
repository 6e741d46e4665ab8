"""How a network is trained: a recipe has a name and a few numbers, and nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Adam on the cross-entropy of shuffled batches, without augmentation or schedule.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        lr: Adam's learning rate.
    """

    name: str
    epochs: int
    batch_size: int
    lr: float


RECIPES = {recipe.name: recipe for recipe in [Recipe("classic", epochs=15, batch_size=32, lr=1e-3)]}
