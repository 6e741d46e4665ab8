"""`digitlens classify`."""

import os
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitlens.cli.images import read_image
from digitlens.cli.options import (
    format_option,
    min_confidence_option,
    model_option,
    provider_option,
)
from digitlens.cli.printing import PRINTERS
from digitlens.cli.stderr import silence_libraries
from digitlens.text import error_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitlens.reader import Reader
    from digitlens.reading import Reading


@click.command(
    epilog="Examples: digitlens classify photo.png; digitlens classify scans --format json; "
    "digitlens classify - < photo.png; digitlens classify photo.png --explain why"
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@model_option
@provider_option
@format_option("table", "json", "csv")
@min_confidence_option
@click.option(
    "--explain",
    "explain_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw how every image was read into this folder, as NAME-explained.png: the steps, "
    "and why each sign is a digit, not sure, or dropped.",
)
@click.option(
    "--maps",
    "maps_folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw the feature maps of every digit into this folder, as NAME-NUMBER.png.",
)
def classify(
    paths: tuple[str, ...],
    model: Path | None,
    provider: str,
    form: str,
    min_confidence: float | None,
    explain_folder: Path | None,
    maps_folder: Path | None,
) -> int:
    """Read the digits of image files.

    A PATH is an image file, a folder, which is walked in natural order without hidden files, or
    - for an image on standard input. PNG, JPEG, BMP, WebP, GIF and TIFF are read, of several pages
    or frames the first. An image of 28×28 pixels is one digit, as in MNIST; in others the digits
    are searched. A digit that is not sure is a question mark; --explain shows why. json is one
    object a line, one line an image.

    Exits with 1 if an image could not be read, with 2 if a PATH is not there or a folder cannot be
    written; all others are read.
    """
    from digitlens.errors import DigitlensError
    from digitlens.reader import Reader

    silence_libraries()
    reader = Reader(model, provider=provider, min_confidence=min_confidence)
    printer = PRINTERS[form]()
    every = list(_sources(paths))
    drawers: list[_Drawer] = []
    if maps_folder or explain_folder:
        images = {os.path.realpath(source) for source, _ in every}
        if maps_folder:
            drawers.append(_Drawer(maps_folder, images, partial(_draw_maps, reader)))
        if explain_folder:
            drawers.append(_Drawer(explain_folder, images, partial(_draw_explanation, reader)))
    status = 0
    for source, path_error in every:
        try:
            if path_error:
                raise path_error
            image = read_image(source)
            reading = reader.read(image, taps=maps_folder is not None)
        except DigitlensError as error:
            status = max(status, error.exit_code)
            printer(source, error)
            continue
        printer(source, reading)
        for drawer in drawers:
            try:
                drawer.draw(source, image, reading)
            except DigitlensError as error:
                status = max(status, error.exit_code)
                click.echo(error_line(str(error)), err=True)
    return status


def _sources(paths: tuple[str, ...]) -> Iterator[tuple[str, Exception | None]]:
    """Give every image file in order, or a path with the reason why it stands for none."""
    from digitlens import sources
    from digitlens.errors import DigitlensError

    for path in paths:
        try:
            for source in sources.expand(path):
                yield source, None
        except DigitlensError as error:
            yield path, error


def _draw_maps(
    reader: "Reader", image: "NDArray[np.uint8]", reading: "Reading"
) -> "Iterator[tuple[str, NDArray[np.uint8]]]":
    from digitlens import maps

    for number in range(len(reading.digits)):
        yield f"-{number + 1}", maps.draw(image, reading, reader.contract.taps, number)


def _draw_explanation(
    reader: "Reader", image: "NDArray[np.uint8]", reading: "Reading"
) -> "Iterator[tuple[str, NDArray[np.uint8]]]":
    del reading
    yield "-explained", reader.explain(image)


class _Drawer:
    """Draws pictures of images into a folder, under names that do not collide.

    Args:
        folder: is made.
        images: what is read, and must not be drawn over.
        draw_all: gives each picture with what follows the image's name in its own.
    """

    def __init__(
        self,
        folder: Path,
        images: Collection[str],
        draw_all: "Callable[..., Iterator[tuple[str, NDArray[np.uint8]]]]",
    ) -> None:
        from digitlens.files import make_folder

        make_folder(folder)
        self.folder, self.images, self.draw_all = folder, images, draw_all
        self.used: set[str] = set()

    def draw(self, source: str, image: "NDArray[np.uint8]", reading: "Reading") -> None:
        from digitlens import sources
        from digitlens.errors import UsageError
        from digitlens.files import write_png

        stem = self._free(Path(source).stem if source != sources.STDIN else "stdin")
        for ending, picture in self.draw_all(image, reading):
            target = self.folder / f"{stem}{ending}.png"
            if os.path.realpath(target) in self.images:
                raise UsageError(f"cannot write {target}: it is one of the images that are read")
            write_png(target, picture)

    def _free(self, stem: str) -> str:
        name, count = stem, 1
        while name in self.used:
            count += 1
            name = f"{stem}_{count}"
        self.used.add(name)
        return name
