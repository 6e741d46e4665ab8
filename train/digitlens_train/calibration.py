"""Confidence that means what it says: one temperature, and the measure of what it mends.

C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural Networks", 2017.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

BINS = 15


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence: how many, their mean confidence and their accuracy."""

    count: int
    confidence: float
    accuracy: float


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Find T that minimises the cross-entropy of softmax(logits / T), for float `[n, 10]`.

    The loss is convex in 1/T; its logarithm is searched, so that T stays positive.
    """
    exact = logits.detach().double()
    log_scale = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [log_scale],
        max_iter=100,
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = functional.cross_entropy(exact * log_scale.exp(), labels)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    # A classifier without an error has no best temperature: the colder the better.
    return float(torch.exp(-log_scale.detach()).clamp(0.1, 10))


def bins(probabilities: Tensor, labels: Tensor) -> list[Bin]:
    """Sort predictions `[n, 10]` into 15 bins of equal width; leave out the empty ones."""
    confidence, predicted = probabilities.double().max(1)
    correct = (predicted == labels).double()
    place = (confidence * BINS).ceil().long().clamp(1, BINS)
    filled = [place == number for number in range(1, BINS + 1)]
    return [
        Bin(int(chosen.sum()), float(confidence[chosen].mean()), float(correct[chosen].mean()))
        for chosen in filled
        if chosen.any()
    ]


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Expected calibration error, 0…1: the mean of |accuracy - confidence| over all predictions.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", 2015; here with 15 bins of equal width.
    """
    parts = bins(probabilities, labels)
    gaps = sum(part.count * abs(part.accuracy - part.confidence) for part in parts)
    return gaps / len(labels)
