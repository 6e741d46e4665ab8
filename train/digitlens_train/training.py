"""One training from start to end: it fills a run folder."""

import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from time import strftime
from typing import Any

import torch
from torch.nn.functional import cross_entropy

import digitlens
from digitlens.errors import RunError, UsageError
from digitlens.files import check_writable, remove_leftovers
from digitlens_train import figures
from digitlens_train.calibration import calibration_error, fit_temperature
from digitlens_train.device import choose_device
from digitlens_train.distributed import Group, joined
from digitlens_train.events import Events, check_installed
from digitlens_train.fonts import Font
from digitlens_train.found import found
from digitlens_train.interrupt import postponed
from digitlens_train.mnist import Mnist, Split, glyphs, load
from digitlens_train.model import PARAMETERS, LeNet, summary
from digitlens_train.outliers import outliers
from digitlens_train.pages import Hands
from digitlens_train.recipe import Recipe
from digitlens_train.request import Request, Splits, load_fonts, split
from digitlens_train.run import Run
from digitlens_train.trainer import Epoch, Trainer, predict
from digitlens_train.writing import written

log = logging.getLogger(__name__)

NO_FONTS = (
    "no --fonts: fewer ways of writing and letters are drawn; fetch fonts with "
    "scripts/handwriting_fonts.py"
)


def train(request: Request, run: Run) -> dict[str, Any] | None:
    """Train as requested, write everything into `run`, and give its final metrics.

    Of several processes, only the first writes and gives metrics.

    Raises:
        UsageError: the device is not there, the folder cannot be written, or the fonts are not
            those of the run.
        NotFoundError, DataError: see `load` in `digitlens_train.mnist` and `.fonts`.
        RunError: the run to go on with is damaged, the loss is no number, or a process is gone.
        KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
    """
    device = choose_device(request.device)
    with joined(device) as group:
        return _train(request, run, device, group)


def _train(request: Request, run: Run, device: torch.device, group: Group) -> dict[str, Any] | None:
    request, is_finished, state = group.lead(partial(_start, request, run))
    if is_finished:
        return run.read_metrics() if group.leads else None
    fonts = group.lead(partial(load_fonts, request))
    # The leader's images are everybody's: one download, and no two data sets.
    data = group.lead(partial(run.load_data if request.resume else load, request.data))
    splits = split(data, request)
    trainer = Trainer(
        request.recipe,
        splits.learn,
        splits.watch,
        extra=extra(request.recipe, request.seed, data, fonts),
        seed=request.seed,
        device=device,
        group=group,
    )
    epochs = _restore(trainer, state, run)
    if group.leads:
        log.info("%s\n\n%s", summary(trainer.model), _plan(request, splits, group))
        if request.recipe.written + request.recipe.outliers and not fonts:
            log.warning("%s", NO_FONTS)
        run.write_config(_config(request, data, splits, fonts, device, group))
    _go_through(trainer, epochs, run, request)
    return _finish(trainer, epochs, run, splits) if group.leads else None


def extra(recipe: Recipe, seed: int, data: Mnist, fonts: Sequence[Font] = ()) -> Split | None:
    """Draw the digits and outliers that the recipe shows in addition to MNIST's digits."""
    stay, _ = data.train.hold_out(recipe.held_out)
    digits = written(recipe.written, seed, fonts)
    extra = digits.joined(outliers(recipe.outliers, stay, seed, fonts))
    if recipe.pages:
        extra = extra.joined(found(recipe.pages, Hands(stay, fonts), seed))
    return extra if len(extra.labels) else None


def _start(request: Request, run: Run) -> tuple[Request, bool, dict[str, Any] | None]:
    """Give what is to be done, whether it is done already, and the state to go on from."""
    check_writable(run.checkpoint)
    if request.trial and not request.recipe.held_out:
        raise UsageError("a trial needs held-out images: give their number with --held-out 10000")
    if request.tensorboard:
        check_installed()
    if not request.resume:
        if run.folder.is_dir() and any(run.folder.glob("[!.]*")):
            raise UsageError(f"{run.folder} holds other files: choose a new or an empty --out")
        return request, False, None
    remove_leftovers(run.folder)
    return request, run.is_finished, run.load_state()


def _restore(trainer: Trainer, state: dict[str, Any] | None, run: Run) -> list[Epoch]:
    """Bring `trainer` to `state`, and give the epochs that are done."""
    if state is None:
        return []
    try:
        trainer.restore(state["trainer"])
        return [Epoch(**epoch) for epoch in state["epochs"]]
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(f"{run.state} belongs to another training: train again") from error


def _go_through(trainer: Trainer, epochs: list[Epoch], run: Run, request: Request) -> None:
    """Train until all epochs are done, and leave a run that can be resumed after each."""
    leads = trainer.group.leads
    folder = run.folder / "tensorboard" if request.tensorboard and leads else None
    log.info("time      epoch  train loss  valid loss  train accuracy  valid accuracy")
    try:
        with postponed() as interrupt, Events(folder) as events:
            for epoch in epochs:
                log.info("%s", _line("resumed ", epoch))
                events.add(epoch)
            while trainer.epoch < request.recipe.epochs:
                epoch = trainer.run_epoch(interrupt)
                epochs.append(epoch)
                if leads:
                    _keep(trainer, epochs, run)
                log.info("%s", _line(strftime("%H:%M:%S"), epoch))
                events.add(epoch)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"interrupted, {len(epochs)} of {request.recipe.epochs} epochs are kept: go on with "
            f"'digitlens train --out {run.folder} --resume'"
        ) from error


