"""From a run folder to a proven model file."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from digitlens import contract
from digitlens.contract import Contract
from digitlens.errors import RunError
from digitlens.files import check_writable, write_bytes
from digitlens.model_file import weights_sha256
from digitlens.session import Session
from digitlens_export import graph
from digitlens_export.proof import Proof, prove
from digitlens_train.run import Run


def export(run: Run, target: Path, data: Path | None = None) -> Proof:
    """Export the network of `run` to `target` once it is proven; else no file is written.

    Raises:
        ProofError: the exported graph does not do what PyTorch does.
        NotFoundError, RunError, DataError: the run or its data cannot be used.
    """
    model = run.load_model()
    if not run.is_finished:
        raise RunError(
            f"{run.folder} is unfinished: go on with 'digitlens train --out {run.folder} --resume'"
        )
    check_writable(target)
    training = _training(run)
    built = graph.build(model)
    unproven = Contract(
        labels=contract.LABELS,
        input=contract.INPUT,
        taps=contract.TAPS,
        normalize={"mean": 0.0, "std": 1.0},
        training=training,
        proof=None,
        weights_sha256=weights_sha256(built.SerializeToString()),
    )
    session = Session(graph.with_contract(built, unproven))
    proof = prove(model, session, run.validation_images(data))
    proof.check()
    write_bytes(target, graph.with_contract(built, unproven.with_proof(proof.to_dict())))
    return proof


def verify(model: Path, run: Run, data: Path | None = None) -> Proof:
    """Compare the file `model` with the network of `run` once more."""
    network = run.load_model()
    return prove(network, Session(model, check_weights=False), run.validation_images(data))


def _training(run: Run) -> dict[str, Any]:
    """Gather what the contract says about training, without any path of this machine."""
    try:
        return _training_facts(run.read_config(), run.read_metrics())
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{run.folder}: its config.json or metrics.json is damaged "
            f"({type(error).__name__}: {error}); train again"
        ) from error


def _training_facts(config: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    recipe = config["recipe"]
    return {
        "dataset": config["dataset"],
        "train_images": config["train_images"],
        "held_out_images": config["held_out_images"],
        "valid_images": config["valid_images"],
        "trial": config["trial"],
        "recipe": recipe["name"],
        "epochs": len(metrics["epochs"]),
        "batch_size": recipe["batch_size"],
        "lr": recipe["lr"],
        "seed": config["seed"],
        "valid_accuracy": metrics["valid_accuracy"],
        "valid_loss": metrics["valid_loss"],
        "temperature": metrics["temperature"],
        "calibration_error": metrics["calibration_error"],
        "versions": config["versions"] | {name: version(name) for name in ("onnx", "onnxruntime")},
    }
