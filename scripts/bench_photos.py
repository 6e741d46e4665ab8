"""How well photos of digits are read, beside the usual pipelines and RapidOCR.

    python scripts/bench_photos.py FOLDER [--peers] [--sheet wrong.png] [--format table|json]

FOLDER holds pictures and manifest.json: a list of objects with `file`, `kind` (a group that is
scored apart), `labels` (the digits in reading order), `origin` (means are taken over origins) and
`layout`, where "scattered" means that the order is of no matter. `scripts/no_digits.py` makes
such a folder of pictures without digits.

Exact: every digit of the labels is read and sure, and nothing else is. Recall and precision count
sure digits in the best alignment with the labels. Wrong: of the sure digits. Coverage: sure digits
over labelled ones. False: pictures without digits in which a sure one is read.

With --peers: the pipeline of most tutorials (Otsu's threshold, external contours, every box
stretched to 28×28), the same with MNIST's fit, both with our network; and RapidOCR 3.10
(`pip install rapidocr==3.10.0`) without angle classification, the whole picture read where it
detects nothing.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import Reader, sources
from digitlens.contract import PROBABILITIES
from digitlens.vision import mnist_format
from photo_score import Answer, Given, Picture, Score, coverage_curve, score

Frame = NDArray[np.uint8]
Contender = Callable[[Frame], Sequence[Given]]

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
SHEET_TILE = 360, 300


def ours(reader: Reader) -> Contender:
    """Read with digitlens."""

    def read(frame: Frame) -> list[Given]:
        return [Given(d.label, d.sure, d.confidence) for d in reader.read(frame).digits]

    return read


def tutorial(reader: Reader, *, is_fitted: bool) -> Contender:
    """Read with Otsu's threshold and external contours, left to right, rows by their boxes."""

    def read(frame: Frame) -> list[Given]:
        gray = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (5, 5), 0)
        _, ink = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
        contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        boxes = [box for box in map(cv2.boundingRect, contours) if box[3] > 10 and box[2] > 3]
        images = []
        for x, y, width, height in _in_rows(boxes):
            cut = np.asarray(ink[y : y + height, x : x + width], np.uint8)
            stretched = np.asarray(cv2.resize(cut, (28, 28), interpolation=cv2.INTER_AREA))
            images.append(mnist_format.mnist_image(cut) if is_fitted else stretched)
        glyphs = np.array([mnist_format.glyph(image) for image in images], np.float32)
        found = reader.session.run(glyphs.reshape(-1, 32, 32), [PROBABILITIES])[PROBABILITIES]
        return [Given(int(each.argmax()), confidence=float(each.max())) for each in found]

    return read


