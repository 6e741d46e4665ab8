"""How well unseen pictures are read: leave-origins-out cross-validation of the score.

    python scripts/cross_validate.py FOLDER... [--pages 3000] [--fonts DIR] [--format table|json]

The origins of all pictures are dealt into folds. Each fold is read with a score that was fitted to
made pages and to the pictures of the other folds; next to it is the figure with a score that
was fitted to all. Exact: every digit is read and sure, and nothing else is found; mean over
origins, with a 90 % bootstrap interval over origins. If the second figure is above the first one's
interval, single pictures were fitted.

Wrong: of the sure digits. Coverage: right sure digits over labelled ones. False: pictures without
digits in which a sure one is read.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np

import score_fit
from digitlens import Reader
from fit_score import options, page_examples, picture_examples
from photo_score import Answer
from score_fit import Example

FOLDS = 6
ROUNDS = 2000
"""Bootstrap samples."""
THRESHOLDS = (0.55, 0.6, 0.65, 0.7, 0.8, 0.9)
GROUPS = ("photo", "photo, other signs", "crop", "drawn", "drawn, other signs", "no digits")


@dataclass(frozen=True, slots=True)
class Figure:
    """Exactly read pictures of a group, as mean over origins, 0…1, with a 90 % interval."""

    pictures: int
    origins: int
    exact: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sureness:
    """What a threshold of the score does; shares are 0…1."""

    threshold: float
    wrong: float
    wrong_digits_only: float
    coverage: float
    false: float


def group(answer: Answer) -> str:
    """Return the group that an answer counts in."""
    picture = answer.picture
    if not picture.labels:
        return "no digits"
    return picture.kind + (", other signs" if picture.has_signs else "")


def figure(answers: Sequence[Answer]) -> Figure:
    """Return the mean over origins, and an interval from origins drawn with replacement."""
    origins: dict[str, list[bool]] = {}
    for each in answers:
        origins.setdefault(each.picture.origin, []).append(each.is_exact)
    means = np.array([np.mean(values) for values in origins.values()])
    drawn = np.random.default_rng(0).integers(len(means), size=(ROUNDS, len(means)))
    low, high = np.percentile(means[drawn].mean(1), [5, 95])
    return Figure(len(answers), len(means), float(means.mean()), float(low), float(high))


def figures(answers: Sequence[Answer]) -> dict[str, Figure]:
    """Return the figure of each group."""
    grouped = {name: [each for each in answers if group(each) == name] for name in GROUPS}
    return {name: figure(some) for name, some in grouped.items() if some}


def sureness(answers: Sequence[Answer], threshold: float) -> Sureness:
    """Return what the sure digits would be with another threshold."""
    labelled = [each for each in answers if each.picture.labels]
    plain = [each for each in labelled if not each.picture.has_signs]
    empty = [each for each in answers if not each.picture.labels]

    def wrong(some: Sequence[Answer]) -> float:
        sure = [
            right
            for each in some
            for digit, right in zip(each.digits, each.right, strict=True)
            if digit.confidence >= threshold
        ]
        return 1 - sum(sure) / max(len(sure), 1)

    right = sum(
        is_right and digit.confidence >= threshold
        for each in labelled
        for digit, is_right in zip(each.digits, each.right, strict=True)
    )
    false = [any(digit.confidence >= threshold for digit in each.digits) for each in empty]
    return Sureness(
        threshold=threshold,
        wrong=wrong(labelled),
        wrong_digits_only=wrong(plain),
        coverage=right / max(sum(len(each.picture.labels) for each in labelled), 1),
        false=sum(false) / max(len(false), 1),
    )


def cross_validated(made: list[Example], pictures: list[Example], seed: int) -> list[Answer]:
    """Read each fold with a score fitted to the others."""
    fold = score_fit.folds([example.picture.origin for example in pictures], FOLDS, seed)
    answers: list[Answer] = []
    for number in range(FOLDS):
        others = [e for e in pictures if fold[e.picture.origin] != number]
        score = score_fit.fit([*made, *others])
        held = [e for e in pictures if fold[e.picture.origin] == number]
        answers += [score_fit.answer(example, score) for example in held]
        click.echo(f"fold {number + 1} of {FOLDS}: {len(held)} pictures", err=True)
    return answers


@click.command(help=__doc__)
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def main(
    folders: tuple[Path, ...],
    count: int,
    seed: int,
    fonts: Path | None,
    model: Path | None,
    form: str,
) -> None:
    """Measure, fit, read, print."""
    cv2.setNumThreads(1)
    reader = Reader(model)
    measured = picture_examples(reader, folders)
    made = page_examples(reader, count, seed, fonts)
    first = score_fit.fit(made)
    pages_only = [score_fit.answer(example, first) for example in measured]
    pictures = [score_fit.labelled(example, first) for example in measured]
    unseen = cross_validated(made, pictures, seed)
    score = score_fit.fit([*made, *pictures])
    seen = [score_fit.answer(example, score) for example in pictures]
    sure = [sureness(unseen, threshold) for threshold in THRESHOLDS]
    columns = {"cross-validated": unseen, "fitted to all": seen, "made pages only": pages_only}
    if form == "json":
        record: dict[str, object] = {
            name: {key: asdict(value) for key, value in figures(answers).items()}
            for name, answers in columns.items()
        }
        record["sure"] = [asdict(each) for each in sure]
        click.echo(json.dumps(record, indent=1))
        return
    click.echo(f"{'exact, mean over origins':<22}{'pictures':>9}{'origins':>8}", nl=False)
    click.echo("".join(f"{name:>26}" for name in columns))
    rows = {name: figures(answers) for name, answers in columns.items()}
    for name, first_one in rows["cross-validated"].items():
        cells = [rows[column][name] for column in columns]
        words = [f"{c.exact:.1%} ({c.low:.0%} to {c.high:.0%})" for c in cells]
        click.echo(
            f"{name:<22}{first_one.pictures:>9}{first_one.origins:>8}"
            + "".join(f"{word:>26}" for word in words)
        )
    click.echo()
    click.echo(f"{'sure from score':<16}{'wrong':>8}{'digits only':>13}", nl=False)
    click.echo(f"{'coverage':>10}{'false':>8}")
    for each in sure:
        mark = " *" if each.threshold == score_fit.SURE else ""
        click.echo(
            f"{each.threshold:<16g}{each.wrong:>8.2%}{each.wrong_digits_only:>13.2%}"
            f"{each.coverage:>10.1%}{each.false:>8.1%}{mark}"
        )


if __name__ == "__main__":
    main()
