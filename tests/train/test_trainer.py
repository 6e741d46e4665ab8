import math
from dataclasses import replace
from itertools import chain

import pytest
import torch

from digitlens.errors import RunError, UsageError
from digitlens_train.device import choose_device
from digitlens_train.distributed import Group
from digitlens_train.interrupt import Interrupt
from digitlens_train.mnist import Mnist, Split, glyphs
from digitlens_train.model import LeNet
from digitlens_train.outliers import outliers
from digitlens_train.recipe import RECIPES, Recipe
from digitlens_train.trainer import OUTLIER_WEIGHT, Epoch, Trainer, predict, rate_factor
from digitlens_train.writing import written

CPU = torch.device("cpu")
SHORT = Recipe(name="short", epochs=2, counts_after=True)


def trainer(
    recipe: Recipe, learn: Split, watch: Split, seed: int = 0, extra: Split | None = None
) -> Trainer:
    return Trainer(recipe, learn, watch, extra=extra, seed=seed, device=CPU, group=Group())


def train(data: Mnist, seed: int = 0, recipe: Recipe = SHORT) -> tuple[LeNet, list[Epoch]]:
    one = trainer(recipe, data.train.first(1000), data.valid.first(500), seed)
    epochs = [one.run_epoch(Interrupt()) for _ in range(recipe.epochs)]
    return one.result(), epochs


def weights(model: LeNet) -> bytes:
    return b"".join(value.numpy().tobytes() for value in model.state_dict().values())


def test_classic_is_the_source_recipe() -> None:
    expected = Recipe(name="classic", epochs=15, batch_size=32, lr=1e-3, counts_after=True)
    assert RECIPES["classic"] == expected


