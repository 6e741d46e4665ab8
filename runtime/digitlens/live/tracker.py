"""Follow digits over the frames of a video, and read each from all frames in which it was seen.

A digit's evidence is the mean of what its frames say, older ones weighing less. Two frames in a row
that agree on another label start it anew: then the digit has changed. In a single frame that surely
reads another label the digit is unsure, with the mean confidence of both, and keeps its label. So
evidence can have a long memory, which keeps the display calm, and yet no label outlives its digit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitlens.reading import Digit
from digitlens.vision.reading_order import rows

APPEARING = 3
"""Frames in a row in which a digit must be seen before it is shown."""
MISSING = 5
"""Frames without a digit after which it disappears."""
DECAY = 0.95
"""Weight that evidence keeps from frame to frame: half of it after 14 frames."""
LEAST = 1e-4
"""Lowest probability that one frame can contribute, so that none decides on its own."""
REACH = 0.6
"""Largest distance of a digit from where it is expected, as a share of its size."""
GROWTH = 2.0
"""Largest factor by which its size may change between two frames."""
STILL = 0.03
"""Share of its size by which the sides of its box must move before the shown box does."""
COVERED = 0.5
"""Share of a missing digit's box that another one covers when it has taken its place."""

Box = tuple[int, int, int, int]


