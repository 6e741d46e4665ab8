"""LeNet-5 as LeCun, Bottou, Bengio and Haffner drew it in 1998, with today's conventions.

Gradient-Based Learning Applied to Document Recognition, figure 2: three 5×5 convolutions with
two 2×2 subsamplings between them, then two linear layers. As in most later implementations the
subsampling is a plain average, conv2 sees all maps of pool1, and the last layer gives ten logits.

61,706 parameters. Shapes below leave the batch out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from digitlens.contract import GLYPH_SIZE, LOGITS, PROBABILITIES, TAPS

PARAMETERS = {"conv1": 156, "conv2": 2_416, "conv3": 48_120, "fc1": 10_164, "logits": 850}
"""Trainable parameters of each layer, from the paper's kernel sizes and map counts."""


class LeNet(nn.Module):
    """LeNet-5: float32 `[batch, 1, 32, 32]`, ink 1 on paper 0, to ten logits.

    `temperature` divides the logits before the softmax. It is not trained but fitted afterwards,
    see `digitlens_train.calibration`, and travels with the weights.
    """

    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.conv3 = nn.Conv2d(16, 120, kernel_size=5)
        self.fc1 = nn.Linear(120, 84)
        self.logits = nn.Linear(84, 10)
        self.pool = nn.AvgPool2d(2)
        self.register_buffer("temperature", torch.ones(()))
        counts = {
            name: sum(p.numel() for p in layer.parameters())
            for name, layer in self.named_children()
            if name != "pool"
        }
        assert counts == PARAMETERS, counts
        assert sum(counts.values()) == 61_706

    def activations(self, image: Tensor) -> dict[str, Tensor]:
        """Every activation that the model file gives out, by name, in graph order."""
        conv1 = torch.tanh(self.conv1(image))  # [1, 32, 32] → [6, 28, 28]
        pool1 = self.pool(conv1)  # → [6, 14, 14]
        conv2 = torch.tanh(self.conv2(pool1))  # → [16, 10, 10]
        pool2 = self.pool(conv2)  # → [16, 5, 5]
        conv3 = torch.tanh(self.conv3(pool2))  # → [120, 1, 1]
        fc1 = torch.tanh(self.fc1(conv3.flatten(1)))  # → [84]
        logits = self.logits(fc1)  # → [10]
        return {
            "conv1": conv1,
            "pool1": pool1,
            "conv2": conv2,
            "pool2": pool2,
            "conv3": conv3,
            "fc1": fc1,
            LOGITS: logits,
            PROBABILITIES: torch.softmax(logits / self.temperature, dim=1),
        }

    def forward(self, image: Tensor) -> Tensor:
        """Give the logits `[batch, 10]`."""
        logits: Tensor = self.activations(image)[LOGITS]
        return logits


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the summary: its output's shape without the batch, and its parameters."""

    name: str
    shape: tuple[int, ...]
    parameters: int


def layers(model: LeNet) -> list[Layer]:
    """List the layers with the shapes that a forward pass really gives."""
    was_on = next(model.parameters())
    image = torch.zeros(1, 1, GLYPH_SIZE, GLYPH_SIZE, dtype=was_on.dtype, device=was_on.device)
    with torch.inference_mode():
        outputs = model.activations(image)
    outputs.pop(PROBABILITIES)
    shapes = {name: tuple(output.shape[1:]) for name, output in outputs.items()}
    assert shapes == {tap.name: tap.shape for tap in TAPS} | {LOGITS: (10,)}, shapes
    return [Layer(name, shape, PARAMETERS.get(name, 0)) for name, shape in shapes.items()]


def summary(model: LeNet) -> str:
    """Lay the layers out as a table, with the sizes of float32 numbers in MB (10⁶ bytes)."""
    rows = layers(model)
    lines = [f"{'layer':<8}{'output shape':<16}{'parameters':>12}"]
    lines += [f"{r.name:<8}{list(r.shape)!s:<16}{r.parameters:>12,}" for r in rows]
    parameters = sum(row.parameters for row in rows)
    outputs = sum(torch.Size(row.shape).numel() for row in rows)
    lines += [f"{'total':<8}{'':<16}{parameters:>12,}", ""]
    for what, numbers in (
        ("input", GLYPH_SIZE**2),
        ("activations", outputs),
        ("parameters", parameters),
        ("together", GLYPH_SIZE**2 + outputs + parameters),
    ):
        lines.append(f"{what:<12}{numbers * 4 / 1e6:>8.3f} MB")
    return "\n".join(lines)
