"""The proof: every output of the ONNX model against PyTorch's, number by number.

PyTorch computes in float64 from the same float32 weights and images, so that the differences
are those of the ONNX model, and not half of them PyTorch's own rounding.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from digitlens.contract import GRAPH_ORDER, LOGITS, OUTPUTS
from digitlens.errors import ProofError
from digitlens.session import Session
from digitlens_train.mnist import Split, glyphs
from digitlens_train.model import LeNet

TOLERANCE = 1e-5
"""Largest absolute difference that a proof allows, for activations between −1 and 1 and logits."""

BATCH = 250
SINGLES = 250
"""How many images are also given to onnxruntime one by one."""

Arrays = dict[str, NDArray[np.floating[Any]]]


@dataclass(slots=True)
class Comparison:
    """One output, compared; true if every number is within the tolerance.

    Attributes:
        max_abs: largest |onnx - torch|.
        max_rel: largest |onnx - torch| / max(|onnx|, |torch|), 0…2.
        worst: where `max_abs` lies: number of the image, then the place in its activation.
    """

    name: str
    max_abs: float = 0.0
    max_rel: float = 0.0
    worst: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the largest difference is within the tolerance; NaN never is."""
        return self.max_abs <= TOLERANCE

    def __bool__(self) -> bool:
        return self.passed

    def add(
        self, first: int, onnx: NDArray[np.floating[Any]], torch: NDArray[np.floating[Any]]
    ) -> None:
        """Take in activations `[n, …]` of the images from number `first` on."""
        with np.errstate(invalid="ignore"):
            difference = np.abs(onnx - torch)
        difference[np.isnan(difference)] = np.inf
        size = np.maximum(np.abs(onnx), np.abs(torch))
        comparable = (size > 0) & np.isfinite(difference)
        relative = np.divide(difference, size, out=difference.copy(), where=comparable)
        place = np.unravel_index(int(difference.argmax()), difference.shape)
        if difference[place] > self.max_abs or not self.worst:
            self.worst = (first + int(place[0]), *map(int, place[1:]))
        self.max_abs = max(self.max_abs, float(difference[place]))
        self.max_rel = max(self.max_rel, float(relative.max()))

    def to_dict(self) -> dict[str, Any]:
        """Give one entry of `outputs` in the proof's JSON."""
        return {
            "name": self.name,
            "max_abs": _json_number(self.max_abs),
            "max_rel": _json_number(self.max_rel),
            "worst": list(self.worst),
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """All outputs, compared over `samples` images; true if all of them and all labels agree.

    `label_agreement` and the accuracies are 0…1.
    """

    samples: int
    label_agreement: float
    outputs: tuple[Comparison, ...]
    torch_accuracy: float
    onnx_accuracy: float

    @property
    def passed(self) -> bool:
        """Whether every output is within the tolerance and all labels agree."""
        return all(self.outputs) and self.label_agreement == 1

    def __bool__(self) -> bool:
        return self.passed

    def to_dict(self) -> dict[str, Any]:
        """Give what `digitlens verify --format json` prints."""
        return {
            "passed": self.passed,
            "samples": self.samples,
            "label_agreement": self.label_agreement,
            "outputs": [output.to_dict() for output in self.outputs],
            "accuracy": {"torch": self.torch_accuracy, "onnx": self.onnx_accuracy},
        }

    def check(self) -> None:
        """Raise `ProofError` about the first output in graph order that is off, if one is."""
        off = [output for output in self.outputs if not output]
        if off:
            first = min(off, key=lambda output: GRAPH_ORDER.index(output.name))
            raise ProofError(
                f"the proof failed: {first.name} is off by {first.max_abs:.3g} at image and place "
                f"{list(first.worst)}, allowed is {TOLERANCE:g}; "
                "export it again, or name its own run"
            )
        if not self:
            raise ProofError(
                f"the proof failed: {1 - self.label_agreement:.2%} of the labels differ; "
                "export it again, or name its own run"
            )


def prove(model: LeNet, session: Session, images: Split) -> Proof:
    """Give the same images to PyTorch and to `session`, and compare everything that comes out.

    They go in batches; the first `SINGLES` go through onnxruntime one by one as well.
    """
    if missing := set(OUTPUTS) - set(session.outputs):
        raise ProofError(f"the model does not give {', '.join(sorted(missing))}; export it again")
    precise = copy.deepcopy(model).double()
    comparisons = {name: Comparison(name) for name in OUTPUTS}
    labels = images.labels.numpy()
    predicted: dict[str, list[NDArray[np.intp]]] = {"torch": [], "onnx": []}
    agreements = []
    for first, glyph, expected in tqdm(
        _batches(precise, images), "proof", -(-len(labels) // BATCH), leave=False, disable=None
    ):
        found = session.run(glyph)
        for start, outputs in [(0, found), *_singles(session, first, glyph)]:
            count = len(outputs[LOGITS])
            for name, comparison in comparisons.items():
                torch_part = expected[name][start : start + count]
                comparison.add(first + start, outputs[name], torch_part)
            agreements.append(
                outputs[LOGITS].argmax(1) == expected[LOGITS][start : start + count].argmax(1)
            )
        predicted["torch"].append(expected[LOGITS].argmax(1))
        predicted["onnx"].append(found[LOGITS].argmax(1))
    accuracy = {
        name: float(np.mean(np.concatenate(parts) == labels)) for name, parts in predicted.items()
    }
    return Proof(
        samples=len(labels),
        label_agreement=float(np.mean(np.concatenate(agreements))),
        outputs=tuple(comparisons.values()),
        torch_accuracy=accuracy["torch"],
        onnx_accuracy=accuracy["onnx"],
    )


def _batches(model: LeNet, images: Split) -> Iterator[tuple[int, NDArray[np.float32], Arrays]]:
    for first in range(0, len(images.labels), BATCH):
        glyph = glyphs(images.images[first : first + BATCH])
        with torch.inference_mode():
            outputs = model.activations(glyph.double())
        yield first, glyph[:, 0].numpy(), {name: value.numpy() for name, value in outputs.items()}


def _singles(
    session: Session, first: int, glyph: NDArray[np.float32]
) -> Iterator[tuple[int, Arrays]]:
    for start in range(min(len(glyph), SINGLES - first)):
        yield start, session.run(glyph[start : start + 1])


def _json_number(value: float) -> float | None:
    return value if np.isfinite(value) else None