class Tracker:
    """Follows digits from frame to frame.

    Args:
        labels: what the network's outputs stand for.
        min_confidence: from which confidence, 0…1, a digit counts as sure.
        min_score: from which score, 0…1, as a mean over frames.
    """

    def __init__(
        self, labels: Sequence[int], min_confidence: float, min_score: float = 0.0
    ) -> None:
        self.labels, self.min_confidence, self.min_score = labels, min_confidence, min_score
        self._tracks: list[_Track] = []
        self._count = 0

    def steady(self, digits: Sequence[Digit]) -> tuple[Digit, ...]:
        """Add the digits of the next frame; return those to be shown, in reading order."""
        matches = _matches(self._tracks, digits)
        for track in self._tracks:
            if track not in matches:
                track.missed += 1
        matched = set(matches.values())
        for digit in digits:
            if digit not in matched:
                self._count += 1
                matches[_Track(self._count, digit)] = digit
                self._tracks.append(next(reversed(matches)))
        self._weigh(matches)
        present = [track.box for track in self._tracks if track.is_shown and not track.missed]
        self._tracks = [t for t in self._tracks if not t.is_gone and not t.is_replaced(present)]
        lines = rows(track for track in self._tracks if track.is_shown)
        return tuple(track.digit(line) for line, row in enumerate(lines) for track in row)

    def _weigh(self, seen: "Mapping[_Track, Digit]") -> None:
        """Add what the frame shows to the evidence of the tracks that are seen in it."""
        if not seen:
            return
        for track, digit in seen.items():
            if digit.label == track.last.label != track.label:
                track.evidence, track.weight = _logarithms(track.last.probabilities), 1.0
        newest = np.array([digit.probabilities for digit in seen.values()])
        evidence = DECAY * np.array([track.evidence for track in seen]) + _logarithms(newest)
        weights = np.array([DECAY * track.weight + 1 for track in seen])
        means = evidence / weights[:, np.newaxis]
        powers = np.exp(means - means.max(1, keepdims=True))
        probabilities = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
        best = probabilities.argmax(1).tolist()
        for row, (track, digit) in enumerate(seen.items()):
            track.evidence, track.weight = evidence[row], float(weights[row])
            track.label = self.labels[best[row]]
            track.score += (digit.score - track.score) / track.weight
            track.see(digit, self._look(best[row], probabilities[row], digit, track.score))

    def _look(
        self, best: int, probabilities: NDArray[np.float32], newest: Digit, score: float
    ) -> "_Look":
        """Return what to show of a digit: what all frames say, unless the newest contradicts."""
        label = self.labels[best]
        is_contradicted = newest.sure and newest.label != label
        if is_contradicted:
            probabilities = (probabilities + newest.probabilities) * np.float32(0.5)
        confidence = float(probabilities[best])
        is_likely = confidence >= self.min_confidence and score >= self.min_score
        return _Look(label, is_likely and not is_contradicted, confidence, score, probabilities)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What is shown of a digit."""

    label: int
    sure: bool
    confidence: float
    score: float
    probabilities: NDArray[np.float32]


class _Track:
    """One digit that is followed.

    Attributes:
        last: the newest frame's reading of it.
        missed: frames since then.
        evidence, weight: sum of the logarithms of the probabilities of its frames, and of the
            frames' weights.
        label: what the evidence says; None before there is any.
        score: mean of the scores of its frames, 0…1.
    """

    def __init__(self, number: int, digit: Digit) -> None:
        self.number, self.box, self.last, self.missed = number, digit.box, digit, 0
        self.evidence, self.weight = np.zeros(len(digit.probabilities), np.float32), 0.0
        self.label: int | None = None
        self.score = 0.0
        self._velocity = 0.0, 0.0
        self._look: _Look | None = None
        self._seen = 0

    def see(self, digit: Digit, look: _Look) -> None:
        """Add what the next frame reads, and what is to be shown from now on."""
        (x, y), (was_x, was_y) = _center(digit.box), _center(self.last.box)
        steps = self.missed + 1
        across, down = self._velocity
        # Half of what it was, so that trembling is not doubled.
        self._velocity = (across + (x - was_x) / steps) / 2, (down + (y - was_y) / steps) / 2
        self.last, self.missed = digit, 0
        sides = zip(_sides(digit.box), _sides(self.box), strict=True)
        if max(abs(new - old) for new, old in sides) > 1 + STILL * max(digit.box[2:]):
            self.box = digit.box
        self._look = look
        self._seen += 1

    def digit(self, line: int) -> Digit:
        """Return what is shown of it; `line` is its row."""
        assert self._look is not None
        return Digit(
            label=self._look.label,
            confidence=self._look.confidence,
            sure=self._look.sure,
            box=self.box,
            line=line,
            glyph=self.last.glyph,
            probabilities=self._look.probabilities,
            score=self._look.score,
            reason="" if self._look.sure else self.last.reason or "not sure: the frames disagree",
            track=self.number,
        )

    @property
    def is_shown(self) -> bool:
        return self._seen >= APPEARING

    @property
    def is_gone(self) -> bool:
        return self.missed >= (MISSING if self.is_shown else 1)

    def is_replaced(self, present: Sequence[Box]) -> bool:
        return self.missed > 0 and any(_covered(self.box, box) > COVERED for box in present)

    @property
    def expected(self) -> tuple[float, float, int]:
        """Its expected center in the next frame, x and y, and its size."""
        (x, y), steps = _center(self.last.box), self.missed + 1
        across, down = self._velocity
        return x + steps * across, y + steps * down, max(self.last.box[2:])

    @property
    def left(self) -> int:
        return self.box[0]

    @property
    def top(self) -> int:
        return self.box[1]

    @property
    def bottom(self) -> int:
        return self.box[1] + self.box[3]

    @property
    def height(self) -> int:
        return self.box[3]

    @property
    def center(self) -> tuple[float, float]:
        return _center(self.box)


def _matches(tracks: Sequence[_Track], digits: Sequence[Digit]) -> dict[_Track, Digit]:
    """Match tracks with the digits of a frame, the nearest first."""
    if not tracks or not digits:
        return {}
    expected = np.array([track.expected for track in tracks])
    found = np.array([(*_center(digit.box), max(digit.box[2:])) for digit in digits])
    across, down, size = np.moveaxis(expected[:, np.newaxis] - found, 2, 0)
    larger = np.maximum(expected[:, np.newaxis, 2], found[:, 2])
    distance = np.hypot(across, down) / larger
    distance[(distance > REACH) | (np.abs(size) > larger * (1 - 1 / GROWTH))] = np.inf
    pairs: dict[_Track, Digit] = {}
    taken: set[Digit] = set()
    for index in np.argsort(distance, axis=None, kind="stable").tolist():
        row, column = divmod(index, len(digits))
        if distance[row, column] == np.inf:
            break
        track, digit = tracks[row], digits[column]
        if track not in pairs and digit not in taken:
            pairs[track] = digit
            taken.add(digit)
    return pairs


def _center(box: Box) -> tuple[float, float]:
    left, top, width, height = box
    return left + width / 2, top + height / 2


def _sides(box: Box) -> Box:
    left, top, width, height = box
    return left, top, left + width, top + height


def _covered(box: Box, other: Box) -> float:
    """Return the share of `box` that is in `other`."""
    (left, top, right, bottom), (l2, t2, r2, b2) = _sides(box), _sides(other)
    width, height = min(right, r2) - max(left, l2), min(bottom, b2) - max(top, t2)
    return max(width, 0) * max(height, 0) / max(box[2] * box[3], 1)


def _logarithms(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.log(np.maximum(probabilities, LEAST))
