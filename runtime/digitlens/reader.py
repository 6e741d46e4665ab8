"""Images in, readings out: the finder, the glyphs and the network in one object."""

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens import finder, normalize, providers, sources
from digitlens.contract import GLYPH_SIZE, PROBABILITIES, Contract
from digitlens.finder import Crop
from digitlens.reading import Digit, Reading
from digitlens.session import Session

SURE = 0.5
"""Confidence from which a digit counts as sure: more probable than all others together."""


class Reader:
    """Reads handwritten digits.

    Args:
        model: an ONNX file with a contract, or None for the packaged model.
        provider: what runs the network, such as `cpu`; see `digitlens doctor`.
        min_confidence: from which confidence, 0…1, a digit counts as sure.

    Raises:
        NotFoundError: no such model file, or the provider is not installed.
        ModelError: the model cannot be used.
    """

    def __init__(
        self,
        model: Path | str | None = None,
        *,
        provider: str = providers.DEFAULT,
        min_confidence: float = SURE,
    ) -> None:
        self.session = Session(model, provider=provider)
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
        """
        frame = (
            sources.read(Path(image)) if isinstance(image, Path | str) else sources.to_bgr(image)
        )
        start = time.perf_counter()
        gray = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
        crops = finder.whole(gray) if finder.is_mnist_image(gray) else finder.find(gray)
        glyphs = _glyphs(crops, is_placed=finder.is_mnist_image(gray))
        names = (
            [PROBABILITIES, *(tap.name for tap in self.contract.taps)] if taps else [PROBABILITIES]
        )
        outputs = self.session.run(glyphs, names)
        probabilities = outputs.pop(PROBABILITIES)
        height, width = gray.shape
        return Reading(
            width=width,
            height=height,
            digits=tuple(map(self._digit, crops, glyphs, probabilities)),
            elapsed_ms=1000 * (time.perf_counter() - start),
            taps=outputs if taps else None,
        )

    def _digit(
        self, crop: Crop, glyph: NDArray[np.float32], probabilities: NDArray[np.float32]
    ) -> Digit:
        best = int(probabilities.argmax())
        confidence = float(probabilities[best])
        return Digit(
            label=self.contract.labels[best],
            confidence=confidence,
            sure=confidence >= self.min_confidence,
            box=crop.box,
            line=crop.line,
            glyph=glyph,
            probabilities=probabilities,
        )


def _glyphs(crops: list[Crop], *, is_placed: bool) -> NDArray[np.float32]:
    """Give float32 `[n, 32, 32]`; a crop that is an MNIST image is left where it is."""
    glyphs = np.empty((len(crops), GLYPH_SIZE, GLYPH_SIZE), np.float32)
    for row, crop in zip(glyphs, crops, strict=True):
        row[:] = normalize.glyph(crop.ink if is_placed else normalize.mnist_image(crop.ink))
    return glyphs
