"""The layers of a model with their weights, so that every number of it can be followed.

A model file has a contract, and names its weights after its taps, as `digitlens export` does. A
file from elsewhere may compute otherwise; so the weights are believed only if a forward pass with
them, written down plainly here, gives what onnxruntime gives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitlens import model_file
from digitlens.contract import GLYPH_SIZE, IMAGE, LOGITS, PROBABILITIES
from digitlens.session import Session

Array = NDArray[np.float32]

CLOSE = 1e-4
"""Difference between two ways to compute an activation that rounding explains."""

INPUT, CONVOLUTION, POOLING, LINEAR, SOFTMAX, UNKNOWN = (
    "input",
    "convolution",
    "pooling",
    "linear",
    "softmax",
    "unknown",
)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One layer: what it computes, from what, and with which numbers.

    Attributes:
        name: of its output: the tap's, `image`, `logits` or `probabilities`.
        kind: how its output comes from that of the layer before; `unknown` if nothing is known.
        shape: of its output, without the batch.
        weight: float32 `[maps, maps before, 5, 5]` of a convolution, `[units, units before]` of a
            linear layer, the temperature `[1]` of the softmax; else None.
        bias: float32, one a map or unit, or None.
        has_tanh: whether the sum goes through tanh.
        words: what the contract says of it.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    weight: Array | None = field(default=None, repr=False)
    bias: Array | None = field(default=None, repr=False)
    has_tanh: bool = False
    words: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give all but the weights."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": self.shape,
            "has_tanh": self.has_tanh,
            "words": self.words,
        }


def layers_of(session: Session, model: Path | None) -> list[Layer]:
    """List the layers of a model, in graph order, the input first.

    Args:
        session: the model, loaded.
        model: its file, or None for the packaged model.
    """
    weights = model_file.weights(model_file.read(model or model_file.PACKAGED))
    contract = session.contract
    shapes = [(tap.name, tap.shape, tap.layer) for tap in contract.taps]
    shapes += [(LOGITS, (len(contract.labels),), ""), (PROBABILITIES, (len(contract.labels),), "")]
    found = [Layer(IMAGE, INPUT, tuple(contract.input["shape"]))]
    for name, shape, words in shapes:
        found.append(_layer(name, shape, words, weights))
    if _explains(found, session):
        return found
    return [
        each if each.kind == INPUT else Layer(each.name, UNKNOWN, each.shape, words=each.words)
        for each in found
    ]


def _layer(name: str, shape: tuple[int, ...], words: str, weights: Mapping[str, Array]) -> Layer:
    if name == PROBABILITIES:
        temperature = weights.get("temperature", np.ones(1, np.float32)).reshape(-1)
        return Layer(name, SOFTMAX, shape, temperature)
    weight, bias = weights.get(f"{name}.weight"), weights.get(f"{name}.bias")
    halves = [weights[half] for half in (f"{name}.weight0", f"{name}.weight1") if half in weights]
    if halves:
        weight = np.concatenate(halves, axis=1)  # see digitlens_export.graph
    if weight is None:
        return Layer(name, POOLING, shape, words=words)
    kind = CONVOLUTION if weight.ndim == 4 else LINEAR
    return Layer(name, kind, shape, weight, bias, has_tanh=name != LOGITS, words=words)


def _explains(found: Sequence[Layer], session: Session) -> bool:
    """Tell whether the layers compute what onnxruntime computes, for a glyph of noise."""
    glyph = np.random.default_rng(0).random((1, GLYPH_SIZE, GLYPH_SIZE), np.float32)
    expected = session.run(glyph)
    value: NDArray[Any] = glyph.astype(np.float64)
    for layer in found[1:]:
        try:
            value = _forward(layer, value)
        except ValueError:  # shapes that do not fit together
            return False
        true = expected[layer.name][0]
        if value.shape != true.shape or not np.allclose(value, true, rtol=0, atol=CLOSE):
            return False
    return True


def _forward(layer: Layer, value: NDArray[Any]) -> NDArray[Any]:
    """Compute a layer's output, float64 without a batch, from that of the layer before."""
    if layer.kind == POOLING:
        maps, height, width = value.shape
        return np.asarray(value.reshape(maps, height // 2, 2, width // 2, 2).mean((2, 4)))
    assert layer.weight is not None
    if layer.kind == SOFTMAX:
        powers = np.exp((value - value.max()) / layer.weight[0])
        return np.asarray(powers / powers.sum())
    if layer.kind == CONVOLUTION:
        windows = np.lib.stride_tricks.sliding_window_view(value, layer.weight.shape[2:], (1, 2))
        value = np.einsum("cyxij,ocij->oyx", windows, layer.weight)
    else:
        value = layer.weight @ value.reshape(-1)
    if layer.bias is not None:
        value = value + layer.bias.reshape(-1, *[1] * (value.ndim - 1))
    return np.tanh(value) if layer.has_tanh else value
