"""Draw the README's animation: the test card, as `digitlens camera` shows it.

    python scripts/animation.py docs/camera.gif

Records a few seconds without a window, and writes them as a GIF: fewer, smaller frames, one
palette. Ends with 1 if it is larger than 2 MB.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import click
import cv2
from PIL import Image

from digitlens.files import replacing

FRAMES, EVERY, RATE = 144, 6, 30
WIDTH = 640
COLORS = 32
LARGEST = 2_000_000


def recorded(folder: Path) -> list[Image.Image]:
    """Record the test card, and give every sixth frame, scaled down."""
    video = folder / "camera.mp4"
    command = [sys.executable, "-m", "digitlens", "camera", "test:", "--no-window"]
    command += ["--frames", str(FRAMES), "--fast", "--record", str(video)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    frames, source = [], cv2.VideoCapture(str(video))
    while True:
        is_there, frame = source.read()
        if not is_there:
            return frames[EVERY - 1 :: EVERY]  # the first frames show no digit yet
        height = round(frame.shape[0] * WIDTH / frame.shape[1])
        small = cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA)
        frames.append(Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)))


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
