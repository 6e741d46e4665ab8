"""Write validation images of a run's data set as files: ten digits, and a page with all of them.

python scripts/sample_images.py RUN DIR
"""

import shutil
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.errors import DigitlensError
from digitlens.files import write_png
from digitlens_train.mnist import Split
from digitlens_train.run import Run

PAGE_HEIGHT, PAGE_WIDTH = 420, 900
DIGIT_SIZE = 120
ROWS = ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9))


def typical_of_each(split: Split) -> list[NDArray[np.uint8]]:
    """Return the image of every digit, 0 to 9, that is nearest to the mean of its label."""
    images, labels = split.images.numpy(), split.labels.numpy()
    chosen = []
    for label in range(10):
        some = images[labels == label]
        distances = np.square(some - some.mean(0)).sum((1, 2))
        chosen.append(some[distances.argmin()])
    return chosen


def page(digits: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Draw the digits in two rows, in blue ink on paper that lies in uneven light."""
    random = np.random.default_rng(0)
    light = np.linspace(235, 165, PAGE_WIDTH) + np.linspace(10, -10, PAGE_HEIGHT)[:, np.newaxis]
    paper = light + random.normal(0, 3, light.shape)
    ink = np.zeros((PAGE_HEIGHT, PAGE_WIDTH))
    for row, labels in enumerate(ROWS):
        for column, label in enumerate(labels):
            size = (DIGIT_SIZE, DIGIT_SIZE)
            digit = cv2.resize(digits[label], size, interpolation=cv2.INTER_CUBIC)
            top, left = 50 + 180 * row, 60 + 165 * column + random.integers(-12, 12)
            ink[top : top + DIGIT_SIZE, left : left + DIGIT_SIZE] = digit / 255
    ink = np.clip(ink, 0, 1)[..., np.newaxis]
    return (paper[..., np.newaxis] * (1 - ink) + np.array([120, 50, 30]) * ink).astype(np.uint8)


@click.command(help=__doc__)
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def main(run: Path, folder: Path) -> None:
    """Write `0.png` to `9.png` and `page.png` into `folder`, all of them or none."""
    try:
        digits = typical_of_each(Run(run).validation_images())
    except DigitlensError as error:
        raise click.ClickException(str(error)) from error
    unfinished = folder.with_name(f"{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for label, digit in enumerate(digits):
        write_png(unfinished / f"{label}.png", digit)
    write_png(unfinished / "page.png", page(digits))
    unfinished.rename(folder)


if __name__ == "__main__":
    main()