def _keep(trainer: Trainer, epochs: Sequence[Epoch], run: Run) -> None:
    """Write what is known after an epoch; the state first, from which the rest can be written."""
    run.save_state({"trainer": trainer.state(), "epochs": [asdict(epoch) for epoch in epochs]})
    run.save_model(trainer.result())
    run.write_metrics(_metrics(epochs))


def _finish(trainer: Trainer, epochs: Sequence[Epoch], run: Run, splits: Splits) -> dict[str, Any]:
    """Calibrate the result, look at the validation images, and write what a whole run has."""
    model = trainer.result()
    if splits.watched == "held-out":
        held_out = predict(model, glyphs(splits.watch.images))
        model.temperature.fill_(fit_temperature(held_out, splits.watch.labels))
    labels = splits.report.labels
    logits = predict(model, glyphs(splits.report.images))
    probabilities = (logits / model.temperature).softmax(1)
    metrics = _metrics(epochs)
    if splits.report is not splits.watch:
        metrics["valid_loss"] = cross_entropy(logits, labels).item()
        metrics["valid_accuracy"] = int((logits.argmax(1) == labels).sum()) / len(labels)
    metrics["temperature"] = model.temperature.item()
    metrics["calibration_error"] = calibration_error(probabilities, labels)
    metrics["calibration_error_before"] = calibration_error(logits.softmax(1), labels)
    run.save_model(model)
    run.write_metrics(metrics)
    _draw(run, splits, epochs, model, probabilities)
    run.forget_state()
    return metrics


def _draw(
    run: Run, splits: Splits, epochs: Sequence[Epoch], model: LeNet, probabilities: torch.Tensor
) -> None:
    """Write the figures of a finished run into its folder."""
    counts = figures.confusion_counts(splits.report.labels, probabilities.argmax(1))
    with torch.inference_mode():
        glyph = glyphs(splits.report.images[:1])
        outputs = {name: output[0] for name, output in model.activations(glyph).items()}
    digit = glyph[0, 0]
    pictures = {
        "samples": figures.samples(splits.learn),
        "losses": figures.losses(epochs, splits.watched),
        "accuracies": figures.accuracies(epochs, splits.watched),
        "predictions": figures.predictions(splits.report, probabilities, splits.reported),
        "confusion_matrix": figures.confusion_matrix(counts),
        "final_layer": figures.final_layer(digit, outputs["logits"], outputs["probabilities"]),
    }
    for name in ("conv1", "conv2", "conv3"):
        pictures[f"maps_{name}"] = figures.maps(digit, outputs[name], name)
    for name, figure in pictures.items():
        figures.save(figure, run.folder / f"{name}.png")


def _config(
    request: Request,
    data: Mnist,
    splits: Splits,
    fonts: Sequence[Font],
    device: torch.device,
    group: Group,
) -> dict[str, Any]:
    held_out = len(splits.watch.labels) if splits.watched == "held-out" else 0
    return {
        "dataset": data.name,
        "data": str(data.folder) if data.folder else None,
        "train_images": len(splits.learn.labels),
        "held_out_images": held_out,
        "valid_images": len(splits.report.labels),
        "limit": request.limit,
        "trial": request.trial,
        "recipe": asdict(request.recipe),
        "fonts": [font.name for font in fonts] or None,
        "seed": request.seed,
        "device": device.type,
        "processes": group.size,
        "threads": torch.get_num_threads(),
        "versions": {
            "digitlens": digitlens.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": version("torchvision"),
        },
    }


def _plan(request: Request, splits: Splits, group: Group) -> str:
    recipe = request.recipe
    drawn = recipe.written + recipe.outliers
    more = f" and {drawn:,} drawn ones" if drawn else ""
    more += f" and those of {recipe.pages:,} made pages" if recipe.pages else ""
    together = f" over {group.size} processes" if group.size > 1 else ""
    return (
        f"recipe {recipe.name}: {recipe.epochs} epoch{'s' * (recipe.epochs > 1)} of "
        f"{len(splits.learn.labels):,} images{more}, "
        f"effective batch {recipe.batch_size}{together}, learning rate {recipe.lr:g} "
        f"({recipe.schedule}); epochs are validated on {len(splits.watch.labels):,} "
        f"{splits.watched} images"
    )


def _metrics(epochs: Sequence[Epoch]) -> dict[str, Any]:
    last = asdict(epochs[-1])
    del last["epoch"]
    last["seconds"] = round(sum(epoch.seconds for epoch in epochs), 3)
    parameters = sum(PARAMETERS.values())
    return {"epochs": [asdict(epoch) for epoch in epochs], **last, "parameters": parameters}


def _line(start: str, epoch: Epoch) -> str:
    return (
        f"{start}  {epoch.epoch:>5}  {epoch.train_loss:>10.4f}  "
        f"{epoch.valid_loss:>10.4f}  {epoch.train_accuracy:>14.2%}  {epoch.valid_accuracy:>14.2%}"
    )
