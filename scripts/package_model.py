"""Put a finished run into the package: model file, run folder and model card.

python scripts/package_model.py RUN
"""

import hashlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from digitlens import model_file
from digitlens.errors import DigitlensError
from digitlens.model_file import PACKAGED
from digitlens.session import Session
from digitlens_export.exporter import export
from digitlens_train.recipe import Recipe
from digitlens_train.run import Run

CARD = """# Model card: lenet5

The model that `digitlens` uses where no other is named: LeNet-5, 61,706 parameters, tanh,
average pooling, 32×32 input. This file is written by `scripts/package_model.py` from the run in
`lenet5/` and the contract inside `lenet5.onnx`; `digitlens doctor` prints both in short.

| | |
|---|---|
| data | {dataset}: {train_images:,} training images |
| images of the training set held out | {held_out_images:,} |
| validation images | {valid_images:,} |
| recipe | {recipe_in_full} |
| seed | {seed} |
| cost | {minutes:.0f} minutes on a {device}, {threads} thread{plural} |
| accuracy on the validation images | **{valid_accuracy:.2%}** |
| accuracy while learning, on distorted digits | {train_accuracy:.2%} |
| loss on the validation images | {valid_loss:.4f} |
| expected calibration error, 15 bins | {calibration_error:.3%} |
| the same before temperature scaling | {calibration_error_before:.3%} |
| temperature, fitted on the held-out images | {temperature:.4f} |
| proof | {proof_samples:,} images, labels agree on {label_agreement:.2%} |
| largest difference from PyTorch | {proof_worst:.1e} in any output |
| weights, SHA-256 | `{weights_sha256}` |
| versions | {versions} |

The validation images are MNIST's test set. No choice was made by them: recipe and number of
epochs come from trials on held-out images (`digitlens train --trial`), the seed was fixed before,
and the weights are those after the last epoch. The curves below are validated on the held-out
images.

## What it is for, and where it is weak

It reads single handwritten digits, upright within some 15°, from MNIST and from photos: trained on
MNIST's digits with other stroke widths, blur, contrast and gaps, on {written:,} digits drawn
in other ways of writing and from {fonts} handwriting fonts, on {outliers:,} non-digits (letters,
signs, scribbles, texture, parts and pairs of digits), and on the digits and non-digits that the
finder makes of {pages:,} made pages. Non-digits are to be answered with ten equal probabilities,
so a low confidence means: not a digit, or one that cannot be read. Letters that look like digits
(O, I, l, S, Z, B) are read as those.

`python scripts/bench_photos.py` and `python scripts/bench_pages.py` measure it together with the
search for digits in pictures. Still read badly: several digits in one unbroken stroke, pencil that
fades within a digit, and ways of writing that are in none of these.

## Figures of the run

![losses](lenet5/losses.png)
![accuracies](lenet5/accuracies.png)
![confusion matrix](lenet5/confusion_matrix.png)
![predictions](lenet5/predictions.png)
![feature maps of conv1](lenet5/maps_conv1.png)
![feature maps of conv2](lenet5/maps_conv2.png)
![feature maps of conv3](lenet5/maps_conv3.png)
![the ten outputs](lenet5/final_layer.png)
![training images](lenet5/samples.png)
"""


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path), metavar="RUN")
def main(folder: Path) -> None:
    """Export the run at `folder` into the package, and copy it there without its paths."""
    run, packaged = Run(folder), Run(PACKAGED.with_suffix(""))
    if folder.resolve() == packaged.folder.resolve():
        raise click.UsageError(f"{folder} is the package's own copy: name another run")
    try:
        if not run.read_config()["recipe"]["outliers"]:
            raise click.UsageError(f"{folder} never saw non-digits; train with --recipe photo")
        export(run, PACKAGED)
    except DigitlensError as error:
        raise click.ClickException(str(error)) from error
    pin(hashlib.sha256(PACKAGED.read_bytes()).hexdigest())
    shutil.rmtree(packaged.folder, ignore_errors=True)
    shutil.copytree(folder, packaged.folder, ignore=shutil.ignore_patterns("*.onnx", ".*"))
    config = run.read_config() | {"data": None}
    packaged.write_config(config)
    PACKAGED.with_suffix(".md").write_text(_card(config, run.read_metrics()), encoding="utf-8")


def pin(digest: str) -> None:
    """Write the digest of the packaged file into the module that checks it."""
    source = Path(model_file.__file__)
    old = f'PACKAGED_SHA256 = "{model_file.PACKAGED_SHA256}"'
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, f'PACKAGED_SHA256 = "{digest}"'))
    model_file.PACKAGED_SHA256 = digest


def _card(config: dict[str, Any], metrics: dict[str, Any]) -> str:
    contract = Session(PACKAGED).contract
    proof = contract.proof or {}
    facts = {**config, **metrics, **contract.training, **proof}
    facts["recipe_in_full"] = _in_full(config["recipe"])
    facts |= {name: config["recipe"][name] for name in ("written", "outliers", "pages")}
    facts["fonts"] = len(config["fonts"] or ())
    facts["minutes"] = metrics["seconds"] / 60
    facts["plural"] = "" if config["threads"] == 1 else "s"
    facts["proof_samples"] = proof["samples"]
    facts["proof_worst"] = max(output["max_abs"] for output in proof["outputs"])
    facts["weights_sha256"] = contract.weights_sha256
    facts["versions"] = ", ".join(f"{k} {v}" for k, v in contract.training["versions"].items())
    return CARD.format(**facts)


def _in_full(recipe: dict[str, Any]) -> str:
    """Name the recipe, and every field that is not the default."""
    plain = asdict(Recipe(name=""))
    set_ = [f"{key.replace('_', ' ')} {v}" for key, v in recipe.items() if v != plain[key]][1:]
    return f"{recipe['name']}: {', '.join(set_)}"


if __name__ == "__main__":
    main()
