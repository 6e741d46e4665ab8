"""Images in, readings out: the finder, the glyphs and the network in one object."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import explain, providers, sources
from digitlens.contract import GLYPH_SIZE, MNIST_SIZE, PROBABILITIES, SURE, Contract
from digitlens.errors import ModelError, UsageError
from digitlens.explain import Step
from digitlens.reading import Digit, Reading
from digitlens.session import Session
from digitlens.vision import mnist_format
from digitlens.vision.component import Part
from digitlens.vision.finder import Found, find
from digitlens.vision.foreground import Ink, separate
from digitlens.vision.reading_order import rows
from digitlens.vision.segmentation import segmented
from digitlens.vision.selection import Guess, reasons

ROUNDING = 1e-3
"""How far above 1 a probability may be; float16 rounds to half of that."""


class Reader:
    """Reads handwritten digits; several threads may share one.

    Args:
        model: an ONNX file with a contract, its bytes, or None for the packaged model.
        provider: what runs the network, such as `cpu`; see `digitlens doctor`. `auto` is what
            `digitlens bench --pick` found to be fastest.
        min_confidence: from which confidence, 0…1, a digit counts as sure.
        threads: that run the network, one by default or as `auto` has it; more than one pays for
            hundreds of digits at once only.

    Raises:
        NotFoundError: no such model file, or the provider is not installed.
        ModelError: the model cannot be used.
        UsageError: `min_confidence` is no number, or below 0. Above 1, no digit is sure.
    """

    def __init__(
        self,
        model: Path | str | bytes | None = None,
        *,
        provider: str = providers.DEFAULT,
        min_confidence: float = SURE,
        threads: int | None = None,
    ) -> None:
        if not min_confidence >= 0:
            raise UsageError(f"min_confidence is {min_confidence}: give a number from 0 on")
        self.session = Session(model, provider=provider, threads=threads)
        self.min_confidence = min_confidence

    @property
    def contract(self) -> Contract:
        """What the model says about itself."""
        return self.session.contract

    def read(self, image: NDArray[np.generic] | Path | str, *, taps: bool = False) -> Reading:
        """Read the digits of one image.

        Args:
            image: a file, or uint8 or uint16 `[h, w]` grey, `[h, w, 3]` blue-green-red or
                `[h, w, 4]` with alpha, of any size and either polarity. An image of exactly
                28×28 pixels is one digit, as in MNIST; in others the digits are searched.
            taps: keep the inner activations of every digit in `Reading.taps`.

        Raises:
            NotFoundError: there is no such file.
            ImageError: the file is no image, or the array has another dtype or shape.
            ModelError: the network gives no probabilities.
        """
        frame = _frame(image)
        start = time.perf_counter()
        reading = self._search(frame).reading
        activations = self.activations(reading.digits) if taps else None
        elapsed_ms = 1000 * (time.perf_counter() - start)
        return replace(reading, elapsed_ms=elapsed_ms, taps=activations)

    def activations(
        self, digits: Sequence[Digit], names: Sequence[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Compute taps of digits that were read, all of them or those of the given names.

        Returns:
            By name, float32 with one row a digit: `conv1` is `[n, 6, 28, 28]`.
        """
        wanted = [tap.name for tap in self.contract.taps] if names is None else list(names)
        return self.session.run(_stacked([digit.glyph for digit in digits]), wanted)

    def explain(self, image: NDArray[np.generic] | Path | str) -> NDArray[np.uint8]:
        """Draw how an image is read: the finder's steps, and why each sign is a digit or none.

        Takes the same images as `read` and raises the same errors.

        Returns:
            uint8 `[height, 1280, 3]`, blue, green, red; see `digitlens.explain.draw`.
        """
        frame = _frame(image)
        search = self._search(frame)
        return explain.draw(frame, search.reading, search.ink, search.found)

    def read_with_steps(
        self, image: NDArray[np.generic] | Path | str
    ) -> tuple[Reading, list[Step]]:
        """Read the digits of an image, and give the finder's steps as well.

        Takes the same images as `read` and raises the same errors.
        """
        frame = _frame(image)
        start = time.perf_counter()
        search = self._search(frame)
        elapsed_ms = 1000 * (time.perf_counter() - start)
        reading = replace(search.reading, elapsed_ms=elapsed_ms)
        return reading, explain.steps(frame, search.reading, search.ink, search.found)

    def _search(self, frame: NDArray[np.uint8]) -> "_Search":
        if frame.shape[:2] == (MNIST_SIZE, MNIST_SIZE):
            return _Search(self._whole(frame))
        ink = separate(frame)
        found = find(ink)
        seen: dict[Part, _Look] = {}

        def judge(parts: Sequence[Part]) -> NDArray[np.float32]:
            looks = self._look(np.stack([mnist_format.mnist_image(part.ink()) for part in parts]))
            seen.update(zip(parts, looks, strict=True))
            return np.array([look.guess.confidence for look in looks], np.float32)

        parts = segmented(found, judge)
        why = reasons({part: seen[part].guess for part in parts}, ink)
        lines = rows(part for part in parts if not why[part])
        digits = [
            self._digit(seen[part], _frame_box(part, ink, frame), line)
            for line, row in enumerate(lines)
            for part in row
        ]
        dropped = [
            self._digit(seen[part], _frame_box(part, ink, frame), -1, why[part])
            for part in parts
            if why[part]
        ]
        return _Search(_reading(frame, digits, dropped), ink, found)

    def _whole(self, frame: NDArray[np.uint8]) -> Reading:
        """Read a frame that is an MNIST image."""
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        ink = mnist_format.mnist_ink(grey[np.newaxis])
        box = (0, 0, MNIST_SIZE, MNIST_SIZE)
        looks = self._look(ink) if ink.any() else []
        return _reading(frame, [self._digit(look, box, 0) for look in looks], [])

    def _look(self, images: NDArray[np.uint8]) -> "list[_Look]":
        """Run the network on MNIST images uint8 `[n, 28, 28]`."""
        glyphs = mnist_format.glyph(images)
        probabilities = self.session.run(glyphs, [PROBABILITIES])[PROBABILITIES]
        if not (np.abs(probabilities - 0.5) <= 0.5 + ROUNDING).all():
            raise ModelError("the model gives no probabilities from 0 to 1: train it again")
        return [
            _Look(glyph, each, Guess(self.contract.labels[best], float(each[best])))
            for glyph, each, best in zip(
                glyphs, probabilities, probabilities.argmax(1).tolist(), strict=True
            )
        ]

    def _digit(
        self, look: "_Look", box: tuple[int, int, int, int], line: int, reason: str = ""
    ) -> Digit:
        confidence = look.guess.confidence
        if not reason and confidence < self.min_confidence:
            floored = int(confidence * 10_000) / 10_000
            reason = f"not sure: {floored:g} is below {self.min_confidence:g}"
        return Digit(
            label=look.guess.label,
            confidence=confidence,
            sure=not reason,
            box=box,
            line=line,
            glyph=look.glyph,
            probabilities=look.probabilities,
            reason=reason,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What the network was given and what it gave."""

    glyph: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    guess: Guess


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A reading, and how it came about; an MNIST image is not searched."""

    reading: Reading
    ink: Ink | None = None
    found: Found | None = None


def _frame(image: NDArray[np.generic] | Path | str) -> NDArray[np.uint8]:
    return sources.read(Path(image)) if isinstance(image, Path | str) else sources.to_bgr(image)


def _reading(frame: NDArray[np.uint8], digits: list[Digit], dropped: list[Digit]) -> Reading:
    height, width = frame.shape[:2]
    return Reading(
        width=width, height=height, digits=tuple(digits), dropped=tuple(dropped), elapsed_ms=0
    )


def _stacked(glyphs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Give float32 `[n, 32, 32]`, for no glyph too."""
    return np.array(glyphs, np.float32).reshape(-1, GLYPH_SIZE, GLYPH_SIZE)


def _frame_box(part: Part, ink: Ink, frame: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Give the box of `part` in pixels of the frame: `(x, y, width, height)`."""
    left, top = int(part.left / ink.scale), int(part.top / ink.scale)
    right = min(max(round(part.right / ink.scale), left + 1), frame.shape[1])
    bottom = min(max(round(part.bottom / ink.scale), top + 1), frame.shape[0])
    return left, top, right - left, bottom - top
