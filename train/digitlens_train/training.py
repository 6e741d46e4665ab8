"""One training from start to end: it fills a run folder."""

import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import strftime

import torch

import digitlens
from digitlens.files import check_writable
from digitlens_train import figures
from digitlens_train.mnist import Mnist, glyphs, load
from digitlens_train.model import LeNet, layers, summary
from digitlens_train.recipe import Recipe
from digitlens_train.run import Run
from digitlens_train.trainer import Batches, Epoch, choose_device, evaluate, fit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What one training is asked to do; `limit` keeps the first training images."""

    recipe: Recipe
    seed: int = 0
    device: str = "auto"
    data: Path | None = None
    limit: int | None = None


def train(request: Request, run: Run) -> Epoch:
    """Train as requested, write everything into `run`, and give the last epoch.

    Raises:
        UsageError: the device is not there, or the folder cannot be written.
        NotFoundError, DataError: see `digitlens_train.mnist.load`.
    """
    check_writable(run.checkpoint)
    device = choose_device(request.device)
    loaded = load(request.data)
    data = Mnist(loaded.name, loaded.train.first(request.limit), loaded.valid, loaded.folder)
    torch.manual_seed(request.seed)
    model = LeNet()
    log.info("%s\n", summary(model))
    run.write_config(_config(request, data, device))
    epochs: list[Epoch] = []
    log.info("time      epoch  train loss  valid loss  train accuracy  valid accuracy")
    for epoch in fit(model, data, request.recipe, seed=request.seed, device=device):
        epochs.append(epoch)
        run.save_model(model)
        run.write_metrics(_metrics(model, epochs))
        log.info("%s", _line(epoch))
    draw(run, data, epochs)
    return epochs[-1]


def draw(run: Run, data: Mnist, epochs: Sequence[Epoch]) -> None:
    """Write the figures of a finished run into its folder."""
    model = run.load_model()
    valid = evaluate(model, Batches(data.valid, torch.device("cpu")))
    counts = figures.confusion_counts(data.valid.labels, valid.probabilities.argmax(1))
    with torch.inference_mode():
        glyph = glyphs(data.valid.images[:1])
        outputs = {name: output[0] for name, output in model.activations(glyph).items()}
    digit = glyph[0, 0]
    pictures = {
        "samples": figures.samples(data.train),
        "losses": figures.losses(epochs),
        "accuracies": figures.accuracies(epochs),
        "predictions": figures.predictions(data.valid, valid.probabilities),
        "confusion_matrix": figures.confusion_matrix(counts),
        "final_layer": figures.final_layer(digit, outputs["logits"], outputs["probabilities"]),
    }
    for name in ("conv1", "conv2", "conv3"):
        pictures[f"maps_{name}"] = figures.maps(digit, outputs[name], name)
    for name, figure in pictures.items():
        figures.save(figure, run.folder / f"{name}.png")


def _config(request: Request, data: Mnist, device: torch.device) -> dict[str, object]:
    return {
        "dataset": data.name,
        "data": str(data.folder) if data.folder else None,
        "train_images": len(data.train.labels),
        "valid_images": len(data.valid.labels),
        "recipe": asdict(request.recipe),
        "seed": request.seed,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "versions": {
            "digitlens": digitlens.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": version("torchvision"),
        },
    }


def _metrics(model: LeNet, epochs: Sequence[Epoch]) -> dict[str, object]:
    last = asdict(epochs[-1])
    del last["epoch"]
    last["seconds"] = round(sum(epoch.seconds for epoch in epochs), 3)
    parameters = sum(layer.parameters for layer in layers(model))
    return {"epochs": [asdict(epoch) for epoch in epochs], **last, "parameters": parameters}


def _line(epoch: Epoch) -> str:
    return (
        f"{strftime('%H:%M:%S')}  {epoch.epoch:>5}  {epoch.train_loss:>10.4f}  "
        f"{epoch.valid_loss:>10.4f}  {epoch.train_accuracy:>14.2%}  {epoch.valid_accuracy:>14.2%}"
    )