def _in_rows(boxes: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    rows: list[list[Sequence[int]]] = []
    for box in sorted(boxes, key=lambda box: box[1]):
        if rows and box[1] < rows[-1][0][1] + rows[-1][0][3] / 2:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [box for row in rows for box in sorted(row)]


def rapid_ocr() -> Contender:
    """Read with RapidOCR; of its text, digits alone."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(frame: Frame) -> list[Given]:
        # The engine remembers these switches, so all are given at every call.
        result = engine(frame, use_det=True, use_cls=False, use_rec=True)
        if not result.txts:
            result = engine(frame, use_det=False, use_cls=False, use_rec=True)
        return [
            Given(int(letter), confidence=float(confidence))
            for text, confidence in zip(result.txts or (), result.scores or (), strict=True)
            for letter in text
            if letter in "0123456789"
        ]

    return read


def answers(folder: Path, pictures: Sequence[Picture], contender: Contender) -> list[Answer]:
    """Let a contender read every picture; the time is that from the decoded frame on."""
    given = []
    for picture in pictures:
        frame = sources.read(folder / picture.file)
        start = time.perf_counter()
        digits = tuple(contender(frame))
        seconds = time.perf_counter() - start
        given.append(Answer(picture, digits, seconds, frame.shape[0] * frame.shape[1] / 1e6))
    return given


def by_kind(given: Sequence[Answer]) -> dict[str, Score]:
    """Score each kind of picture apart."""
    kinds = dict.fromkeys(answer.picture.kind for answer in given)
    return {kind: score([a for a in given if a.picture.kind == kind]) for kind in kinds}


def contact_sheet(folder: Path, given: Sequence[Answer]) -> Frame:
    """Lay out all that was not read exactly: uint8 `[h, w, 3]`."""
    tiles = []
    width, height = SHEET_TILE
    for answer in given:
        frame = sources.read(folder / answer.picture.file)
        scale = min(width / frame.shape[1], (height - 40) / frame.shape[0])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((height, width, 3), 255, np.uint8)
        tile[40 : 40 + small.shape[0], : small.shape[1]] = small[: height - 40, :width]
        read = "".join(str(d.label) if d.sure else "?" for d in answer.digits)
        labels = "".join(map(str, answer.picture.labels))
        for row, text in ((14, f"{answer.picture.file[:30]} is {labels}"), (32, f"read {read}")):
            cv2.putText(tile, text, (4, row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 200), 1)
        tiles.append(tile)
    tiles += [np.full((height, width, 3), 255, np.uint8)] * (-len(tiles) % 4)
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles), 4)]
    return np.asarray(np.vstack(rows), np.uint8)


def print_table(name: str, scores: dict[str, Score]) -> None:
    """Print a line for each kind of picture."""
    for kind, s in scores.items():
        click.echo(
            f"{name:<18}{kind:<8}{s.pictures:>9}{s.exact:>8.1%}{s.exact_by_origin:>11.1%}"
            f"{s.recall:>8.1%}{s.precision:>11.1%}{s.f1:>7.3f}{s.wrong_sure:>8.2%}"
            f"{s.coverage:>10.1%}{s.false_sure:>8.1%}{s.ms_per_megapixel:>8.0f}"
        )


HEADER = (
    f"{'contender':<18}{'kind':<8}{'pictures':>9}{'exact':>8}{'by origin':>11}{'recall':>8}"
    f"{'precision':>11}{'F1':>7}{'wrong':>8}{'coverage':>10}{'false':>8}{'ms/MP':>8}"
)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--model", type=click.Path(path_type=Path), help="Default: the packaged model.")
@click.option("--peers", is_flag=True, help="Measure the other pipelines too.")
@click.option("--hold-out", multiple=True, metavar="ORIGIN", help="Score this origin apart.")
@click.option("--sheet", type=click.Path(path_type=Path), help="Draw what was read wrong.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def main(
    folder: Path,
    model: Path | None,
    peers: bool,
    hold_out: tuple[str, ...],
    sheet: Path | None,
    form: str,
) -> None:
    """Measure, print, draw."""
    cv2.setNumThreads(1)
    manifest = json.loads((folder / "manifest.json").read_text())
    pictures = [Picture.from_manifest(entry, hold_out) for entry in manifest]
    reader = Reader(model)
    contenders: dict[str, Contender] = {"digitlens": ours(reader)}
    if peers:
        contenders["tutorial"] = tutorial(reader, is_fitted=False)
        contenders["tutorial, fitted"] = tutorial(reader, is_fitted=True)
        if find_spec("rapidocr"):
            contenders["RapidOCR"] = rapid_ocr()
        else:
            click.echo("RapidOCR is left out: pip install rapidocr==3.10.0", err=True)
    record: dict[str, Any] = {}
    if form == "table":
        click.echo(HEADER)
    for name, contender in contenders.items():
        given = answers(folder, pictures, contender)
        scores = by_kind(given)
        record[name] = {kind: asdict(s) for kind, s in scores.items()}
        if form == "table":
            print_table(name, scores)
        if name == "digitlens":
            curve = coverage_curve(given, THRESHOLDS)
            wrong = [answer for answer in given if not answer.is_exact]
    if form == "json":
        click.echo(json.dumps({"scores": record, "curve": [asdict(p) for p in curve]}))
    else:
        click.echo("\nconfidence from   coverage   accuracy")
        for point in curve:
            click.echo(f"{point.threshold:>15}{point.coverage:>11.1%}{point.accuracy:>11.2%}")
    if sheet and wrong:
        cv2.imwrite(str(sheet), contact_sheet(folder, wrong))


if __name__ == "__main__":
    main()