def test_a_step_of_classic_is_a_step_of_torch_s_adam(subset: Mnist) -> None:
    learn = subset.train.first(32)
    one = trainer(replace(SHORT, epochs=1), learn, learn)
    torch.manual_seed(0)
    plain = LeNet()
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)
    torch.nn.functional.cross_entropy(plain(one.learn.glyphs), learn.labels).backward()
    optimizer.step()
    one.run_epoch(Interrupt())
    for ours, theirs in zip(one.model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)  # a tenth of a step


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(subset: Mnist) -> None:
    first, again, other = (weights(train(subset, seed)[0]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_training_learns_and_its_records_are_what_an_evaluation_finds(subset: Mnist) -> None:
    model, epochs = train(subset)
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert epochs[1].train_loss < epochs[0].train_loss
    assert epochs[1].valid_accuracy > 0.5
    one = trainer(SHORT, subset.train.first(1000), subset.valid.first(500))
    for examples, found in (
        (one.learn, epochs[1].train_accuracy),
        (one.watch, epochs[1].valid_accuracy),
    ):
        right = predict(model, examples.glyphs).argmax(1) == examples.labels
        assert found == pytest.approx(right.double().mean().item())


def test_every_epoch_shows_every_image_once_in_another_order(
    subset: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    original = Trainer._step

    def record(self: Trainer, batch: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        seen.append(batch.tolist())
        return original(self, batch, random)

    monkeypatch.setattr(Trainer, "_step", record)
    train(subset)
    steps = len(seen) // 2
    first, second = (list(chain(*part)) for part in (seen[:steps], seen[steps:]))
    assert {len(batch) for batch in seen[: steps - 1]} == {32}
    assert sorted(first) == sorted(second) == list(range(1000))
    assert first != second


@pytest.mark.parametrize(
    "changes",
    [
        {"muon_lr": 0.01},
        {"weight_decay": 0.5},
        {"schedule": "one-cycle"},
        {"rotation": 7.0},
        {"scale": 0.1},
        {"shear": 0.1},
        {"shift": 1.0},
        {"elastic": 1.0},
        {"narrow": 0.3},
        {"look": 1.0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_field_of_a_recipe_changes_the_weights(
    subset: Mnist, changes: dict[str, object]
) -> None:
    plain, changed = (train(subset, recipe=r)[0] for r in (SHORT, replace(SHORT, **changes)))
    assert weights(plain) != weights(changed)


def still(learn: Split, extra: Split | None) -> Trainer:
    """A training whose steps are too small to change any weight."""
    return trainer(replace(SHORT, lr=1e-30, counts_after=False), learn, learn, extra=extra)


def test_the_training_accuracy_counts_digits_only_and_drawn_ones_too(subset: Mnist) -> None:
    learn, drawn = subset.train.first(200), written(100, 0)
    one = still(learn, drawn.joined(outliers(300, learn, 0)))
    assert len(one.shown.labels) == 600
    accuracy = one.pass_over(Interrupt())[1]
    digits = learn.joined(drawn)
    right = predict(one.result(), glyphs(digits.images)).argmax(1) == digits.labels
    assert accuracy == pytest.approx(right.double().mean().item())
    assert len(one.learn.labels) == 200  # what is measured after an epoch


def test_an_outlier_costs_a_share_of_how_far_it_is_from_ten_equal_probabilities(
    subset: Mnist,
) -> None:
    learn = subset.train.first(100)
    extra = outliers(60, learn, 0)
    one = still(learn, extra)
    loss = one.pass_over(Interrupt())[0]
    digits = one.measure(one.learn)[0]
    unsure = -predict(one.result(), glyphs(extra.images)).log_softmax(1).mean().item()
    assert loss == pytest.approx((100 * digits + 60 * OUTLIER_WEIGHT * unsure) / 160, rel=1e-4)


def test_the_network_learns_to_be_unsure_of_outliers_alone(subset: Mnist) -> None:
    recipe = Recipe(name="x", epochs=3, batch_size=32, muon_lr=0.02)
    learn, watch = subset.train.first(1000), subset.valid.first(300)
    strange = outliers(300, subset.valid, 1)

    def sureness(extra: Split | None) -> tuple[float, float]:
        one = trainer(recipe, learn, watch, extra=extra)
        epochs = [one.run_epoch(Interrupt()) for _ in range(recipe.epochs)]
        assert 0.8 < epochs[-1].train_accuracy <= 1
        assert epochs[-1].valid_accuracy > 0.8
        model = one.result()
        sure, unsure = (
            predict(model, glyphs(split.images)).softmax(1).amax(1).mean().item()
            for split in (watch, strange)
        )
        return sure, unsure

    digits, others = sureness(outliers(1000, learn, 0))
    assert digits > 0.75
    assert others < 0.4
    assert sureness(None)[1] > 0.5


def test_one_cycle_rises_to_its_peak_and_falls_to_nothing() -> None:
    factors = [rate_factor("one-cycle", step / 100) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[20] == pytest.approx(1)
    assert factors[100] == pytest.approx(0, abs=1e-12)
    assert factors[:21] == sorted(factors[:21])
    assert factors[20:] == sorted(factors[20:], reverse=True)
    assert {rate_factor("constant", step / 100) for step in range(101)} == {1}


def test_the_last_step_of_one_cycle_is_the_smallest(subset: Mnist) -> None:
    one = trainer(replace(SHORT, schedule="one-cycle"), subset.train.first(320), subset.valid)
    for _ in range(SHORT.epochs):
        one.run_epoch(Interrupt())
    assert one.optimizers[0].param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


def wild(subset: Mnist, images: int) -> Trainer:
    """A training whose first step ruins the weights."""
    one = trainer(SHORT, subset.train.first(images), subset.valid.first(50))
    one.rates = [1e38]
    return one


def test_a_loss_that_is_no_number_names_epoch_and_batch(subset: Mnist) -> None:
    with pytest.raises(RunError, match=r"the loss is (nan|inf) in epoch 1, batch [23]: train in"):
        wild(subset, 320).run_epoch(Interrupt())


def test_the_last_step_of_an_epoch_is_watched_too(subset: Mnist) -> None:
    with pytest.raises(RunError, match=r"the loss is nan in epoch 1, batch 1: train in another"):
        wild(subset, 32).run_epoch(Interrupt())


def test_a_recipe_out_of_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="rotation"):
        Recipe(name="x", rotation=90)


def test_a_device_that_is_not_there_is_refused() -> None:
    assert choose_device("cpu") == CPU
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no cuda device"):
            choose_device("cuda")


@pytest.mark.parametrize("number", ["lr", "rotation"])
def test_a_recipe_has_finite_numbers(number: str) -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match=number):
            Recipe(name="x", **{number: value})
