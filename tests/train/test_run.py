import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

from digitlens.errors import NotFoundError, RunError
from digitlens_train.mnist import load_subset
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


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_a_damaged_config_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    copy = Run(Path(shutil.copytree(run.folder, tmp_path / "copy")))
    copy.config.write_text(content)
    with pytest.raises(RunError, match=r"config\.json is damaged"):
        copy.read_config()
