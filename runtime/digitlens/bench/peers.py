"""Other engines that run the same network, to be measured beside onnxruntime."""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine.

    Attributes:
        name: what its rows are called.
        package: of PyPI, that brings it.
        module: that the package is imported by.
        worker: the module that is run to measure it.
        conversion: endings of the files beside the model that it reads; none if it reads ONNX.
        way_out: how such files are made.
    """

    name: str
    package: str
    module: str
    worker: str = "digitlens.bench.peer_worker"
    conversion: tuple[str, ...] = ()
    way_out: str = ""


TORCH = "PyTorch eager"
PEERS = (
    Peer(TORCH, "torch", "torch", worker="digitlens_export.peer"),
    Peer("OpenCV DNN", "opencv-python", "cv2"),
    Peer("OpenVINO API", "openvino", "openvino"),
    Peer(
        "ncnn",
        "ncnn",
        "ncnn",
        conversion=(".ncnn.param", ".ncnn.bin"),
        way_out="convert it with pnnx",
    ),
)


_BY_NAME = {peer.name: peer for peer in PEERS}


def lack(peer: Peer, model: Path, run: Path | None) -> str:
    """Say what a peer lacks to run `model`, and the way out; "" if nothing."""
    if find_spec(peer.module) is None:
        return f"{peer.package} is not installed: pip install {peer.package}"
    for path in conversion(peer, model):
        if not path.is_file():
            return f"there is no {path}: {peer.way_out}"
    if peer.name == TORCH and run_folder(model, run) is None:
        return f"no run folder with {CHECKPOINT} beside {model}: name it with --run DIR"
    return ""


def command(name: str) -> list[str]:
    """Start the worker of the peer of a name."""
    return [sys.executable, "-m", _BY_NAME[name].worker]


def files(name: str, model: Path, run: Path | None) -> list[str]:
    """List what the peer of a name opens; nothing for the name of a provider."""
    if name not in _BY_NAME:
        return []
    if name == TORCH:
        return [str((run_folder(model, run) or model).resolve())]
    return list(map(str, conversion(_BY_NAME[name], model) or [model]))


def conversion(peer: Peer, model: Path) -> list[Path]:
    """List the files beside `model` that a peer reads."""
    return [model.with_name(model.stem + ending) for ending in peer.conversion]


def run_folder(model: Path, run: Path | None) -> Path | None:
    """Give the run folder that `model` was exported from: `run`, or one beside the file."""
    candidates = [run] if run else [model.with_suffix(""), model.parent]
    return next((folder for folder in candidates if (folder / CHECKPOINT).is_file()), None)


def engine(peer: Peer) -> str:
    """Name the package with its version."""
    try:
        return f"{peer.package} {version(peer.package)}"
    except PackageNotFoundError:  # such as opencv-python-headless
        return peer.package
