"""No command of the runtime opens a socket or looks a name up, but for an address it is given."""

import shutil
from pathlib import Path

import pytest

from tracing import COMMAND, calls, without_network

pytestmark = pytest.mark.tracing

COMMANDS = (
    "classify photo.png",
    "maps photo.png --output maps.png",
    "camera test: --no-window --frames 20 --record clip.mp4",
    "camera clip.mp4 --no-window",
    "bench --no-pipeline --batch 1 --pace max --queries 5 --seconds 0",
    "batch photo.png --output out",
    "doctor",
)
"""In an order in which each finds its input."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("network")


@pytest.mark.parametrize("command", COMMANDS)
def test_it_asks_the_kernel_for_no_network(command: str, folder: Path, photo: Path) -> None:
    shutil.copy(photo, folder)
    assert calls([*COMMAND, *command.split()], "%network", folder) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_it_works_where_there_is_none(command: str, folder: Path, photo: Path) -> None:
    shutil.copy(photo, folder)
    result = without_network([*COMMAND, *command.split()], folder)
    assert result.status == 0, result.err


def test_openvino_among_the_peers_of_a_benchmark_does_not_report_its_use(tmp_path: Path) -> None:
    code = (
        "from digitlens.bench.peer_worker import OpenVino\n"
        "from digitlens.model_file import PACKAGED\n"
        "OpenVino([str(PACKAGED)], 1)\n"
        "import openvino.tools.ovc"
    )
    home = tmp_path / "home"
    home.mkdir()
    assert calls([COMMAND[0], "-c", code], "%network", tmp_path, HOME=str(home)) == []
    assert list(home.iterdir()) == []


def test_a_socket_would_be_seen(folder: Path) -> None:
    code = "import socket; socket.socket(socket.AF_INET)"
    seen = calls([COMMAND[0], "-c", code], "%network", folder)
    assert any(call.startswith("socket(AF_INET,") for call in seen)
