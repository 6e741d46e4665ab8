"""How fast our recipes train beside the usual way, one after the other on this machine.

    python scripts/bench_training.py [--recipe NAME]… [--epochs N] [--format table|json]

The contender `usual` is the training that most LeNet-5 tutorials share: PIL images resized one
by one in every epoch, a DataLoader, Adam, batches of 32, and accuracy measured on training and
validation images after each epoch by the same road. Each contender has a process of its own.
Seconds count from the loaded data set to the end, with every measurement that the recipe makes.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from digitlens.errors import DigitlensError
from digitlens_train import mnist
from digitlens_train.device import choose_device
from digitlens_train.distributed import Group
from digitlens_train.interrupt import Interrupt
from digitlens_train.mnist import FULL, Mnist, Split, glyphs
from digitlens_train.recipe import RECIPES, Recipe
from digitlens_train.request import Request, split
from digitlens_train.torchvision_import import transforms
from digitlens_train.trainer import Trainer, predict
from digitlens_train.training import extra

TARGET = 0.9873
"""Validation accuracy that a much copied tutorial reports after 15 epochs of it."""

# Multiplications of one image on its way forward: output places x kernel x maps in and out.
FORWARD = 28 * 28 * 25 * 6 + 10 * 10 * 25 * 6 * 16 + 25 * 16 * 120 + 120 * 84 + 84 * 10
BACKWARD = 2 * FORWARD - 28 * 28 * 25 * 6  # to weights and to inputs, but not to the image
FLOPS = 2 * (FORWARD + BACKWARD)
"""Floating-point operations of one image in training, additions counted too."""

Record = dict[str, Any]


class Pictures(Dataset[tuple[Tensor, int]]):
    """MNIST as it is usually read: a PIL image, resized and made a tensor at every access."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])

    def __len__(self) -> int:
        return len(self.split.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = transforms.functional.to_pil_image(self.split.images[index])
        return self.transform(picture), int(self.split.labels[index])


def train_usual(data: Mnist, epochs: int, device: torch.device) -> Record:
    """Train as most tutorials do."""
    torch.manual_seed(0)
    start = time.perf_counter()
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(16, 120, 5), nn.Tanh(), nn.Flatten()),
        *(nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    ).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    learn = DataLoader(Pictures(data.train), batch_size=32, shuffle=True)
    watch = DataLoader(Pictures(data.valid), batch_size=32)
    passes, accuracies, seconds = [], [], []
    for _ in range(epochs):
        begun = time.perf_counter()
        model.train()
        for image, label in learn:
            optimizer.zero_grad()
            cross_entropy(model(image.to(device)), label.to(device)).backward()
            optimizer.step()
        passes.append(time.perf_counter() - begun)
        _usual_accuracy(model, learn, device)
        accuracies.append(_usual_accuracy(model, watch, device))
        seconds.append(time.perf_counter() - start)
    return _record(passes, seconds, accuracies, len(data.train.labels))


def _usual_accuracy(
    model: nn.Module, loader: DataLoader[tuple[Tensor, int]], device: torch.device
) -> float:
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for image, label in loader:
            correct += int((model(image.to(device)).argmax(1).cpu() == label).sum())
            count += len(label)
    return correct / count


def train_ours(data: Mnist, recipe: Recipe, device: torch.device) -> Record:
    """Train one of our recipes, with the measurements that `digitlens train` makes."""
    start = time.perf_counter()
    splits = split(data, Request(recipe))
    trainer = Trainer(
        recipe,
        splits.learn,
        splits.watch,
        extra=extra(recipe, 0, data),
        seed=0,
        device=device,
        group=Group(),
    )
    passes, accuracies, seconds = [], [], []
    pass_over = trainer.pass_over

    def timed(interrupt: Interrupt) -> tuple[float, float]:
        begun = time.perf_counter()
        result = pass_over(interrupt)
        passes.append(time.perf_counter() - begun)
        return result

    trainer.pass_over = timed  # type: ignore[method-assign]
    for _ in range(recipe.epochs):
        accuracies.append(trainer.run_epoch(Interrupt()).valid_accuracy)
        seconds.append(time.perf_counter() - start)
    if splits.watch is not splits.report:
        right = predict(trainer.result(), glyphs(data.valid.images)).argmax(1) == data.valid.labels
        accuracies = [0.0] * (recipe.epochs - 1) + [right.double().mean().item()]
        seconds[-1] = time.perf_counter() - start
    return _record(passes, seconds, accuracies, len(trainer.shown.labels))


