"""The commands `digitlens export` and `digitlens verify`. torch is imported only when they run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitlens.cli.options import format_option

if TYPE_CHECKING:
    from digitlens_export.proof import Proof

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with MNIST's four files. Default: where the run was trained from, else as train.",
)


@click.command(epilog="Example: digitlens export runs/classic -o lenet5.onnx")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.onnx",
    help="The model file. Default: lenet5.onnx in the run folder.",
)
@data_option
def export(run: Path, output: Path | None, data: Path | None) -> None:
    """Export the network in the run folder RUN to one ONNX file, and prove it.

    All validation images go through PyTorch, in float64, and through onnxruntime, and every
    activation is compared.
    The proof is stored in the file; where it fails, no file is written.
    """
    from digitlens_export import exporter
    from digitlens_train.run import Run

    target = output or run / "lenet5.onnx"
    proof = exporter.export(Run(run), target, data)
    click.echo(_table(proof), err=True)
    click.echo(target)


@click.command(epilog="Example: digitlens verify lenet5.onnx --against runs/classic --format json")
@click.argument("model", type=click.Path(path_type=Path), metavar="FILE.onnx")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    required=True,
    metavar="RUN",
    help="The run folder that the model was exported from.",
)
@data_option
@format_option("table", "json")
def verify(model: Path, against: Path, data: Path | None, form: str) -> None:
    """Compare every output of the model FILE.onnx with PyTorch's again.

    Exits with 1 where an output is off by more than 1e-5 or a label differs.
    """
    from digitlens_export import exporter
    from digitlens_train.run import Run

    proof = exporter.verify(model, Run(against), data)
    click.echo(json.dumps(proof.to_dict()) if form == "json" else _table(proof))
    proof.check()


def _table(proof: "Proof") -> str:
    lines = [f"{'output':<14}{'max abs':>10}{'max rel':>10}  passed  worst at"]
    for output in proof.outputs:
        lines.append(
            f"{output.name:<14}{output.max_abs:>10.1e}{output.max_rel:>10.1e}  "
            f"{'yes' if output else 'NO':<6}  {list(output.worst)}"
        )
    lines.append(
        f"{proof.samples:,} images, labels agree on {proof.label_agreement:.2%}, "
        f"accuracy: PyTorch {proof.torch_accuracy:.2%}, ONNX {proof.onnx_accuracy:.2%}"
    )
    lines.append("proof passed" if proof else "proof FAILED")
    return "\n".join(lines)
