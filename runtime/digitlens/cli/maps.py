"""`digitlens maps`."""

import os
from pathlib import Path

import click

from digitlens.cli.images import read_image
from digitlens.cli.options import model_option, provider_option
from digitlens.cli.stderr import silence_libraries


@click.command(epilog="Example: digitlens maps photo.png -o maps.png --tap conv1 --tap conv3")
@click.argument("image")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="The picture. Default: IMAGE's name with -maps.png, in the current folder.",
)
@click.option(
    "--tap",
    "names",
    multiple=True,
    metavar="NAME",
    help="Draw this tap only; may be given several times.",
)
@click.option(
    "--digit",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Which digit of the image, in reading order.",
)
@model_option
@provider_option
def maps(
    image: str,
    output: Path | None,
    names: tuple[str, ...],
    digit: int,
    model: Path | None,
    provider: str,
) -> None:
    """Draw what the network sees in one digit of IMAGE, a file, or - for standard input.

    The picture shows the image, the glyph that the network was given, the ten outputs with their
    probabilities, and the feature maps of every layer.
    """
    from digitlens import maps as drawing
    from digitlens import sources
    from digitlens.errors import ImageError, UsageError
    from digitlens.files import write_png
    from digitlens.reader import Reader

    silence_libraries()
    stem = "stdin" if image == sources.STDIN else Path(image).stem
    target = output or Path(f"{stem}-maps.png")
    if target.suffix.lower() != ".png":
        raise UsageError(f"cannot write {target}: give a name that ends in .png")
    if os.path.realpath(target) == os.path.realpath(image):
        raise UsageError(f"cannot write {target}: it is the image itself; give another name")
    reader = Reader(model, provider=provider)
    known = {tap.name: tap for tap in reader.contract.taps}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no tap {unknown[0]!r}: the model has {', '.join(known)}")
    frame = read_image(image)
    reading = reader.read(frame, taps=True)
    if not reading.digits:
        raise ImageError(f"{image}: no digits found, so nothing to draw; try another image")
    chosen = [known[name] for name in names] if names else list(known.values())
    write_png(target, drawing.draw(frame, reading, chosen, digit - 1))
    if len(reading.digits) > 1:
        click.echo(f"digit {digit} of {len(reading.digits)}; --digit chooses another", err=True)
    click.echo(target)
