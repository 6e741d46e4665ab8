"""How well the digits of pictures were read: labels beside answers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Picture:
    """One line of a manifest.

    Attributes:
        file: its name in the folder.
        kind: `photo`, `drawn`, `crop` or another group that is scored apart.
        labels: the digits in reading order.
        is_scattered: the digits have no order.
        origin: who made it; means are taken over origins.
        has_signs: there are other signs in it, which are not in the labels.
    """

    file: str
    kind: str
    labels: tuple[int, ...]
    is_scattered: bool
    origin: str
    has_signs: bool = False

    @classmethod
    def from_manifest(cls, entry: dict[str, Any], hold_out: Sequence[str] = ()) -> "Picture":
        """Read one entry of manifest.json; the origins in `hold_out` are a kind of their own."""
        return cls(
            file=entry["file"],
            kind=entry["kind"] + (" held" if entry["origin"] in hold_out else ""),
            labels=tuple(entry["labels"]),
            is_scattered=entry.get("layout") == "scattered",
            origin=entry["origin"],
            has_signs=bool(entry.get("extra_symbols")),
        )


@dataclass(frozen=True, slots=True)
class Given:
    """One digit of an answer; a contender without confidence is always sure."""

    label: int
    sure: bool = True
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a contender gave for one picture, in reading order, and the time it took."""

    picture: Picture
    digits: tuple[Given, ...]
    seconds: float
    megapixels: float

    @property
    def is_exact(self) -> bool:
        """Whether the sure digits are the labels, and there is no other."""
        given = [digit.label for digit in self.digits]
        labels = list(self.picture.labels)
        if self.picture.is_scattered:
            given, labels = sorted(given), sorted(labels)
        return given == labels and all(digit.sure for digit in self.digits)

    @property
    def right(self) -> tuple[bool, ...]:
        """For each digit, whether it is right in the best alignment with the labels."""
        given = [digit.label for digit in self.digits]
        if self.picture.is_scattered:
            return _matched(given, self.picture.labels)
        return _aligned(given, self.picture.labels)


def _matched(given: Sequence[int], labels: Sequence[int]) -> tuple[bool, ...]:
    left = Counter(labels)
    right = []
    for label in given:
        right.append(left[label] > 0)
        left[label] -= right[-1]
    return tuple(right)


def _aligned(given: Sequence[int], labels: Sequence[int]) -> tuple[bool, ...]:
    """Mark a longest common subsequence of both."""
    longest = [[0] * (len(labels) + 1) for _ in range(len(given) + 1)]
    for i in reversed(range(len(given))):
        for j in reversed(range(len(labels))):
            longest[i][j] = (
                longest[i + 1][j + 1] + 1
                if given[i] == labels[j]
                else max(longest[i + 1][j], longest[i][j + 1])
            )
    right, j = [], 0
    for i, label in enumerate(given):
        while j < len(labels) and label != labels[j] and longest[i][j + 1] == longest[i][j]:
            j += 1
        is_right = j < len(labels) and label == labels[j]
        right.append(is_right)
        j += is_right
    return tuple(right)


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one group of answers; shares are 0…1.

    Attributes:
        exact: pictures read exactly right, over all; `exact_by_origin`: the mean over origins.
        recall, precision, f1: right sure digits over labelled ones, over given ones with the
            unsure, and their harmonic mean.
        wrong_sure: wrong digits among the sure ones.
        coverage: sure digits over labelled ones.
        false_sure: of the pictures without digits, those in which a sure one was read.
        ms_per_megapixel: time over size, both summed.
    """

    pictures: int
    exact: float
    exact_by_origin: float
    recall: float
    precision: float
    f1: float
    wrong_sure: float
    coverage: float
    false_sure: float
    ms_per_megapixel: float


def score(answers: Sequence[Answer]) -> Score:
    """Sum answers up."""
    origins: dict[str, list[bool]] = {}
    for answer in answers:
        origins.setdefault(answer.picture.origin, []).append(answer.is_exact)
    labelled = sum(len(answer.picture.labels) for answer in answers)
    given = sum(len(answer.digits) for answer in answers)
    empty = [answer for answer in answers if not answer.picture.labels]
    sure = sum(digit.sure for answer in answers for digit in answer.digits)
    right = sum(
        digit.sure and is_right
        for answer in answers
        for digit, is_right in zip(answer.digits, answer.right, strict=True)
    )
    return Score(
        pictures=len(answers),
        exact=sum(answer.is_exact for answer in answers) / len(answers),
        exact_by_origin=sum(sum(e) / len(e) for e in origins.values()) / len(origins),
        recall=right / max(labelled, 1),
        precision=right / max(given, 1),
        f1=2 * right / max(labelled + given, 1),
        wrong_sure=(sure - right) / max(sure, 1),
        coverage=sure / max(labelled, 1),
        false_sure=sum(any(d.sure for d in answer.digits) for answer in empty) / max(len(empty), 1),
        ms_per_megapixel=1000
        * sum(answer.seconds for answer in answers)
        / sum(answer.megapixels for answer in answers),
    )


@dataclass(frozen=True, slots=True)
class Point:
    """Digits given with this confidence or more: over the labelled ones, and how many are right."""

    threshold: float
    coverage: float
    accuracy: float


def coverage_curve(answers: Sequence[Answer], thresholds: Sequence[float]) -> list[Point]:
    """Give accuracy against coverage for several thresholds of confidence."""
    found = [
        (digit.confidence, is_right)
        for answer in answers
        for digit, is_right in zip(answer.digits, answer.right, strict=True)
    ]
    labelled = max(sum(len(answer.picture.labels) for answer in answers), 1)
    points = []
    for threshold in thresholds:
        right = [is_right for confidence, is_right in found if confidence >= threshold]
        points.append(Point(threshold, len(right) / labelled, sum(right) / max(len(right), 1)))
    return points
