"""Fit the score that chooses among candidates, on made pages and pictures, and package it.

    python scripts/fit_score.py --pages 3000 --fonts DIR FOLDER...

FOLDER holds pictures with a manifest.json, as for bench_photos.py; without one, only made pages
are used. Their digits are MNIST's training images. The coefficients go into the package, for the
packaged network; `scripts/cross_validate.py` says what to expect of other pictures.
"""

import json
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import click
import cv2

import score_fit
from digitlens import Reader
from digitlens.errors import DigitlensError
from digitlens.vision.score import PACKAGED
from digitlens_train import fonts as font_files
from digitlens_train.mnist import load
from digitlens_train.pages import Hands, enlarged, pages
from photo_score import Picture
from score_fit import Example

HELD_OUT = 5000
"""Training images of MNIST that no network and no score has seen."""
ENLARGED = 5
"""Made pages for one more page with an image of MNIST as it is."""


def page_examples(reader: Reader, count: int, seed: int, fonts: Path | None) -> list[Example]:
    """Measure candidates of made pages, whose digits are among those that training sees."""
    try:
        stay, _ = load(None).train.hold_out(HELD_OUT)
        hands = Hands(stay, font_files.load(fonts) if fonts else ())
    except DigitlensError as error:
        raise click.ClickException(str(error)) from error
    plain = count // ENLARGED
    made = chain(pages(count, seed, hands), enlarged(plain, seed, stay))
    with click.progressbar(made, length=count + plain, label="pages", file=sys.stderr) as shown:
        return list(score_fit.of_pages(shown, reader.glyphs))


def picture_examples(reader: Reader, folders: tuple[Path, ...]) -> list[Example]:
    """Measure candidates of the pictures of all folders."""
    examples = []
    for folder in folders:
        if not (folder / "manifest.json").is_file():
            raise click.UsageError(f"no manifest.json in {folder}; see bench_photos.py --help")
        manifest = json.loads((folder / "manifest.json").read_text())
        pictures = [Picture.from_manifest(entry) for entry in manifest]
        with click.progressbar(pictures, label=folder.name, file=sys.stderr) as shown:
            examples += score_fit.of_pictures(folder, shown, reader.glyphs)
    return examples


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that fitting and cross-validation share."""
    for add in (
        click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged one."),
        click.option(
            "--fonts", type=click.Path(path_type=Path), help="Folder with handwriting fonts."
        ),
        click.option("--seed", default=0, show_default=True, help="Of the made pages."),
        click.option(
            "--pages", "count", type=click.IntRange(21), default=3000, show_default=True,
            help="Made pages.",
        ),
    ):  # fmt: skip
        command = add(command)
    return command


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@options
@click.option("-o", "--output", type=click.Path(path_type=Path), default=PACKAGED,
              help="Default: the package's own file.")  # fmt: skip
def main(
    folders: tuple[Path, ...],
    count: int,
    seed: int,
    fonts: Path | None,
    model: Path | None,
    output: Path,
) -> None:
    """Measure, fit, write."""
    cv2.setNumThreads(1)
    reader = Reader(model)
    measured = picture_examples(reader, folders)
    made = page_examples(reader, count, seed, fonts)
    first = score_fit.fit(made)
    pictures = [score_fit.labelled(example, first) for example in measured]
    score = score_fit.fit([*made, *pictures])
    score = score_fit.packaged(score, reader.contract.weights_sha256)
    score.save(output)
    click.echo(f"{output}: {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
