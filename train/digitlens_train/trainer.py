"""The training loop: a recipe and MNIST in, one record an epoch out."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from digitlens.errors import RunError, UsageError
from digitlens_train.mnist import Mnist, Split, glyphs
from digitlens_train.model import LeNet
from digitlens_train.recipe import Recipe

EVALUATION_BATCH = 250


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of metrics.json; losses are mean cross-entropies, accuracies are 0…1.

    `train_loss` is the mean over the steps of the epoch, while the weights moved; the other
    three are measured after it.
    """

    epoch: int
    train_loss: float
    valid_loss: float
    train_accuracy: float
    valid_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy, accuracy 0…1 and probabilities float32 `[n, 10]` over a data set."""

    loss: float
    accuracy: float
    probabilities: Tensor


class Batches(Dataset[tuple[Tensor, Tensor]]):
    """Glyphs float32 `[n, 1, 32, 32]` and labels `[n]`, resized once and cut a batch at a time."""

    def __init__(self, split: Split, device: torch.device) -> None:
        # Channels last is a fifth faster for these convolutions on a CPU.
        self.glyphs = glyphs(split.images).to(device, memory_format=torch.channels_last)
        self.labels = split.labels.to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.glyphs[index], self.labels[index]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Cut a whole batch, which `DataLoader` prefers to one image at a time."""
        chosen = torch.tensor(indices, device=self.labels.device)
        return self.glyphs[chosen], self.labels[chosen]


def choose_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `mps` into a device that is there.

    Raises:
        UsageError: the device is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, is_there in there.items() if is_there), "cpu"))
    if not there.get(name, name == "cpu"):
        raise UsageError(f"no {name} device here: use --device auto or --device cpu")
    return torch.device(name)


def fit(
    model: LeNet, data: Mnist, recipe: Recipe, *, seed: int, device: torch.device
) -> Iterator[Epoch]:
    """Train `model` in place, and give a record after every epoch.

    Raises:
        RunError: the loss is no longer a finite number.
    """
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    train, valid = Batches(data.train, device), Batches(data.valid, device)
    loader = DataLoader(
        train,
        batch_size=recipe.batch_size,
        shuffle=True,
        collate_fn=lambda batch: batch,
        generator=torch.Generator().manual_seed(seed),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr, fused=True)
    for number in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        loss = _train_epoch(model, loader, optimizer, f"epoch {number}/{recipe.epochs}")
        if not math.isfinite(loss):
            raise RunError(f"the loss of epoch {number} is {loss}: lower the learning rate, --lr")
        on_train, on_valid = evaluate(model, train), evaluate(model, valid)
        yield Epoch(
            epoch=number,
            train_loss=loss,
            valid_loss=on_valid.loss,
            train_accuracy=on_train.accuracy,
            valid_accuracy=on_valid.accuracy,
            seconds=round(time.perf_counter() - start, 3),
        )


def evaluate(model: LeNet, batches: Batches) -> Evaluation:
    """Run `model` over all of `batches`, in order."""
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(part) for part in torch.split(batches.glyphs, EVALUATION_BATCH)])
    return Evaluation(
        loss=nn.functional.cross_entropy(logits, batches.labels).item(),
        accuracy=int((logits.argmax(1) == batches.labels).sum()) / len(batches),
        probabilities=logits.softmax(1).cpu(),
    )


def _train_epoch(
    model: LeNet,
    loader: DataLoader[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    title: str,
) -> float:
    model.train()
    total = torch.zeros((), dtype=torch.float64)
    count = 0
    for image, label in tqdm(loader, title, leave=False, disable=None, unit="batch"):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(image), label)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.detach().cpu() * len(label)
        count += len(label)
    return total.item() / count
