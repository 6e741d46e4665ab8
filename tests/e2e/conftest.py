"""What end-to-end tests share: a server, and what is sent to it."""

from collections.abc import Iterator
from pathlib import Path

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
