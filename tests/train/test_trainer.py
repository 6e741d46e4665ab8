from collections.abc import Sequence
from itertools import chain

import pytest
import torch

from digitlens.errors import RunError, UsageError
from digitlens_train.mnist import FULL, Mnist
from digitlens_train.model import LeNet
from digitlens_train.recipe import RECIPES, Recipe
from digitlens_train.trainer import Batches, Epoch, choose_device, evaluate, fit

CPU = torch.device("cpu")
SHORT = Recipe("short", epochs=2, batch_size=32, lr=1e-3)


def train(data: Mnist, seed: int) -> tuple[LeNet, list[Epoch]]:
    torch.manual_seed(seed)
    model = LeNet()
    return model, list(fit(model, data, SHORT, seed=seed, device=CPU))


@pytest.fixture
def small(subset: Mnist) -> Mnist:
    return Mnist(FULL, subset.train.first(1000), subset.valid.first(500), None)


def weights(model: LeNet) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


def test_classic_is_the_source_recipe() -> None:
    assert RECIPES["classic"] == Recipe("classic", epochs=15, batch_size=32, lr=1e-3)


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(small: Mnist) -> None:
    first, again, other = (weights(train(small, seed)[0]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_training_learns_and_its_records_are_what_an_evaluation_finds(small: Mnist) -> None:
    model, epochs = train(small, 0)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert epochs[1].train_loss < epochs[0].train_loss
    assert epochs[1].valid_accuracy > 0.5
    found = evaluate(model, Batches(small.valid, CPU))
    assert found.accuracy == epochs[1].valid_accuracy
    predicted = found.probabilities.argmax(1)
    assert found.accuracy == pytest.approx((predicted == small.valid.labels).double().mean().item())


def test_batches_are_reshuffled_every_epoch_and_hold_every_image_once(
    small: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    original = Batches.__getitems__

    def record(self: Batches, indices: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(list(indices))
        return original(self, indices)

    monkeypatch.setattr(Batches, "__getitems__", record)
    train(small, 0)
    steps = len(seen) // 2
    first, second = (list(chain(*part)) for part in (seen[:steps], seen[steps:]))
    assert {len(batch) for batch in seen[: steps - 1]} == {32}
    assert sorted(first) == sorted(second) == list(range(1000))
    assert first != second


def test_a_loss_that_is_no_number_stops_the_training(small: Mnist) -> None:
    wild = Recipe("wild", epochs=2, batch_size=32, lr=1e38)
    with pytest.raises(RunError, match="the loss of epoch 1 is nan: lower the learning rate"):
        list(fit(LeNet(), small, wild, seed=0, device=CPU))


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == CPU
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no cuda device"):
            choose_device("cuda")
