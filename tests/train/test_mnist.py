import gzip
from http.client import BadStatusLine, IncompleteRead
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from command import OFFLINE
from digitlens.errors import DataError, NotFoundError
from digitlens.mnist import ENVIRONMENT, MD5, has_files
from digitlens_train import mnist
from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.torchvision_import import transforms


def test_glyphs_equal_torchvision_one_by_one(subset: Mnist) -> None:
    images = subset.valid.images[:200]
    transform = transforms.Compose([transforms.Resize((32, 32)), transforms.ToTensor()])
    one_by_one = torch.stack([transform(Image.fromarray(image.numpy())) for image in images])
    assert torch.equal(glyphs(images), one_by_one)


def test_the_subset_is_split_evenly_and_always_alike(subset: Mnist) -> None:
    assert subset.name == mnist.SUBSET
    assert torch.bincount(subset.train.labels).tolist() == [400] * 10
    assert torch.bincount(subset.valid.labels).tolist() == [100] * 10
    again = mnist.load_subset()
    assert torch.equal(again.train.images, subset.train.images)
    known = {image.numpy().tobytes() for image in subset.train.images}
    assert not any(image.numpy().tobytes() in known for image in subset.valid.images)


def test_joined_images_stand_behind_with_their_labels(subset: Mnist) -> None:
    one, two = subset.train.first(30), subset.valid.first(20)
    both = one.joined(two)
    assert both.images.shape == (50, 28, 28)
    assert both.images.dtype == torch.uint8
    assert both.labels.dtype == torch.int64
    assert torch.equal(both.images[30:], two.images)
    assert both.labels.tolist() == one.labels.tolist() + two.labels.tolist()
    assert torch.equal(both.first(30).images, one.images)


def test_a_named_folder_without_the_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="train-images"):
        mnist.load(tmp_path)
    with pytest.raises(NotFoundError, match="no folder"):
        mnist.load(tmp_path / "missing")


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    with pytest.raises(NotFoundError, match=tmp_path.name):
        mnist.load()


def test_without_a_network_the_subset_is_used_and_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    assert mnist.load().name == mnist.SUBSET
    assert "5,000 digits" in caplog.text
    assert not has_files(tmp_path / "digitlens")


@pytest.mark.parametrize(
    "error", [IncompleteRead(b"half"), BadStatusLine("nonsense"), OSError(), RuntimeError("torn")]
)
def test_a_download_that_breaks_is_said_and_the_subset_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:  # fmt: skip
    def break_off(*_: object, **__: object) -> None:
        raise error

    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(mnist.datasets, "MNIST", break_off)
    assert mnist.load().name == mnist.SUBSET
    assert "MNIST could not be downloaded (" in caplog.text
    assert "()" not in caplog.text


def test_a_download_is_whole_or_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def stop_half_way(root: str, *, download: bool) -> None:
        assert download
        raw = Path(root) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        (raw / "train-images-idx3-ubyte.gz").write_bytes(b"half")
        raise OSError("the line is dead")

    monkeypatch.setattr(mnist.datasets, "MNIST", stop_half_way)
    with pytest.raises(OSError, match="the line is dead"):
        mnist._download(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full_mnist
def test_all_of_mnist_is_read_gzipped_and_plain(full_mnist: Mnist, tmp_path: Path) -> None:
    assert full_mnist.train.images.shape == (60_000, 28, 28)
    assert full_mnist.valid.images.shape == (10_000, 28, 28)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in list(MD5)[:4]:
        (raw / name.removesuffix(".gz")).write_bytes(_content(full_mnist.folder, name))
    plain = mnist.load(tmp_path)
    assert torch.equal(plain.train.images, full_mnist.train.images)
    assert torch.equal(plain.valid.labels, full_mnist.valid.labels)


@pytest.mark.full_mnist
def test_a_changed_file_of_mnist_is_refused(full_mnist: Mnist, tmp_path: Path) -> None:
    for name in list(MD5)[:4]:
        content = bytearray(_content(full_mnist.folder, name))
        if name.startswith("t10k-labels"):
            content[-1] ^= 1
        (tmp_path / name.removesuffix(".gz")).write_bytes(content)
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte has MD5"):
        mnist.load(tmp_path)


@pytest.mark.full_mnist
def test_the_subset_comes_from_the_training_images_of_mnist(
    full_mnist: Mnist, subset: Mnist
) -> None:
    known = {
        image.tobytes(): label
        for image, label in zip(
            full_mnist.train.images.numpy(), full_mnist.train.labels.tolist(), strict=True
        )
    }
    for split in (subset.train, subset.valid):
        found = [known[image.tobytes()] for image in split.images.numpy()]
        assert np.array_equal(found, split.labels)


def _content(folder: Path | None, name: str) -> bytes:
    assert folder is not None
    for place in (folder, folder / "MNIST" / "raw"):
        if (place / name).exists():
            return gzip.decompress((place / name).read_bytes())
    return (folder / "MNIST" / "raw" / name.removesuffix(".gz")).read_bytes()
