import pytest
import torch

from digitlens_train.calibration import bins, calibration_error, fit_temperature


def sharpened(factor: float, count: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that are `factor` times too large for labels drawn from them."""
    random = torch.Generator().manual_seed(0)
    true = torch.randn(count, 10, generator=random) * 2
    labels = torch.multinomial(true.softmax(1), 1, generator=random)[:, 0]
    return true * factor, labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_a_sharpening(factor: float) -> None:
    logits, labels = sharpened(factor)
    assert fit_temperature(logits, labels) == pytest.approx(factor, rel=0.03)


def test_scaling_by_the_temperature_mends_the_calibration() -> None:
    logits, labels = sharpened(3.0)
    before = calibration_error(logits.softmax(1), labels)
    after = calibration_error((logits / fit_temperature(logits, labels)).softmax(1), labels)
    assert before > 0.1
    assert after < 0.01


def test_a_classifier_without_an_error_gets_a_finite_temperature() -> None:
    labels = torch.arange(10)
    assert 0.1 <= fit_temperature(torch.eye(10) * 5, labels) < 1


def test_bins_and_their_error_by_hand() -> None:
    probabilities = torch.zeros(4, 10)
    probabilities[:2, 3], probabilities[:2, 4] = 0.9, 0.1
    probabilities[2:, 5], probabilities[2:, 6] = 0.6, 0.4
    found = bins(probabilities, torch.tensor([3, 0, 5, 5]))
    assert [(part.count, part.accuracy) for part in found] == [(2, 1.0), (2, 0.5)]
    assert [part.confidence for part in found] == pytest.approx([0.6, 0.9])
    error = calibration_error(probabilities, torch.tensor([3, 0, 5, 5]))
    assert error == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
