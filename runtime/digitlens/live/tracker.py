"""Readings steadied over frames: each digit is followed, and read from all that was seen of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitlens.reading import Digit
from digitlens.vision.reading_order import rows

AGREEING = 3
"""Frames that must agree before a digit appears, or is taken for another one or for unsure."""
MISSING = 5
"""Frames without a digit after which it disappears."""
DECAY = 0.8
"""Weight that evidence keeps from frame to frame: four frames outvote all before."""
LEAST = 1e-4
"""Least probability that one frame can give, so that none decides alone."""
REACH = 0.6
"""How far a digit may be from where it is expected, as a share of its size."""
GROWTH = 2.0
"""How many times larger or smaller it may become between two frames."""
STILL = 0.03
"""Share of its size by which the sides of its box must move to be moved on the screen."""
COVERED = 0.5
"""Share of a missing digit's box that another one covers when it has taken its place."""

Box = tuple[int, int, int, int]


class Tracker:
    """Follows digits from frame to frame.

    Labels come from the sum of the logarithms of the probabilities of all frames, older ones
    weighing less, and confidences from their mean.

    Args:
        labels: what the network's outputs stand for.
        min_confidence: from which confidence, 0…1, a digit counts as sure.
    """

    def __init__(self, labels: Sequence[int], min_confidence: float) -> None:
        self.labels, self.min_confidence = labels, min_confidence
        self._tracks: list[_Track] = []
        self._count = 0

    def steady(self, digits: Sequence[Digit]) -> tuple[Digit, ...]:
        """Take the digits of the next frame; give those to be shown, in reading order."""
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
        evidence = DECAY * np.array([track.evidence for track in seen])
        shown = np.array([digit.probabilities for digit in seen.values()])
        evidence = evidence + np.log(np.maximum(shown, LEAST))
        weights = np.array([DECAY * track.weight + 1 for track in seen])
        means = evidence / weights[:, np.newaxis]
        powers = np.exp(means - means.max(1, keepdims=True))
        probabilities = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
        best = probabilities.argmax(1).tolist()
        for row, (track, digit) in enumerate(seen.items()):
            confidence = float(probabilities[row, best[row]])
            is_sure = confidence >= self.min_confidence
            look = _Look(self.labels[best[row]], is_sure, confidence, probabilities[row])
            track.evidence, track.weight = evidence[row], float(weights[row])
            track.see(digit, look)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What all frames together say of a digit."""

    label: int
    sure: bool
    confidence: float
    probabilities: NDArray[np.float32]

    def agrees(self, other: "_Look | None") -> bool:
        """Tell whether both read the same, or both do not know."""
        if other is None or self.sure != other.sure:
            return False
        return not self.sure or self.label == other.label


class _Track:
    """One digit that is followed."""

    def __init__(self, number: int, digit: Digit) -> None:
        self.number, self.box, self.last, self.missed = number, digit.box, digit, 0
        self.evidence, self.weight = np.zeros(len(digit.probabilities), np.float32), 0.0
        self._velocity = 0.0, 0.0
        self._newest: _Look | None = None
        self._shown: _Look | None = None
        self._agreeing = 0

    def see(self, digit: Digit, look: _Look) -> None:
        """Take what the next frame shows of it, and what all frames say now."""
        (x, y), (was_x, was_y) = _center(digit.box), _center(self.last.box)
        steps = self.missed + 1
        across, down = self._velocity
        # Half of what it was, so that trembling is not doubled.
        self._velocity = (across + (x - was_x) / steps) / 2, (down + (y - was_y) / steps) / 2
        self.last, self.missed = digit, 0
        sides = zip(_sides(digit.box), _sides(self.box), strict=True)
        if max(abs(new - old) for new, old in sides) > 1 + STILL * max(digit.box[2:]):
            self.box = digit.box
        self._agreeing = self._agreeing + 1 if look.agrees(self._newest) else 1
        self._newest = look
        if self._agreeing >= AGREEING or look.agrees(self._shown):
            self._shown = look

    def digit(self, line: int) -> Digit:
        """Give what is shown of it; `line` is its row."""
        assert self._shown is not None
        return Digit(
            label=self._shown.label,
            confidence=self._shown.confidence,
            sure=self._shown.sure,
            box=self.box,
            line=line,
            glyph=self.last.glyph,
            probabilities=self._shown.probabilities,
            reason="" if self._shown.sure else self.last.reason or "not sure over all frames",
            track=self.number,
        )

    @property
    def is_shown(self) -> bool:
        return self._shown is not None

    @property
    def is_gone(self) -> bool:
        return self.missed >= (MISSING if self.is_shown else 1)

    def is_replaced(self, present: Sequence[Box]) -> bool:
        return self.missed > 0 and any(_covered(self.box, box) > COVERED for box in present)

    @property
    def expected(self) -> tuple[float, float, int]:
        """Where its center will be in the next frame, x and y, and its size."""
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
    """Pair tracks with the digits of a frame, the nearest first."""
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
    """Give the share of `box` that lies in `other`."""
    (left, top, right, bottom), (l2, t2, r2, b2) = _sides(box), _sides(other)
    width, height = min(right, r2) - max(left, l2), min(bottom, b2) - max(top, t2)
    return max(width, 0) * max(height, 0) / max(box[2] * box[3], 1)
