"""Images in, readings out: the search, the glyphs and the network in one object."""

import time
from collections.abc import Sequence
from dataclasses import replace
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
from digitlens.vision.component import Component
from digitlens.vision.score import Score
from digitlens.vision.search import Box, Search, search

NOT_A_DIGIT = "not a digit"
OUTSCORED = "less likely than another reading of the same ink"

ROUNDING = 1e-3
"""How far above 1 a probability may be; float16 rounds to half of that."""


class Reader:
    """Reads handwritten digits; several threads may share one.

    Args:
        model: an ONNX file with a contract, its bytes, or None for the packaged model.
        provider: what runs the network, such as `cpu`; see `digitlens doctor`. `auto` is what
            `digitlens bench --pick` found to be fastest.
        min_confidence: from which confidence, 0…1, a digit counts as sure if its score is high
            enough. By default 0 for models that the score was fitted to, such as the packaged
            one, and 0.8 for others, of which the score says nothing.
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
        min_confidence: float | None = None,
        threads: int | None = None,
    ) -> None:
        if min_confidence is not None and not min_confidence >= 0:
            raise UsageError(f"min_confidence is {min_confidence}: give a number from 0 on")
        self.session = Session(model, provider=provider, threads=threads)
        self._score = Score.load()
        # What the score of a digit says about being right is known of one network only.
        is_fitted = self.contract.weights_sha256 == self._score.weights_sha256
        self.min_score = self._score.sure if is_fitted else 0.0
        default = 0.0 if is_fitted else SURE
        self.min_confidence = default if min_confidence is None else min_confidence

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
        reading, _ = self._search(frame)
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
        """Draw how an image is read: the steps, and why each candidate is a digit or not.

        Takes the same images as `read` and raises the same errors.

        Returns:
            uint8 `[height, 1280, 3]`, blue, green, red; see `digitlens.explain.draw`.
        """
        frame = _frame(image)
        reading, found = self._search(frame)
        return explain.draw(frame, reading, found)

    def read_with_steps(
        self, image: NDArray[np.generic] | Path | str
    ) -> tuple[Reading, list[Step]]:
        """Read the digits of an image, and return the steps of the search as well.

        Takes the same images as `read` and raises the same errors.
        """
        frame = _frame(image)
        start = time.perf_counter()
        reading, found = self._search(frame)
        elapsed_ms = 1000 * (time.perf_counter() - start)
        reading = replace(reading, elapsed_ms=elapsed_ms)
        return reading, explain.steps(frame, reading, found)

    def _search(self, frame: NDArray[np.uint8]) -> tuple[Reading, Search | None]:
        """Read a frame; return how its digits were found too, if they were searched."""
        if frame.shape[:2] == (MNIST_SIZE, MNIST_SIZE):
            return self._whole(frame), None
        found = search(frame, self.glyphs, self._score)
        digits = [
            self._digit(found, number, frame, line)
            for line, row in enumerate(found.rows)
            for number in row
        ]
        dropped = [self._digit(found, number, frame, -1) for number in found.rejected]
        return _reading(frame, digits, dropped), found

    def _whole(self, frame: NDArray[np.uint8]) -> Reading:
        """Read a frame that is an MNIST image."""
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        ink = mnist_format.mnist_ink(grey[np.newaxis])
        if not ink.any():
            return _reading(frame, [], [])
        glyphs, probabilities = self._run(ink)
        box = (0, 0, MNIST_SIZE, MNIST_SIZE)
        score = float(probabilities.max())
        return _reading(frame, [self._read_as(glyphs[0], probabilities[0], box, 0, score)], [])

    def glyphs(
        self, components: Sequence[Component]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read components as one digit each: glyphs `[n, 32, 32]`, probabilities `[n, 10]`."""
        return self._run(np.stack([mnist_format.mnist_image(each.soft()) for each in components]))

    def _run(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the network on MNIST images uint8 `[n, 28, 28]`; return glyphs and probabilities."""
        glyphs = mnist_format.glyph(images)
        probabilities = self.session.run(glyphs, [PROBABILITIES])[PROBABILITIES]
        if not (np.abs(probabilities - 0.5) <= 0.5 + ROUNDING).all():
            raise ModelError("the model gives no probabilities from 0 to 1: train it again")
        return glyphs, probabilities

    def _digit(self, found: Search, number: int, frame: NDArray[np.uint8], line: int) -> Digit:
        score = float(found.scores[number])
        reason = ""
        if line < 0:
            reason = NOT_A_DIGIT if score <= self._score.keep else OUTSCORED
        pool, box = found.pool, found.box(number, frame)
        return self._read_as(
            pool.glyphs[number], pool.probabilities[number], box, line, score, reason
        )

    def _read_as(
        self,
        glyph: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        box: Box,
        line: int,
        score: float,
        reason: str = "",
    ) -> Digit:
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        if not reason and score < self.min_score:
            reason = f"not sure: its score {_floored(score):g} is below {self.min_score:g}"
        if not reason and confidence < self.min_confidence:
            reason = f"not sure: {_floored(confidence):g} is below {self.min_confidence:g}"
        return Digit(
            label=self.contract.labels[best],
            confidence=confidence,
            sure=not reason,
            box=box,
            line=line,
            glyph=glyph,
            probabilities=probabilities,
            score=score,
            reason=reason,
        )


def _frame(image: NDArray[np.generic] | Path | str) -> NDArray[np.uint8]:
    return sources.read(Path(image)) if isinstance(image, Path | str) else sources.to_bgr(image)


def _reading(frame: NDArray[np.uint8], digits: list[Digit], dropped: list[Digit]) -> Reading:
    height, width = frame.shape[:2]
    return Reading(
        width=width, height=height, digits=tuple(digits), dropped=tuple(dropped), elapsed_ms=0
    )


def _floored(share: float) -> float:
    """Round down to four decimals, so that what is below a threshold also looks so."""
    return int(share * 10_000) / 10_000


def _stacked(glyphs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Give float32 `[n, 32, 32]`, for no glyph too."""
    return np.array(glyphs, np.float32).reshape(-1, GLYPH_SIZE, GLYPH_SIZE)
