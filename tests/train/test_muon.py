import pytest
import torch
from torch import nn

from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.model import LeNet
from digitlens_train.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(6, 25), (120, 400), (84, 120), (30, 10)])
def test_the_singular_values_come_close_to_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert values.min() > 0.4
    assert values.max() < 1.3
    assert orthogonal(matrix).shape == shape


def test_a_zero_gradient_changes_nothing() -> None:
    weight = nn.Parameter(torch.ones(4, 5))
    weight.grad = torch.zeros(4, 5)
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight.detach(), torch.ones(4, 5))


def test_a_step_goes_against_the_gradient_by_the_learning_rate() -> None:
    weight = nn.Parameter(torch.zeros(1, 1, 2, 2))
    weight.grad = torch.tensor([[[[3.0, 0.0], [0.0, 0.0]]]])
    Muon([weight], lr=0.1).step()
    assert -0.13 < weight[0, 0, 0, 0].item() < -0.06
    assert weight.detach().flatten()[1:].abs().max() == 0


def test_weight_decay_shrinks_by_its_share_of_the_learning_rate() -> None:
    weight = nn.Parameter(torch.ones(4, 5))
    weight.grad = torch.zeros(4, 5)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.full((4, 5), 0.95))


def test_it_learns_digits(subset: Mnist) -> None:
    torch.manual_seed(0)
    image, label = glyphs(subset.train.images[:640]), subset.train.labels[:640]
    model = LeNet()
    optimizer = Muon([p for p in model.parameters() if p.dim() > 1], lr=0.03)
    for step in range(60):
        batch = slice(step % 10 * 64, step % 10 * 64 + 64)
        model.zero_grad()
        nn.functional.cross_entropy(model(image[batch]), label[batch]).backward()
        optimizer.step()
    right = model(image).argmax(1) == label
    assert right.double().mean() > 0.8
