"""What an ONNX file says about itself, and the facts that training, export and runtime share.

The contract is JSON in the metadata property `digitlens` of the model file.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from digitlens.errors import ModelError

METADATA_KEY = "digitlens"
SCHEMA = 1

IMAGE = "image"
GLYPH_SIZE = 32
"""Height and width of the network's input in pixels; values 0…1, ink 1, paper 0."""

MNIST_SIZE = 28
"""Height and width of an MNIST image in pixels, before it is resized to `GLYPH_SIZE`."""

LABELS = tuple(range(10))

SURE = 0.8
"""Confidence from which a digit is sure, with models that the score was not fitted to."""


@dataclass(frozen=True, slots=True)
class Tap:
    """An inner activation that the graph gives out under a name.

    `shape` leaves the batch out: `(channels, height, width)` or `(units,)`.
    """

    name: str
    shape: tuple[int, ...]
    layer: str


TAPS = (
    Tap("conv1", (6, 28, 28), "Conv2d(1, 6, 5) and Tanh"),
    Tap("pool1", (6, 14, 14), "AvgPool2d(2)"),
    Tap("conv2", (16, 10, 10), "Conv2d(6, 16, 5) and Tanh"),
    Tap("pool2", (16, 5, 5), "AvgPool2d(2)"),
    Tap("conv3", (120, 1, 1), "Conv2d(16, 120, 5) and Tanh"),
    Tap("fc1", (84,), "Linear(120, 84) and Tanh"),
)
LOGITS, PROBABILITIES = "logits", "probabilities"

OUTPUTS = (LOGITS, PROBABILITIES, *(tap.name for tap in TAPS))
"""The order in which the model file lists its outputs."""

GRAPH_ORDER = (*(tap.name for tap in TAPS), LOGITS, PROBABILITIES)
"""The order in which the graph computes them."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one model file; field for field the JSON of the metadata property.

    Attributes:
        labels: what output i of `logits` and `probabilities` stands for.
        input: `name`, `shape` (without batch), `dtype` and `range` of the network's input.
        taps: in graph order.
        normalize: `mean` and `std` that training subtracted and divided by, inside the graph.
        training: data set, sizes, recipe, seed, epochs, validation accuracy and loss, versions.
        proof: what `digitlens verify --format json` printed at export, or None before it.
        weights_sha256: SHA-256 of the weights, see `digitlens.model_file.weights_sha256`.
    """

    labels: tuple[int, ...]
    input: dict[str, Any]
    taps: tuple[Tap, ...]
    normalize: dict[str, float]
    training: dict[str, Any]
    proof: dict[str, Any] | None
    weights_sha256: str
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Write the contract as JSON, the same text for the same contract."""
        return json.dumps(asdict(self), sort_keys=True)

    def with_proof(self, proof: dict[str, Any]) -> "Contract":
        """Give the same contract with `proof` in it."""
        return replace(self, proof=proof)

    @classmethod
    def from_json(cls, text: str) -> "Contract":
        """Read a contract back.

        Raises:
            ModelError: the text is no contract of a schema that this version knows.
        """
        try:
            fields = json.loads(text)
            if fields["schema"] != SCHEMA:
                raise ModelError(
                    f"the contract has schema {fields['schema']!r}, this digitlens reads {SCHEMA}: "
                    "export the model again, or upgrade digitlens"
                )
            for name, kind in _KINDS.items():
                if not isinstance(fields[name], kind):
                    raise TypeError(f"{name} is {fields[name]!r}")
            if not (fields["labels"] and _are(int, fields["labels"])):
                raise TypeError(f"labels are {fields['labels']!r}")
            if not (_are(str, [fields["input"]["name"]]) and _are(int, fields["input"]["shape"])):
                raise TypeError(f"input is {fields['input']!r}")
            taps = tuple(_tap(tap) for tap in fields["taps"])
            if len({tap.name for tap in taps} - {LOGITS, PROBABILITIES}) < len(taps):
                raise ValueError("a name of its taps is taken")
            return cls(**fields | {"labels": tuple(fields["labels"]), "taps": taps})
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(
                f"the contract cannot be read ({type(error).__name__}: {error}): "
                "export the model again with 'digitlens export'"
            ) from error


def _tap(fields: dict[str, Any]) -> Tap:
    tap = Tap(fields["name"], tuple(fields["shape"]), fields["layer"])
    if not (_are(str, [tap.name, tap.layer]) and tap.name and tap.shape and _are(int, tap.shape)):
        raise TypeError(f"a tap is {fields!r}")
    return tap


def _are(kind: type, values: Iterable[object]) -> bool:
    return all(type(value) is kind for value in values)


_KINDS = {
    "labels": list,
    "input": dict,
    "taps": list,
    "normalize": dict,
    "training": dict,
    "proof": dict | None,
    "weights_sha256": str,
}

INPUT = {
    "name": IMAGE,
    "shape": [1, GLYPH_SIZE, GLYPH_SIZE],
    "dtype": "float32",
    "range": [0, 1],
    "ink": 1,
    "paper": 0,
}