def _record(
    passes: list[float], seconds: list[float], accuracies: list[float], images: int
) -> Record:
    """Gather one contender's figures; `accuracies` are on the 10,000, 0 where not measured."""
    reached = [s for s, accuracy in zip(seconds, accuracies, strict=True) if accuracy >= TARGET]
    return {
        "epochs": len(passes),
        "images_per_second": images * len(passes) / sum(passes),
        "seconds_per_epoch": seconds[-1] / len(passes),
        "seconds": seconds[-1],
        "seconds_to_target": reached[0] if reached else None,
        "accuracy": accuracies[-1],
        "peak_memory_mb": _peak_memory() / 1e6,
    }


def _peak_memory() -> int:
    """Give the most bytes that were in use: on a CUDA device there, else in this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    scale = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def matrix_flops(device: torch.device, repeats: int = 8) -> float:
    """Measure the floating-point limit: operations a second of a large float32 product."""
    size = 2048 if device.type == "cpu" else 8192
    left = torch.rand(size, size, device=device)
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        float((left @ left)[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def measure(name: str, epochs: int | None) -> Record:
    """Train one contender in this process."""
    device = choose_device("auto")
    data = mnist.load()
    if data.name != FULL:
        sys.exit("Error: all of MNIST is needed: set DIGITLENS_DATA to a folder that holds it")
    limit = matrix_flops(device)
    if name == "usual":
        record = train_usual(data, epochs or RECIPES["classic"].epochs, device)
    else:
        recipe = RECIPES[name]
        record = train_ours(data, replace(recipe, epochs=epochs or recipe.epochs), device)
    share = record["images_per_second"] * FLOPS / limit
    facts = {"device": device.type, "threads": torch.get_num_threads()}
    return {"contender": name, **record, "matrix_gflops": limit / 1e9, "of_limit": share, **facts}


def table(records: list[Record]) -> str:
    """Lay the records out for people."""
    first = records[0]
    lines = [
        f"{first['device']}, {first['threads']} threads; float32 matrix product: "
        f"{max(r['matrix_gflops'] for r in records):.0f} GFLOP/s; {FLOPS / 1e6:.2f} MFLOP an image",
        "",
        f"{'':<10}{'epochs':>7}{'images/s':>10}{'s/epoch':>9}{'s in all':>10}"
        f"{'s to 98.73 %':>14}{'accuracy':>10}{'peak MB':>9}{'of limit':>10}{'time':>8}",
    ]
    for r in records:
        target = "never" if r["seconds_to_target"] is None else f"{r['seconds_to_target']:.1f}"
        lines.append(
            f"{r['contender']:<10}{r['epochs']:>7}{r['images_per_second']:>10,.0f}"
            f"{r['seconds_per_epoch']:>9.2f}{r['seconds']:>10.1f}{target:>14}"
            f"{r['accuracy']:>10.2%}{r['peak_memory_mb']:>9.0f}{r['of_limit']:>10.1%}"
            f"{r['seconds'] / first['seconds']:>8.3f}"
        )
    return "\n".join(lines)


@click.command(help=__doc__.partition("\n")[0])
@click.option(
    "--recipe",
    "names",
    multiple=True,
    type=click.Choice(["usual", *RECIPES]),
    default=["usual", "classic", "quick"],
    show_default=True,
    help="A contender; may be given several times. `time` in the table is against the first.",
)
@click.option("--epochs", type=click.IntRange(1), help="Train each for so many epochs instead.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--worker", hidden=True)
def main(names: tuple[str, ...], epochs: int | None, form: str, worker: str | None) -> None:
    """Start one process for each contender, one after the other."""
    if worker:
        try:
            click.echo(json.dumps(measure(worker, epochs)))
        except DigitlensError as error:
            sys.exit(f"Error: {error}")
        return
    records = []
    for name in names:
        click.echo(f"training {name}", err=True)
        command = [sys.executable, str(Path(__file__)), "--worker", name]
        command += ["--epochs", str(epochs)] if epochs else []
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode:
            sys.exit(done.returncode)
        records.append(json.loads(done.stdout))
    click.echo(json.dumps(records, indent=2) if form == "json" else table(records))


if __name__ == "__main__":
    main()
