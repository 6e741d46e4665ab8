"""What end-to-end tests share: a server, and what is sent to it."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from server import Server, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve the test card; what a test does to this server, the next must not mind."""
    with serving("test:") as server:
        yield server


@pytest.fixture
def image(photo: Path) -> bytes:
    """The bytes of `photo`."""
    return photo.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, page: np.ndarray) -> Path:
    """A folder as the examples have it: photo.png, and scans/ with two images."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "scans").mkdir()
    for name in ("photo.png", "scans/1.png", "scans/2.png"):
        cv2.imwrite(str(folder / name), page)
    return folder
