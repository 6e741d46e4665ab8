"""What one training is asked to do, and the images it gets."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from digitlens.errors import RunError, UsageError
from digitlens_train.fonts import Font, load
from digitlens_train.mnist import Mnist, Split
from digitlens_train.recipe import Recipe
from digitlens_train.run import Run


@dataclass(frozen=True, slots=True)
class Request:
    """What one training is asked to do.

    Attributes:
        recipe: how to train.
        seed: of weights, order and distortions, 0 to 2³²−1.
        device: `auto`, `cpu`, `cuda` or `mps`.
        fonts: a folder with fonts of handwriting, for drawn digits and outliers.
        font_names: the fonts to take from it, or None for all.
        data: a folder with MNIST's four files, or None for where they are usually found.
        limit: keeps the first training images.
        trial: validates on the held-out images; the validation images are never looked at.
        tensorboard: writes event files too.
        resume: goes on with the run that the folder holds.
    """

    recipe: Recipe
    seed: int = 0
    device: str = "auto"
    data: Path | None = None
    fonts: Path | None = None
    font_names: tuple[str, ...] | None = None
    limit: int | None = None
    trial: bool = False
    tensorboard: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Splits:
    """The images of one training: to learn from, to look at after each epoch, to report on."""

    learn: Split
    watch: Split
    report: Split
    watched: str
    """`watch` in words: `validation` or `held-out`."""

    @property
    def reported(self) -> str:
        """`report` in words."""
        return self.watched if self.report is self.watch else "validation"


def continued(request: Request, run: Run, given: dict[str, Any]) -> Request:
    """Make `request` what `run` was begun with; `given` are the options that must agree with it.

    Raises:
        NotFoundError: there is no run.
        UsageError: an option does not agree.
        RunError: the run's configuration is damaged.
    """
    config = run.read_config()
    try:
        recipe = Recipe(**config["recipe"])
        begun = {**asdict(recipe), "recipe": recipe.name}
        begun |= {name: config[name] for name in ("seed", "limit", "trial")}
        begun["seed"] = int(begun["seed"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.config} is damaged ({error}): train again") from error
    for name, value in given.items():
        if value != begun[name]:
            raise UsageError(
                f"{run.folder} was begun with {name} {begun[name]}, not {value}: leave the option "
                "out, or choose another --out"
            )
    names = ("seed", "limit", "trial")
    fonts = _font_names(request, run, config.get("fonts"))
    return replace(
        request, recipe=recipe, font_names=fonts, **{name: begun[name] for name in names}
    )


def _font_names(request: Request, run: Run, begun: object) -> tuple[str, ...] | None:
    """Return the names of the fonts that the run was begun with; a run of old has no record."""
    if begun is None:
        if request.fonts:
            raise UsageError(f"{run.folder} was begun without fonts; leave out --fonts")
        return None
    if not isinstance(begun, list) or not all(isinstance(name, str) for name in begun):
        raise RunError(f"{run.config} is damaged (fonts is {begun!r}): train again")
    if not request.fonts and not run.is_finished:
        raise UsageError(
            f"{run.folder} was begun with {len(begun)} fonts; add --fonts with their folder"
        )
    return tuple(begun)


def load_fonts(request: Request) -> list[Font]:
    """Load the fonts that the request names; none without a folder.

    Raises:
        UsageError: the recipe draws nothing, or fonts of the begun run are missing.
        NotFoundError, DataError: see `digitlens_train.fonts.load`.
    """
    if not request.fonts:
        return []
    if not request.recipe.written + request.recipe.outliers:
        raise UsageError(
            f"recipe {request.recipe.name} draws no images; leave out --fonts or choose --recipe "
            "photo"
        )
    fonts = {font.name: font for font in load(request.fonts)}
    names = sorted(fonts) if request.font_names is None else request.font_names
    missing = [name for name in names if name not in fonts]
    if missing:
        raise UsageError(
            f"no font {missing[0]} in {request.fonts}, which the run was begun with; choose the "
            "folder of its fonts"
        )
    return [fonts[name] for name in names]


def split(data: Mnist, request: Request) -> Splits:
    """Cut `data` into the images that the request uses."""
    stay, held_out = data.train.hold_out(request.recipe.held_out)
    learn = stay.first(request.limit)
    if len(held_out.labels):
        return Splits(learn, held_out, held_out if request.trial else data.valid, "held-out")
    return Splits(learn, data.valid, data.valid, "validation")
