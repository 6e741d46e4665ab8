from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from digitlens import folders
from digitlens.errors import DataError, NotFoundError
from digitlens.mnist import (
    ENVIRONMENT,
    MD5,
    TRAIN,
    VALID,
    has_files,
    named_folder,
    read,
    validation,
)

if TYPE_CHECKING:
    from digitlens_train.mnist import Mnist

ZIPPED = [name for name in MD5 if name.endswith(".gz")]
PLAIN = [name for name in MD5 if not name.endswith(".gz")]


def fill(folder: Path, names: list[str]) -> Path:
    """Put files of these names, which are damaged, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"damaged")
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user's cache, which is empty; the environment names no folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    return folders.cache()


@pytest.mark.parametrize("names", [ZIPPED, PLAIN, ZIPPED[:2] + PLAIN[2:]])
@pytest.mark.parametrize("inner", ["", "MNIST/raw"])
def test_four_files_are_found_zipped_or_plain(tmp_path: Path, names: list[str], inner: str) -> None:
    fill(tmp_path / inner, names)
    assert has_files(tmp_path)
    for name in names:
        (tmp_path / inner / name).rename(tmp_path / "aside")
        assert not has_files(tmp_path)
        (tmp_path / "aside").rename(tmp_path / inner / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert not has_files(tmp_path / "missing")
    fill(tmp_path, ZIPPED[1:])
    (tmp_path / ZIPPED[0]).mkdir()
    assert not has_files(tmp_path)


def test_a_folder_that_is_given_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    assert named_folder() is None
    monkeypatch.setenv(ENVIRONMENT, "")
    assert named_folder() is None
    monkeypatch.setenv(ENVIRONMENT, "/named")
    assert named_folder() == Path("/named")
    assert named_folder(tmp_path) == tmp_path


def test_without_a_name_and_without_files_in_the_cache_there_is_no_validation(cache: Path) -> None:
    assert validation() is None
    fill(cache, ZIPPED[:3])
    assert validation() is None


def test_it_looks_into_the_folder_then_the_environment_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    fill(cache, ZIPPED)
    with pytest.raises(DataError, match=str(cache)):
        validation()
    monkeypatch.setenv(ENVIRONMENT, str(fill(tmp_path / "named", ZIPPED)))
    with pytest.raises(DataError, match=str(tmp_path / "named")):
        validation()
    with pytest.raises(DataError, match=str(tmp_path / "given")):
        validation(fill(tmp_path / "given", PLAIN))


@pytest.mark.usefixtures("cache")
def test_a_folder_that_is_named_must_hold_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError, match=r"no t10k-images-idx file in .*missing") as error:
        validation(tmp_path / "missing")
    assert ZIPPED[0] in str(error.value)
    monkeypatch.setenv(ENVIRONMENT, str(fill(tmp_path / "half", ["t10k-images-idx3-ubyte"])))
    with pytest.raises(NotFoundError, match=r"no t10k-labels-idx file in .*half"):
        validation()


def test_validation_needs_no_training_images(tmp_path: Path) -> None:
    fill(tmp_path, PLAIN[2:])
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte is no IDX file"):
        read(tmp_path, VALID)
    with pytest.raises(NotFoundError, match="no train-images-idx file"):
        read(tmp_path, TRAIN)


@pytest.mark.full_mnist
def test_the_validation_images_are_those_that_training_has(
    full_mnist: "Mnist", cache: Path
) -> None:
    found = validation(full_mnist.folder)
    assert found is not None
    images, labels = found
    assert (images.shape, images.dtype) == ((10_000, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((10_000,), np.uint8)
    assert np.array_equal(images, full_mnist.valid.images.numpy())
    assert np.array_equal(labels, full_mnist.valid.labels.numpy())
    assert not cache.exists()
