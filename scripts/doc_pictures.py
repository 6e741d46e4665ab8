"""Draw the pictures of the documentation that come from the test pattern.

    python scripts/doc_pictures.py docs

Writes `camera.png` and `camera-explain.png`, the window of `digitlens camera test:` and the same
after the key e, `maps.png` as `digitlens maps` draws it, and `explain.png`, for which an X, a
frame and an underline are drawn into the pattern. Ends with 1 if the digits that are read are not
those of the pattern.
"""

from collections.abc import Sequence
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import Reader, maps, watch
from digitlens.capture.test_card import Card
from digitlens.files import write_png
from digitlens.live import view
from digitlens.live.stage import Stage

Picture = NDArray[np.uint8]

FRAME = 30
"""The frame of the window: none of its digits is fading."""
CHOSEN = 4
"""Number of the digit in the panel."""
INK = (60, 50, 50)


def window(reader: Reader, *, explains: bool) -> Picture:
    """Draw the window of the live view at its first size."""
    card = Card()
    with watch("test:", fast=True) as readings:
        reading = next(each for number, each in enumerate(readings) if number == FRAME)
    check(reading.text, card.text(FRAME))
    stage = Stage(reader)
    for _ in range(CHOSEN):
        stage.choose_next(reading)
    stage.explains = explains
    return view.draw(stage.scene(reading, ()), *view.usual_size(card.width, card.height))[0]


def all_maps(reader: Reader) -> Picture:
    """Draw the feature maps of a sheet with ten digits."""
    card = Card(900, 420)
    frame = card.frame(0)
    reading = reader.read(frame, taps=True)
    check(reading.text, card.text(0))
    return maps.draw(frame, reading, reader.contract.taps, CHOSEN)


def explained(reader: Reader) -> Picture:
    """Draw how eight digits are found next to an X, in a frame and above an underline."""
    card = Card(900, 480, digits=8)
    frame = card.frame(0)
    boxes = card.boxes(0)
    cv2.putText(frame, "X", (18, 250), cv2.FONT_HERSHEY_SIMPLEX, 2, INK, 6, cv2.LINE_AA)
    left, top, side, _ = boxes[3]
    cv2.rectangle(frame, (left - 8, top - 8), (left + side + 8, top + side + 8), INK, 5)
    (left, top, side, _), (right, *_) = boxes[4], boxes[7]
    start, end = (left, top + side + 16), (right + side, top + side + 12)
    cv2.line(frame, start, end, INK, 5, cv2.LINE_AA)
    check(reader.read(frame).text, card.text(0))
    return reader.explain(frame)


def check(text: str, truth: str) -> None:
    """Refuse a picture that does not show its truth."""
    if text != truth:
        raise click.ClickException(f"read {text!r} instead of {truth!r}")


def pictures(reader: Reader) -> Sequence[tuple[str, Picture]]:
    """Draw all, by name."""
    return [
        ("camera.png", window(reader, explains=False)),
        ("camera-explain.png", window(reader, explains=True)),
        ("maps.png", all_maps(reader)),
        ("explain.png", explained(reader)),
    ]


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Draw, write."""
    cv2.setNumThreads(1)
    for name, picture in pictures(Reader()):
        write_png(folder / name, picture)
        click.echo(f"{folder / name}: {(folder / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
