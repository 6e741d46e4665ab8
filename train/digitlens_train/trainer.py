"""The training loop: a recipe and images in, one record an epoch out."""

import copy
import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from digitlens.errors import RunError
from digitlens_train.augment import Augmentation
from digitlens_train.distributed import Group
from digitlens_train.interrupt import Interrupt
from digitlens_train.mnist import Split, glyphs
from digitlens_train.model import LeNet
from digitlens_train.muon import Muon
from digitlens_train.recipe import Recipe

EVALUATION_BATCH = 250
CHECK_EVERY = 50
"""Batches between two looks at the loss; on a GPU each look waits for all of them."""
PEAK, START = 0.2, 0.1
"""Where one-cycle has its peak, as a share of all steps; where it starts, as a share of that."""
OUTLIER_WEIGHT = 0.5
"""What an image that is no digit counts beside one that is; Hendrycks et al. use 0.5."""
HIDDEN = ("conv1", "conv2", "conv3", "fc1")


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of metrics.json; losses are mean cross-entropies, accuracies are 0…1.

    `train_loss` is the mean over the epoch, while the weights moved, as is `train_accuracy` but
    where the recipe `counts_after`; the other two are measured after it.
    """

    epoch: int
    train_loss: float
    valid_loss: float
    train_accuracy: float
    valid_accuracy: float
    seconds: float


class Examples:
    """Images uint8 `[n, 28, 28]` and labels int64 `[n]` on a device."""

    def __init__(self, split: Split, device: torch.device) -> None:
        self.images, self.labels = split.images.to(device), split.labels.to(device)

    @cached_property
    def glyphs(self) -> Tensor:
        """The images as glyphs float32 `[n, 1, 32, 32]`, resized at the first use."""
        # Channels last is a fifth faster for these convolutions on a CPU.
        glyph = glyphs(self.images.cpu()).to(memory_format=torch.channels_last)
        return glyph.to(self.images.device)


class Trainer:
    """One training under way, alone or as one process of a `group`."""

    def __init__(
        self,
        recipe: Recipe,
        learn: Split,
        watch: Split,
        *,
        extra: Split | None = None,
        seed: int,
        device: torch.device,
        group: Group,
    ) -> None:
        torch.manual_seed(seed)
        self.recipe, self.seed, self.device, self.group = recipe, seed, device, group
        self.epoch = 0
        self.model = LeNet()
        self.model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network: nn.Module = self.model
        if group.size > 1:
            self.network = DistributedDataParallel(self.model)
        self.optimizers = _optimizers(self.model, recipe)
        self.rates = [optimizer.param_groups[0]["lr"] for optimizer in self.optimizers]
        self.augment = Augmentation(recipe, device) if recipe.augments else None
        self.learn, self.watch = Examples(learn, device), Examples(watch, device)
        self.shown = Examples(learn.joined(extra), device) if extra else self.learn
        outlier = torch.full((1, 10), OUTLIER_WEIGHT / 10)
        self.targets = torch.cat([torch.eye(10), outlier]).to(device)

    def result(self) -> LeNet:
        """Give a copy of the network on the CPU."""
        return copy.deepcopy(self.model).cpu()

    def state(self) -> dict[str, Any]:
        """Give all that the next epoch depends on."""
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"epoch": self.epoch, "model": self.model.state_dict(), "optimizers": optimizers}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def run_epoch(self, interrupt: Interrupt) -> Epoch:
        """Train for one epoch and measure; give up after a batch once `interrupt` is asked for.

        Raises:
            RunError: the loss is no longer a finite number.
            KeyboardInterrupt: `interrupt` was asked for.
        """
        start = time.perf_counter()
        loss, accuracy = self.pass_over(interrupt)
        if self.recipe.counts_after:
            accuracy = self.measure(self.learn)[1]
        valid_loss, valid_accuracy = self.measure(self.watch)
        if not math.isfinite(valid_loss):
            raise self._diverged(valid_loss, -(-len(self.shown.labels) // self.recipe.batch_size))
        self.epoch += 1
        return Epoch(
            epoch=self.epoch,
            train_loss=loss,
            valid_loss=valid_loss,
            train_accuracy=accuracy,
            valid_accuracy=valid_accuracy,
            seconds=round(time.perf_counter() - start, 3),
        )

    def measure(self, examples: Examples) -> tuple[float, float]:
        """Give mean cross-entropy and accuracy, 0…1, each image counted by one process."""
        count = len(examples.labels)
        share = self.group.share(count)
        logits, labels = predict(self.model, examples.glyphs[share]), examples.labels[share]
        loss = cross_entropy(logits, labels, reduction="sum")
        correct = (logits.argmax(1) == labels).sum()
        loss_sum, correct_sum = self.group.sum(torch.stack([loss, correct])).tolist()
        return loss_sum / count, correct_sum / count

    def pass_over(self, interrupt: Interrupt) -> tuple[float, float]:
        """Train on every image once; give mean loss and accuracy, 0…1, on the way."""
        # All that is random in an epoch follows from its number, so that it can be repeated.
        random = torch.Generator().manual_seed((self.seed << 20) + self.epoch)
        order = torch.randperm(len(self.shown.labels), generator=random)
        batches = torch.split(order, self.recipe.batch_size)
        first = self.epoch * len(batches)
        title = f"epoch {self.epoch + 1}/{self.recipe.epochs}"
        hidden = None if self.group.leads else True
        self.model.train()
        sums: list[Tensor] = []
        bar = tqdm(batches, title, leave=False, disable=hidden, unit="batch")
        for number, batch in enumerate(bar, start=1):
            self._set_rate((first + number) / (len(batches) * self.recipe.epochs))
            sums.append(self._step(batch, random))
            if number % CHECK_EVERY == 0 or number == len(batches):
                self._check(sums)
            if self.group.any(interrupt.asked):
                raise KeyboardInterrupt
        loss, correct = self.group.sum(torch.stack(sums).sum(0)).tolist()
        return loss / len(order), correct / int((self.shown.labels < 10).sum())

    def _step(self, batch: Tensor, random: torch.Generator) -> Tensor:
        """Take one step, and give this process's sum of losses and number of right answers."""
        drawn = self.augment.draw(len(batch), random) if self.augment else None
        share = self.group.share(len(batch))
        mine = batch[share].to(self.device)
        if self.augment and drawn is not None:
            glyph = self.augment(self.shown.images[mine], drawn[share].to(self.device))
        else:
            glyph = self.shown.glyphs[mine]
        labels = self.shown.labels[mine]
        self.model.zero_grad()
        logits = self.network(glyph)
        loss = cross_entropy(logits, self.targets[labels], reduction="sum")
        # The processes' gradients are averaged; the mean over the whole batch is wanted.
        (loss * self.group.size / len(batch)).backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers:
            optimizer.step()
        return torch.stack([loss.detach(), (logits.detach().argmax(1) == labels).sum()])

    def _check(self, sums: list[Tensor]) -> None:
        recent = self.group.sum(torch.stack(sums[-CHECK_EVERY:])[:, 0].clone()).cpu()
        bad = (~recent.isfinite()).nonzero().flatten().tolist()
        if bad:
            batch = max(0, len(sums) - CHECK_EVERY) + bad[0] + 1
            raise self._diverged(recent[bad[0]].item(), batch)

    def _diverged(self, loss: float, batch: int) -> RunError:
        return RunError(
            f"the loss is {loss:g} in epoch {self.epoch + 1}, batch {batch}: train in another "
            f"--out with a lower learning rate, --lr, than {self.recipe.lr:g}"
        )

    def _set_rate(self, progress: float) -> None:
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * rate_factor(self.recipe.schedule, progress)


