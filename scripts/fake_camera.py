"""Make a clip that Chromium plays as if a camera saw it.

    python scripts/fake_camera.py desk.mjpeg
    chromium --use-fake-ui-for-media-stream --use-fake-device-for-media-stream \
        --use-file-for-fake-video-capture=desk.mjpeg http://127.0.0.1:8765/#photo

The clip is the test card of `digitlens camera test:`, as one JPEG after the other.
"""

from pathlib import Path

import click
import cv2

from digitlens.capture.test_card import Card
from digitlens.files import write_bytes


@click.command(help=__doc__)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--frames", default=30, show_default=True)
@click.option("--digits", default=10, show_default=True)
def main(path: Path, frames: int, digits: int) -> None:
    """Write the clip."""
    card = Card(digits=digits)
    jpegs = (cv2.imencode(".jpg", card.frame(number))[1].tobytes() for number in range(frames))
    write_bytes(path, b"".join(jpegs))
    click.echo(path)


if __name__ == "__main__":
    main()
