"""How many photos are still read when a frame, an underline or boxes are drawn into them.

    python scripts/bench_marks.py FOLDER [--sheet lost.png] [--format table|json]

FOLDER holds pictures with a manifest.json, as for bench_photos.py. Of its photos, those that are
read exactly are drawn on with the color and about the width of their own ink: a frame around all
digits, an underline below each row, or a box around each digit. Photos in which the mark would
cross a digit or leave the picture are left out.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from bench_photos import contact_sheet, ours
from digitlens import Digit, Reader, sources
from photo_score import Answer, Picture

Frame = NDArray[np.uint8]
Box = tuple[int, int, int, int]

WIDTH = 0.06
"""Width of a mark as a share of a digit's larger side."""
FRAME_GAP, UNDERLINE_GAP, BOX_GAP = 0.45, 0.2, 0.2
"""Distance of each mark from the digits, as a share of their size."""


@dataclass(frozen=True, slots=True)
class Result:
    """Photos that one mark was drawn into, and how many of them are still read exactly."""

    photos: int
    exact: int


def framed(boxes: Sequence[Box], size: float) -> list[Box]:
    """Return one box around all digits."""
    return [_grown(_around(boxes), FRAME_GAP * size)]


def underlined(boxes: Sequence[Box], size: float) -> list[Box]:
    """Return a flat box below all digits, which must be one row."""
    left, _, width, _ = _around(boxes)
    bottom = max(box[1] + box[3] for box in boxes)
    return [(left, round(bottom + UNDERLINE_GAP * size), width, 0)]


def boxed(boxes: Sequence[Box], size: float) -> list[Box]:
    """Return a box around each digit."""
    return [_grown(box, BOX_GAP * size) for box in boxes]


MARKS: dict[str, Callable[[Sequence[Box], float], list[Box]]] = {
    "frame": framed,
    "underline": underlined,
    "box": boxed,
}


def marked(frame: Frame, digits: Sequence[Digit], mark: str) -> Frame | None:
    """Return a picture with a mark drawn into it, or None if it would cross a digit."""
    boxes = [digit.box for digit in digits]
    size = float(np.median([max(box[2:]) for box in boxes]))
    thickness = max(round(WIDTH * size), 2)
    drawn = frame.copy()
    rows = [boxes]
    if mark == "underline":
        lines = dict.fromkeys(digit.line for digit in digits)
        rows = [[digit.box for digit in digits if digit.line == line] for line in lines]
    for row in rows:
        for x, y, width, height in MARKS[mark](row, size):
            corners = (x, y), (x + width, y + height)
            line = np.zeros(frame.shape[:2], np.uint8)
            cv2.rectangle(line, *corners, 1, thickness)
            crosses = any(line[b[1] : b[1] + b[3], b[0] : b[0] + b[2]].any() for b in boxes)
            is_inside = min(x, y) >= 0 and x + width < line.shape[1] and y + height < len(line)
            if crosses or not is_inside:
                return None
            cv2.rectangle(drawn, *corners, ink(frame, boxes[0]), thickness, cv2.LINE_AA)
    return drawn


def ink(frame: Frame, box: Box) -> tuple[float, ...]:
    """Return the mean color of the tenth of a box that differs most from its median."""
    x, y, width, height = box
    pixels = frame[y : y + height, x : x + width].reshape(-1, 3).astype(float)
    distance = np.abs(pixels - np.median(pixels, axis=0)).sum(1)
    return tuple(pixels[distance >= np.percentile(distance, 90)].mean(0).tolist())


def measure(reader: Reader, folder: Path, pictures: Sequence[Picture]) -> dict[str, list[Answer]]:
    """Read the photos that are read exactly again with each mark."""
    answers: dict[str, list[Answer]] = {mark: [] for mark in MARKS}
    read = ours(reader)
    for picture in pictures:
        frame = sources.read(folder / picture.file)
        if not Answer(picture, tuple(read(frame)), 0.0, 1.0).is_exact:
            continue
        digits = reader.read(frame).digits
        for mark in MARKS:
            drawn = marked(frame, digits, mark)
            if drawn is not None:
                answers[mark].append(Answer(picture, tuple(read(drawn)), 0.0, 1.0))
    return answers


def _around(boxes: Sequence[Box]) -> Box:
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
    (left, top), (right, bottom) = corners[:, :2].min(0).tolist(), corners[:, 2:].max(0).tolist()
    return left, top, right - left, bottom - top


def _grown(box: Box, by: float) -> Box:
    x, y, width, height = box
    return round(x - by), round(y - by), round(width + 2 * by), round(height + 2 * by)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged one.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Draw the photos that are lost.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def main(folder: Path, model: Path | None, sheet: Path | None, form: str) -> None:
    """Measure, print."""
    cv2.setNumThreads(1)
    if not (folder / "manifest.json").is_file():
        raise click.UsageError(f"no manifest.json in {folder}; see bench_photos.py --help")
    manifest = json.loads((folder / "manifest.json").read_text())
    pictures = [Picture.from_manifest(entry) for entry in manifest if entry["kind"] == "photo"]
    answers = measure(Reader(model), folder, [each for each in pictures if each.labels])
    results = {
        mark: Result(len(some), sum(each.is_exact for each in some))
        for mark, some in answers.items()
    }
    if sheet:
        lost = [each for some in answers.values() for each in some if not each.is_exact]
        if lost:
            cv2.imwrite(str(sheet), contact_sheet(folder, lost))
    if form == "json":
        click.echo(json.dumps({mark: asdict(result) for mark, result in results.items()}, indent=1))
        return
    click.echo(f"{'mark':<12}{'photos':>8}{'exact':>8}")
    for mark, result in results.items():
        share = result.exact / max(result.photos, 1)
        click.echo(f"{mark:<12}{result.photos:>8}{share:>8.1%}")


if __name__ == "__main__":
    main()