def _optimizers(model: LeNet, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Adam for all parameters, or Muon for the hidden layers' weights and Adam for the rest."""
    names = [f"{layer}.weight" for layer in HIDDEN] if recipe.muon_lr else []
    parameters = dict(model.named_parameters())
    hidden = [parameters.pop(name) for name in names]
    decay = recipe.weight_decay
    # Without decay AdamW is Adam, number by number.
    adam = torch.optim.AdamW(parameters.values(), lr=recipe.lr, weight_decay=decay, fused=True)
    return [adam, Muon(hidden, lr=recipe.muon_lr, weight_decay=decay)] if hidden else [adam]


def rate_factor(schedule: str, progress: float) -> float:
    """Give what a learning rate is multiplied by at `progress`, 0…1, through all steps.

    One-cycle is that of Smith and Topin, "Super-Convergence", 2018: here from `START` of
    the peak up to it until `PEAK`, and down to nothing, both along half a cosine.
    """
    if schedule == "constant":
        return 1.0
    if progress < PEAK:
        low, phase = START, 1 - progress / PEAK
    else:
        low, phase = 0.0, (progress - PEAK) / (1 - PEAK)
    return low + (1 - low) * (1 + math.cos(math.pi * phase)) / 2


def predict(model: LeNet, glyph: Tensor) -> Tensor:
    """Give the logits `[n, 10]` of glyphs `[n, 1, 32, 32]`, in order."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part) for part in torch.split(glyph, EVALUATION_BATCH)])
