"""How well made pages are read, stratum by stratum.

    python scripts/bench_pages.py [--stratum sums] [--count 50] [--format table|json]

The pages are drawn from the digits that training holds out, and with --fonts from fonts of
handwriting too; the same seed makes the same pages. MNIST is taken from DIGITLENS_DATA or
downloaded.

Exact: every digit is read and sure, and nothing else is. Recall: of the digits on the pages, those
that are read right and sure. Wrong: of the sure digits. False: pages without digits in which a
sure one is read. ms: time for a page.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import cv2

from bench_photos import contact_sheet, ours
from digitlens import Reader
from digitlens.errors import DigitlensError
from digitlens_train import fonts, mnist
from digitlens_train.pages import STRATA, Hands, Page, make
from photo_score import Answer, Picture, score

HELD_OUT = 5000
"""Training images that are held out, as in training's recipe."""
MAX_SHEET = 400
"""Most pages on a contact sheet."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of the pages of one stratum, or of all; shares are 0…1."""

    pages: int
    exact: float
    recall: float
    wrong_sure: float
    false_sure: float | None
    ms_per_page: float


def summarize(answers: Sequence[Answer]) -> Result:
    """Compute the figures of some answers."""
    found = score(answers)
    has_empty = any(not answer.picture.labels for answer in answers)
    return Result(
        pages=len(answers),
        exact=found.exact,
        recall=found.recall,
        wrong_sure=found.wrong_sure,
        false_sure=found.false_sure if has_empty else None,
        ms_per_page=1000 * sum(answer.seconds for answer in answers) / len(answers),
    )


def picture(page: Page, number: int) -> Picture:
    """Describe a page as bench_photos.py does a photo."""
    name = f"{page.stratum}_{number:04}.png"
    return Picture(name, page.stratum, page.labels, page.is_scattered, "pages")


def entry(described: Picture) -> dict[str, Any]:
    """Return the entry of a manifest for a page."""
    return {
        "file": described.file,
        "kind": described.kind,
        "labels": list(described.labels),
        "layout": "scattered" if described.is_scattered else "rows",
        "origin": described.origin,
    }


def made(strata: Iterable[str], count: int, seed: int, hands: Hands) -> Iterator[tuple[Page, int]]:
    """Yield pages and their numbers in the stratum."""
    for stratum in strata:
        for number in range(count):
            yield make(stratum, (seed << 32) + number, hands), number


def measure(
    numbered: Iterable[tuple[Page, int]], reader: Reader, keep: Callable[[Page, Answer], None]
) -> list[Answer]:
    """Read pages; call `keep` with each page and its answer."""
    read, answers = ours(reader), []
    for page, number in numbered:
        start = time.perf_counter()
        digits = tuple(read(page.image))
        seconds = time.perf_counter() - start
        megapixels = page.image.shape[0] * page.image.shape[1] / 1e6
        answers.append(Answer(picture(page, number), digits, seconds, megapixels))
        keep(page, answers[-1])
    return answers


def report(answers: Sequence[Answer]) -> dict[str, Result]:
    """Compute the figures of each stratum, and of all pages."""
    strata = dict.fromkeys(answer.picture.kind for answer in answers)
    results = {name: summarize([a for a in answers if a.picture.kind == name]) for name in strata}
    return results | {ALL: summarize(answers)}


def print_table(results: dict[str, Result]) -> None:
    """Print a line for each stratum."""
    click.echo(
        f"{'stratum':<12}{'pages':>7}{'exact':>8}{'recall':>8}{'wrong':>8}{'false':>8}{'ms':>7}"
    )
    for name, r in results.items():
        false = "-" if r.false_sure is None else f"{r.false_sure:.1%}"
        click.echo(
            f"{name:<12}{r.pages:>7}{r.exact:>8.1%}{r.recall:>8.1%}{r.wrong_sure:>8.2%}"
            f"{false:>8}{r.ms_per_page:>7.1f}"
        )


def load_hands(folder: Path | None) -> Hands:
    """Load the digits that training holds out, and fonts from a folder."""
    loaded = fonts.load(folder) if folder else []
    return Hands(mnist.load().train.hold_out(HELD_OUT)[1], loaded)


@click.command(help=__doc__)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="Seed of the pages.")  # fmt: skip
@click.option("--stratum", "strata", multiple=True, type=click.Choice(STRATA), metavar="NAME",
              help="Measure this stratum only; repeatable.")  # fmt: skip
@click.option("--count", type=click.IntRange(1), default=50, show_default=True,
              help="Pages in a stratum.")  # fmt: skip
@click.option("--fonts", "font_folder", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder of handwriting fonts.")  # fmt: skip
@click.option("--model", type=click.Path(path_type=Path), metavar="FILE",
              help="Model file. [default: the packaged model]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table",
              show_default=True, help="Output format.")  # fmt: skip
@click.option("--sheet", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Draw the pages that were not read exactly.")  # fmt: skip
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write the pages and a manifest.json for bench_photos.py.")  # fmt: skip
def main(
    seed: int,
    strata: tuple[str, ...],
    count: int,
    font_folder: Path | None,
    model: Path | None,
    form: str,
    sheet: Path | None,
    folder: Path | None,
) -> None:
    """Make pages, read them, print figures."""
    cv2.setNumThreads(1)
    try:
        reader, hands = Reader(model), load_hands(font_folder)
        with TemporaryDirectory() as scratch:
            pages = made(strata or STRATA, count, seed, hands)
            answers = _measured(pages, reader, folder, Path(scratch), sheet)
    except (DigitlensError, OSError) as error:
        raise click.ClickException(" ".join(str(error).split())) from error
    results = report(answers)
    if form == "table":
        print_table(results)
        return
    figures = {name: _figures(result) for name, result in results.items()}
    overall = figures.pop(ALL)
    click.echo(json.dumps({"seed": seed, "count": count, "strata": figures, ALL: overall}))


def _measured(
    pages: Iterable[tuple[Page, int]],
    reader: Reader,
    folder: Path | None,
    scratch: Path,
    sheet: Path | None,
) -> list[Answer]:
    """Read pages; write them, and a sheet of those that were not read exactly."""
    wrong: list[Answer] = []

    def keep(page: Page, answer: Answer) -> None:
        if folder:
            _write(folder / answer.picture.file, page)
        if sheet and not answer.is_exact and len(wrong) < MAX_SHEET:
            wrong.append(answer)
            _write(scratch / answer.picture.file, page)

    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    answers = measure(pages, reader, keep)
    if folder:
        manifest = [entry(answer.picture) for answer in answers]
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    if sheet and wrong and not cv2.imwrite(str(sheet), contact_sheet(scratch, wrong)):
        raise OSError(f"cannot write {sheet}; choose a file in an existing folder")
    return answers


def _write(path: Path, page: Page) -> None:
    if not cv2.imwrite(str(path), page.image):
        raise OSError(f"cannot write {path}; choose another folder")


def _figures(result: Result) -> dict[str, Any]:
    return {name: getattr(result, name) for name in Result.__dataclass_fields__}


if __name__ == "__main__":
    main()
