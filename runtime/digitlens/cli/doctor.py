"""`digitlens doctor`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitlens.cli.options import format_option, model_option
from digitlens.text import one_line

if TYPE_CHECKING:
    from digitlens.doctor import Diagnosis


@click.command(epilog="Example: digitlens doctor --format json")
@model_option
@format_option("table", "json")
def doctor(model: Path | None, form: str) -> int:
    """Say what this device has, and what is wrong with it.

    Prints versions, providers, processor, cameras that answer, whether a window can be opened,
    and the model's contract and proof in short. Exits with 1 if digits cannot be read,
    or the model has no proof that it does what PyTorch does.
    """
    from digitlens.doctor import examine

    diagnosis = examine(model)
    click.echo(json.dumps(diagnosis.to_dict()) if form == "json" else _table(diagnosis))
    return 0 if diagnosis.ok else 1


def _table(diagnosis: "Diagnosis") -> str:
    rows = [
        ("versions", ", ".join(f"{name} {number}" for name, number in diagnosis.versions.items())),
        ("processor", "{machine}, {cores} cores, {system}".format(**diagnosis.processor)),
        ("providers", ", ".join(diagnosis.providers) or "none"),
        ("cameras", ", ".join(map(str, diagnosis.cameras)) or "none answers"),
        ("window", "can be opened" if diagnosis.window else "cannot be opened"),
        *_model_rows(diagnosis),
        ("verdict", "digits can be read" if diagnosis.ok else "not to be relied on, see below"),
    ]
    for problem in diagnosis.problems:
        kind = "problem" if problem.is_fatal else "note"
        rows.append((kind, f"{problem.what}: {problem.way_out}"))
    return "\n".join(one_line(f"{name:<10} {text}") for name, text in rows)


def _model_rows(diagnosis: "Diagnosis") -> list[tuple[str, str]]:
    model = diagnosis.model
    if model is None:
        return [("model", "cannot be used")]
    training, proof, accuracy = model["training"], model["proof"], model["valid_accuracy"]
    rows = [
        ("model", f"{model['file']}, {model['size']:,} bytes, taps {', '.join(model['taps'])}"),
    ]
    if known := [f"{name} {value}" for name, value in training.items() if value is not None]:
        rows.append(("training", ", ".join(known)))
    if accuracy is not None:
        rows.append(("accuracy", f"{accuracy:.2%} of the validation images"))
    if proof is not None:
        verdict = "passed" if proof["passed"] else "FAILED"
        rows.append(
            (
                "proof",
                f"{verdict}, {proof['samples']:,} images, off by {proof['max_abs']:.1e} at most",
            )
        )
    return rows
