"""Measure how digits are steadied in the test pattern: how honest, how late, how restless.

    python scripts/bench_live.py --frames 240 --format json

Reads frames of the test pattern, 640×480 with ten digits, with the packaged model and its tracker,
one after the other as fast as they can be read. Every two seconds of the pattern one digit fades
into another one. The first ten frames are not counted.

contradicted: percentage of frames in which some digit is shown as sure with a label that is not
the one of the pattern, or not what that frame on its own surely reads.

lag: frames from the end of a fade until the new label is shown as sure, median; below 0 it is
shown before the fade ends.

flicker: changes of a digit's shown label, of sure to unsure and back, of shown to missing and back,
per digit and minute at 30 fps. Those in a fade and within half a second after it do not count.

unsure, missing: percentage of all digits in all frames that are shown as unsure, or not shown.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median

import click
import cv2

from digitlens import Digit, Reader
from digitlens.capture.test_card import Card
from digitlens.live.tracker import Tracker

FAINT = "?"
NOISES = (4.0, 16.0)
FIRST = 10
"""Frames in which the digits appear."""
REST = 15
"""Frames after a fade in which changes are not flicker."""
MINUTE = 60 * 30
"""Frames at 30 fps."""

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sight:
    """One digit of the pattern in one frame.

    Attributes:
        truth: its label, or `?` while it is too faint.
        settled: whether it has all of its ink.
        shown: what the tracker shows of it.
        single: what the reader reads in this frame.
    """

    truth: str
    settled: bool
    shown: Digit | None
    single: Digit | None

    @property
    def state(self) -> tuple[int, bool] | None:
        """The shown label and whether it is sure."""
        return None if self.shown is None else (self.shown.label, self.shown.sure)

    @property
    def is_contradicted(self) -> bool:
        """Whether it is shown as sure, and the pattern or the frame says otherwise."""
        if self.shown is None or not self.shown.sure:
            return False
        is_false = self.truth not in (str(self.shown.label), FAINT)
        single = self.single
        return is_false or bool(single and single.sure and single.label != self.shown.label)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; see the top of the script."""

    noise: float
    frames: int
    contradicted: float
    lag: float | None
    flicker: float
    unsure: float
    missing: float


def sights(card: Card, reader: Reader, frames: int) -> list[list[Sight]]:
    """Read the pattern; return the frames of each of its digits."""
    tracker = Tracker(reader.contract.labels, reader.min_confidence, reader.min_score)
    found: list[list[Sight]] = [[] for _ in range(card.digits)]
    for number in range(FIRST + frames):
        singles = reader.read(card.frame(number)).digits
        shown = tracker.steady(singles)
        if number < FIRST:
            continue
        truth, settled = card.text(number).replace("\n", ""), card.settled(number)
        for digit, box in enumerate(card.boxes(number)):
            sight = Sight(truth[digit], settled[digit], within(box, shown), within(box, singles))
            found[digit].append(sight)
    return found


def within(box: Box, digits: Sequence[Digit]) -> Digit | None:
    """Return the digit whose center is within a box."""
    left, top, width, height = box
    for digit in digits:
        x, y, wide, tall = digit.box
        if 0 <= x + wide / 2 - left < width and 0 <= y + tall / 2 - top < height:
            return digit
    return None


def lags(sights: Sequence[Sight]) -> list[int]:
    """Return for each fade the frames from its end until the new label is shown as sure."""
    ends = [
        number
        for number in range(1, len(sights))
        if sights[number].settled and not sights[number - 1].settled
    ]
    found = []
    for end in ends:
        state = int(sights[end].truth), True
        first = end
        while first and sights[first - 1].state == state:
            first -= 1
        while first < len(sights) and sights[first].state != state:
            first += 1
        found.append(first - end)
    return found


def flickers(sights: Sequence[Sight]) -> tuple[int, int]:
    """Return the number of changes in frames well after a fade, and of these frames."""
    changes = frames = rest = 0
    for before, now in pairwise(sights):
        rest = rest - 1 if now.settled else REST
        if rest < 0:
            frames += 1
            changes += before.state != now.state
    return changes, frames


def measure(noise: float, reader: Reader, frames: int) -> Figures:
    """Read the pattern with some noise."""
    digits = sights(Card(noise=noise), reader, frames)
    every = [sight for each in digits for sight in each]
    late = [lag for each in digits for lag in lags(each)]
    changes, calm = (sum(counts) for counts in zip(*map(flickers, digits), strict=True))
    contradicted = sum(
        any(sight.is_contradicted for sight in frame) for frame in zip(*digits, strict=True)
    )
    unsure = sum(sight.shown is not None and not sight.shown.sure for sight in every)
    missing = sum(sight.shown is None for sight in every)
    return Figures(
        noise=noise,
        frames=frames,
        contradicted=round(100 * contradicted / frames, 2),
        lag=median(late) if late else None,
        flicker=round(MINUTE * changes / calm, 2),
        unsure=round(100 * unsure / len(every), 2),
        missing=round(100 * missing / len(every), 2),
    )


def table(rows: Sequence[Figures]) -> str:
    """Return the rows as text."""
    lines = [f"{'noise':>5}{'frames':>8}{'contradicted':>14}{'lag':>6}{'flicker':>9}"]
    lines[0] += f"{'unsure':>9}{'missing':>9}"
    for row in rows:
        lag = "-" if row.lag is None else f"{row.lag:g}"
        line = f"{row.noise:>5g}{row.frames:>8}{row.contradicted:>12.2f} %{lag:>6}"
        lines.append(line + f"{row.flicker:>9.2f}{row.unsure:>7.2f} %{row.missing:>7.2f} %")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--frames", type=click.IntRange(min=30), default=1200, show_default=True)
@click.option("--noise", "noises", type=float, multiple=True, default=NOISES, show_default=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
def main(frames: int, noises: tuple[float, ...], form: str) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    reader = Reader()
    rows = [measure(noise, reader, frames) for noise in noises]
    click.echo(json.dumps([asdict(row) for row in rows]) if form == "json" else table(rows))


if __name__ == "__main__":
    main()
