"""Runs side by side in one HTML file that needs nothing else."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

import digitlens
from digitlens.errors import RunError
from digitlens.files import write_text
from digitlens_train import figures, report_figures
from digitlens_train.calibration import bins, calibration_error
from digitlens_train.mnist import Split, glyphs
from digitlens_train.run import Run
from digitlens_train.trainer import Epoch, predict

LEAST_CONFIDENT = 40
"""How many of the least confident predictions are shown."""

Page = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One validation image: its number, label, predicted digit, confidence 0…1, and PNG as URI."""

    number: int
    label: int
    predicted: int
    confidence: float
    picture: str


def write(runs: Sequence[Run], target: Path, data: Path | None = None) -> None:
    """Write the report on `runs` to `target`; their networks are run on their data set.

    Raises:
        NotFoundError, RunError, DataError: a run or its data cannot be used.
        UsageError: `target` cannot be written.
    """
    names = _names(runs)
    parts = [
        _section(number, name, run, data)
        for number, (name, run) in enumerate(zip(names, runs, strict=True))
    ]
    curves = report_figures.curves(
        [(part["name"], part["watched"], part["epochs"]) for part in parts]
    )
    loader = jinja2.PackageLoader("digitlens_train", ".")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined
    )
    page = environment.get_template("report.html").render(
        runs=parts,
        facts=_rows([part["facts"] for part in parts]),
        curves=report_figures.svg(curves, "loss and accuracy of all runs", len(runs)),
        version=digitlens.__version__,
    )
    write_text(target, page)


def _names(runs: Sequence[Run]) -> list[str]:
    """Name runs by their folder; with the folders above it where that is not enough."""
    folders = [run.folder.resolve() for run in runs]
    short = [folder.name for folder in folders]
    return short if len(set(short)) == len(short) else [str(run.folder) for run in runs]


def _rows(facts: Sequence[dict[str, str]]) -> list[Page]:
    """Turn the facts of each run into one row a fact, marked where the runs differ."""
    names = dict.fromkeys(name for part in facts for name in part)
    cells = {name: [part.get(name, "") for part in facts] for name in names}
    return [
        {"name": name, "cells": row, "different": len(set(row)) > 1} for name, row in cells.items()
    ]


def _section(number: int, name: str, run: Run, data: Path | None) -> Page:
    """Gather all that the report says about one run."""
    model = run.load_model()
    facts, epochs, watched = _recorded(run)
    images = run.validation_images(data)
    logits = predict(model, glyphs(images.images))
    raw, scaled = logits.softmax(1), (logits / model.temperature).softmax(1)
    counts = figures.confusion_counts(images.labels, logits.argmax(1))
    accuracies = figures.digit_accuracies(counts).tolist()
    pictures = {
        "confusion": figures.confusion_matrix(counts),
        "digits": report_figures.digit_accuracies(accuracies),
        "calibration": report_figures.calibration(
            bins(raw, images.labels), bins(scaled, images.labels)
        ),
        "kernels": report_figures.kernels(model.conv1.weight.detach()),
    }
    wrong = (scaled.argmax(1) != images.labels).nonzero().flatten()
    unsure = scaled.max(1).values.argsort()[:LEAST_CONFIDENT]
    facts |= {
        "accuracy": f"{1 - len(wrong) / len(images.labels):.2%}",
        "wrong": f"{len(wrong):,} of {len(images.labels):,}",
        "temperature": f"{model.temperature.item():.4f}",
        "calibration error before": f"{calibration_error(raw, images.labels):.3%}",
        "calibration error": f"{calibration_error(scaled, images.labels):.3%}",
    }
    return {
        "name": name,
        "epochs": epochs,
        "watched": watched,
        "facts": facts,
        "figures": {
            key: report_figures.svg(f, f"{key} of {name}", number) for key, f in pictures.items()
        },
        "wrong": _predictions(images, scaled, wrong[scaled[wrong].max(1).values.argsort()]),
        "unsure": _predictions(images, scaled, unsure),
    }


def _recorded(run: Run) -> tuple[dict[str, str], list[Epoch], str]:
    """Read what the run folder says: facts as words, its epochs, and what they are validated on."""
    config, metrics = run.read_config(), run.read_metrics()
    try:
        epochs = [_epoch(fields) for fields in metrics["epochs"]]
        watched = "held-out" if config["held_out_images"] else "validation"
        return _facts(run, config, metrics), epochs, watched
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"{run.folder}: its config.json or metrics.json is damaged ({error}); train again"
        ) from error


def _epoch(fields: Page) -> Epoch:
    if not all(isinstance(value, int | float) for value in fields.values()):
        raise TypeError(f"an epoch is {fields}")
    return Epoch(**fields)


def _facts(run: Run, config: Page, metrics: Page) -> dict[str, str]:
    """Give configuration and cost as words, in the order of reading."""
    recipe = dict(config["recipe"])
    epochs = len(metrics["epochs"])
    name = recipe.pop("name")
    held_out = config["held_out_images"]
    reported = "held-out" if run.is_held_out else "validation"
    facts = {
        "folder": str(run.folder),
        "data set": config["dataset"],
        "training images": f"{config['train_images']:,}",
        "held-out images": f"{held_out:,}",
        "curves are validated on": f"{'held-out' if held_out else 'validation'} images",
        "the rest of this page is about": f"{reported} images",
        "recipe": name,
        **{key.replace("_", " "): str(value) for key, value in recipe.items()},
        "seed": str(config["seed"]),
        "device": f"{config['device']}, {config['processes']} × {config['threads']} threads",
        "versions": ", ".join(f"{key} {value}" for key, value in config["versions"].items()),
        "epochs done": f"{epochs} of {recipe['epochs']}",
        "cost": f"{metrics['seconds']:.0f} s",
        "training loss": f"{metrics['train_loss']:.4f}",
        f"{reported} loss": f"{metrics['valid_loss']:.4f}",
        "training accuracy": f"{metrics['train_accuracy']:.2%}",
    }
    if not run.is_finished:
        facts["state"] = "unfinished: go on with --resume"
    return facts


def _predictions(images: Split, probabilities: Tensor, numbers: Tensor) -> list[Prediction]:
    confidence, predicted = probabilities.max(1)
    return [
        Prediction(
            number=number,
            label=int(images.labels[number]),
            predicted=int(predicted[number]),
            confidence=float(confidence[number]),
            picture=_data_uri(255 - images.images[number].numpy()),
        )
        for number in numbers.tolist()
    ]


def _data_uri(image: NDArray[np.uint8]) -> str:
    png = cv2.imencode(".png", image)[1].tobytes()
    return "data:image/png;base64," + base64.b64encode(png).decode()
