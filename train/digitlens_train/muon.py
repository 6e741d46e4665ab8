"""Muon: momentum whose matrices are made orthogonal before each step.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. A layer's
gradient is mostly a few strong directions; given the same length, the weak ones are learnt as
well, and far fewer steps are needed. torch's own Muon takes matrices alone and works in bfloat16,
which CPUs without such instructions compute hundreds of times slower than float32.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5
"""Newton-Schulz iterations and their coefficients, from the publication: all but small singular
values end up between 0.68 and 1.14, which is orthogonal enough; very small ones stay small."""
MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """For the weights of hidden layers; a convolution's kernels are the rows of a matrix."""

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step along Nesterov's momentum, made orthogonal."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                state: dict[str, Any] = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                mean = state["momentum"]
                mean.lerp_(weight.grad, 1 - MOMENTUM)
                ahead = weight.grad.lerp(mean, MOMENTUM)
                rows = len(weight)
                scale = max(1.0, rows / (weight.numel() // rows)) ** 0.5
                change = orthogonal(ahead.flatten(1)).view(weight.shape)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(change, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    """Give the nearest (semi-)orthogonal matrix to float32 `[rows, columns]`, roughly."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    result: Tensor = x.T if is_tall else x
    return result
