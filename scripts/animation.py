"""Draw the README's animation: the test card, as `digitlens camera` shows it.

    python scripts/animation.py docs/camera.gif

Records a few seconds without a window, and writes them as a GIF: fewer, smaller frames, one
palette. Ends with 1 if it is larger than 2 MB, or shows a digit as sure that is another one.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import cv2
from PIL import Image

from digitlens.capture.test_card import Card
from digitlens.files import replacing
from digitlens.reading import UNSURE

FRAMES, EVERY, RATE = 144, 6, 30
WIDTH = 640
COLORS = 32
LARGEST = 2_000_000


def recorded(folder: Path) -> list[Image.Image]:
    """Record the test pattern, and return every sixth frame, scaled down."""
    video = folder / "camera.mp4"
    command = [sys.executable, "-m", "digitlens", "camera", "test:", "--no-window"]
    command += ["--frames", str(FRAMES), "--fast", "--record", str(video), "--format", "json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    check([json.loads(line) for line in done.stdout.splitlines()])
    frames, source = [], cv2.VideoCapture(str(video))
    while True:
        is_there, frame = source.read()
        if not is_there:
            return frames[EVERY - 1 :: EVERY]  # the first frames show no digit yet
        height = round(frame.shape[0] * WIDTH / frame.shape[1])
        small = cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA)
        frames.append(Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)))


def check(readings: Sequence[dict[str, Any]]) -> None:
    """Refuse readings in which a sure digit is not the one of the pattern."""
    card = Card()
    for reading in readings[EVERY - 1 :]:
        truth = card.text(reading["frame"])
        pairs = zip(reading["text"], truth, strict=False)
        is_wrong = any(read != true and UNSURE not in (read, true) for read, true in pairs)
        if is_wrong or len(reading["text"]) != len(truth):
            number, text = reading["frame"], reading["text"]
            raise click.ClickException(f"frame {number} is read as {text!r} instead of {truth!r}")


@click.command(help=__doc__)
@click.argument("target", type=click.Path(path_type=Path))
def main(target: Path) -> None:
    """Record, and write the GIF."""
    with tempfile.TemporaryDirectory() as name:
        frames = recorded(Path(name))
    palette = frames[-1].quantize(COLORS, method=Image.Quantize.MEDIANCUT)
    few = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with replacing(target) as temporary:
        few[0].save(
            temporary,
            save_all=True,
            append_images=few[1:],
            duration=1000 * EVERY // RATE,
            loop=0,
            optimize=False,
        )
        size = temporary.stat().st_size
        if size > LARGEST:
            raise click.ClickException(f"{size:,} bytes are more than {LARGEST:,}: fewer frames")
    click.echo(f"{target}: {len(few)} frames, {size:,} bytes")


if __name__ == "__main__":
    main()
